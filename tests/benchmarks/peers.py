"""Other programs that do the same job, and what was recorded of them.

Recorded on the reference machine: 20,000 tokens from a loopback server, and answers to one request
where a bare script of typer and httpx took 0.18 s for a short one and 0.54 s for 20,000 tokens.
Only `llm` is run where it is installed: it can be pointed at a Chat Completions server by a file,
asks nothing else of the network and ends by itself. The others stand with their recorded figures.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

# The bare script in the run in which the answers to one request were recorded.
BARE_S = (0.18, 0.54)
RUN = "llm"


@dataclass(frozen=True)
class Peer:
    """A program, and its figures in seconds.

    Attributes:
        name: What it is called in rows.
        program: Its name on PATH.
        once: How it answers one request, in words.
        answers: One short answer, and one of 20,000 tokens; None where it isn't compared.
        late: From the last byte of a flood until the end is on the screen; None: it never was.
    """

    name: str
    program: str
    once: str = ""
    answers: tuple[float | None, float | None] = (None, None)
    late: float | None = None

    @property
    def installed(self) -> str | None:
        """Where it is, if it is installed."""
        return shutil.which(self.program)


# codex prints a long answer only when it is whole, quicker than the bare script prints its pieces:
# it is compared on the short one.
PEERS = (
    Peer("claude code", "claude", "claude -p", (0.45, 1.2), 0.85),
    Peer("codex", "codex", "codex exec", (0.24, None), 4.3),
    Peer("gemini-cli", "gemini", "gemini -p", (1.6, 2.9), 2.5),
    Peer("opencode", "opencode", "opencode run", (2.5, 4.1), 2.6),
    Peer("llm", "llm", "llm", (0.58, 3.2), 2.5),
    Peer("gptme", "gptme", "gptme", (3.3, 32.0), 14.0),
    Peer("aider", "aider", "aider", (6.4, 86.0), 87.0),
    Peer("elia", "elia"),
)


def standing() -> Iterator[str]:
    """A line a peer: whether it was run, stands with what was recorded, or is skipped."""
    for peer in PEERS:
        here = "is installed" if peer.installed else "isn't installed"
        if not peer.once:
            yield f"{peer.name}: skipped: it {here}, and came to no end of 20,000 tokens in 400 s"
        elif peer.program == RUN and peer.installed:
            yield f"{peer.name}: {here}: run for single answers, recorded on a screen"
        else:
            yield f"{peer.name}: {here}: recorded"
