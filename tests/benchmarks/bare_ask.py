"""The baseline of `ask`: the least script that asks with typer and httpx and prints the answer."""

import json

import httpx
import typer

app = typer.Typer()


@app.command()
def ask(url: str, prompt: str) -> None:
    request = {"model": "m", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    with (
        httpx.Client(timeout=60) as client,
        client.stream("POST", f"{url}/chat/completions", json=request) as response,
    ):
        for line in response.iter_lines():
            if line.startswith("data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    print(choice["delta"].get("content") or "", end="", flush=True)
    print()


app()
