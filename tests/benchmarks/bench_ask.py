"""`ask` against the least script that does the same: CPU of the whole process.

Baseline: `bare_ask.py`, with typer, httpx and print, on the same loopback server in the same run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness import HERE, Row, chat_server, child_cpu_ms, in_turn

CONFIG = 'model = "p/m"\n[providers.p]\nprotocol = "chat"\nbase_url = "{url}"\n'


def run(*, quick: bool) -> list[Row]:
    """A short answer and one of 20,000 tokens."""
    return [
        _compare("ask, a short answer", 20, runs=5 if quick else 11),
        _compare("ask, 20,000 tokens", 20_000, runs=3 if quick else 7),
    ]


def _compare(name: str, tokens: int, *, runs: int) -> Row:
    with chat_server(tokens) as url, tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "config.toml"
        config.write_text(CONFIG.format(url=url))
        ours = [sys.executable, "-m", "chatterm", "--config", str(config), "ask", "-n", "hello"]
        bare = [sys.executable, str(HERE / "bare_ask.py"), url, "hello"]
        env = {"HOME": directory, "CHATTERM_DATA_DIR": directory}
        figures = in_turn([lambda: child_cpu_ms(ours, env), lambda: child_cpu_ms(bare, env)], runs)
    return Row(name, figures[0], figures[1], "ms", limit=1.4)
