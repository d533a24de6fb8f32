"""`ask` against the least script that does the same, and against other programs that answer once.

Baseline: `bare_ask.py`, with typer, httpx and print, on the same loopback server in the same run.
Of the peers (`peers.py`) `llm` is run where it is installed; the others stand with their recorded
ratio to the bare script, in wall time.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import HERE, Row, chat_server, child_costs, reference_ms
from peers import BARE_S, PEERS, RUN, Peer

CONFIG = 'model = "p/m"\n[providers.p]\nprotocol = "chat"\nbase_url = "{url}"\n'
LLM_MODELS = "- model_id: bench\n  model_name: m\n  api_base: {url}\n"
BARE_TYPER = """
import typer
app = typer.Typer()
@app.command()
def ask(prompt: str) -> None: ...
app()
"""
SIZES = (("a short answer", 20), ("20,000 tokens", 20_000))


def run(*, quick: bool) -> list[Row]:
    """A short answer and one of 20,000 tokens."""
    rows = [_start(5 if quick else 15), _help(5 if quick else 15)]
    for size, (name, tokens) in enumerate(SIZES):
        runs = (3, 2)[size] if quick else (11, 7)[size]
        with _asking(tokens) as (ours, bare, llm, env):
            commands = [ours, bare] if llm is None else [ours, bare, llm]
            (cpu, mine), (bare_cpu, script), *others = child_costs(commands, env, runs)
            rows.append(Row(f"ask, {name}: CPU", cpu, bare_cpu, "ms", limit=1.4))
            ran = others[0][1] if others else None
            rows += [row for peer in PEERS for row in _against(peer, name, size, mine, script, ran)]
    return rows


def _against(
    peer: Peer, name: str, size: int, mine: float, script: float, ran: float | None
) -> Iterator[Row]:
    """Wall time against a peer's: as it ran just now, or as it was recorded."""
    recorded = peer.answers[size]
    if recorded is None:
        return
    title = f"ask, {name}: against {peer.once}"
    if peer.program == RUN and ran is not None:
        yield Row(title, mine, ran, "ms", limit=1.0)
    else:
        yield Row(f"{title} (recorded)", mine, script * recorded / BARE_S[size], "ms", limit=1.0)


def _start(runs: int) -> Row:
    """The least command against the interpreter alone; a typer command takes 14 times as much."""
    least, nothing = [sys.executable, "-m", "chatterm", "--version"], [sys.executable, "-c", "pass"]
    (ours, _), (bare, _) = child_costs([least, nothing], {}, runs)
    return Row("chatterm --version, against python -c pass: CPU", ours, bare, "ms", limit=14.5)


def _help(runs: int) -> Row:
    """What the longest help takes beyond a bare typer program that runs a command."""
    ours = [sys.executable, "-m", "chatterm", "ask", "--help"]
    (told, _), (bare, _) = child_costs([ours, [sys.executable, "-c", BARE_TYPER, "x"]], {}, runs)
    name = "ask --help, beyond a bare typer program, against 150 ms: CPU"
    return Row(name, max(told - bare, 0.1), reference_ms(150), "ms", limit=1.0)


@contextmanager
def _asking(
    tokens: int,
) -> Iterator[tuple[list[str], list[str], list[str] | None, dict[str, str]]]:
    """The commands that ask a server for so many tokens, and their environment."""
    with chat_server(tokens) as url, tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "config.toml"
        config.write_text(CONFIG.format(url=url))
        (Path(directory) / "extra-openai-models.yaml").write_text(LLM_MODELS.format(url=url))
        ours = [sys.executable, "-m", "chatterm", "--config", str(config), "ask", "-n", "hello"]
        bare = [sys.executable, str(HERE / "bare_ask.py"), url, "hello"]
        installed = next(peer.installed for peer in PEERS if peer.program == RUN)
        llm = [installed, "-m", "bench", "hello"] if installed else None
        env = {"HOME": directory, "CHATTERM_DATA_DIR": directory, "LLM_USER_PATH": directory}
        yield ours, bare, llm, env | {"OPENAI_API_KEY": "none"}
