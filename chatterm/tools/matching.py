"""Matches a pattern line by line, in a process of its own: a program that is run, not imported.

A pattern can take longer than anyone waits for, and nothing in this process stops it: who started
it ends it. It opens no file. It reads, from standard input, the pattern's length and flag and the
pattern, then texts, each after its length; it writes a line of JSON in answer to each.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import struct
import sys
import warnings
from typing import BinaryIO

HEAD = struct.Struct(">I")
"""What comes before each piece: its length in bytes."""
_CPU_S = 300  # the end of a process that nobody ends
_MEMORY_BYTES = 2 * 1024**3


def main() -> None:
    """Answer until there is no more input."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    asked = json.loads(_piece(source) or b"{}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what may come to mean something else is no pattern
            pattern = re.compile(asked["pattern"], re.IGNORECASE if asked["ignore_case"] else 0)
    except (re.error, Warning, OverflowError, RecursionError, MemoryError) as error:
        _say(sink, {"error": f"{error}" or type(error).__name__})
        return
    _say(sink, {})
    while (data := _piece(source)) is not None:
        _say(sink, _lines(pattern, data.decode("utf-8", "replace"), asked["most"]))


def _lines(pattern: re.Pattern[str], text: str, most: int) -> list[int]:
    """The numbers of the lines that match, up to so many."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    found: list[int] = []
    for number, line in enumerate(lines, 1):
        if pattern.search(line.removesuffix("\r")):
            found.append(number)
            if len(found) == most:
                break
    return found


def _piece(source: BinaryIO) -> bytes | None:
    head = source.read(HEAD.size)
    return source.read(HEAD.unpack(head)[0]) if len(head) == HEAD.size else None


def _say(sink: BinaryIO, what: object) -> None:
    sink.write(json.dumps(what).encode() + b"\n")
    sink.flush()


if __name__ == "__main__":
    main()
