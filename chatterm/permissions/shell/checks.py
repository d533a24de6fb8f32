"""A further look at what a program is given, where options alone don't tell whether it only reads.

Each raises `RefusedError` where it may do more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatterm.permissions.shell.options import Parsed, RefusedError
from chatterm.permissions.shell.words import Word

# What `date -I` may be followed by.
_TIMES = frozenset({"date", "hours", "minutes", "seconds"})
# What `ps -o` may show: nothing of a process's environment.
_COLUMNS = frozenset(
    {
        *("pid", "ppid", "pgid", "pgrp", "sid", "sess", "user", "uid", "ruser", "euser", "group"),
        *("gid", "comm", "cmd", "args", "command", "ucmd", "ucomm", "stat", "state", "s", "time"),
        *("etime", "etimes", "start", "lstart", "stime", "cputime", "pcpu", "%cpu", "c", "pmem"),
        *("%mem", "rss", "vsz", "sz", "size", "tty", "tt", "tname", "ni", "nice", "pri", "psr"),
        *("wchan", "nlwp", "thcount", "lwp", "tid"),
    }
)


def check_date(parsed: Parsed) -> None:
    """Of date: it only tells the time."""
    if any(word and word.text not in _TIMES for word in parsed.options.get("-I", ())):
        raise RefusedError("what follows -I may be other options")
    if any(not word.text.startswith("+") for word in parsed.operands):
        raise RefusedError("it sets the clock when it is given a time")


def check_ps(parsed: Parsed) -> None:
    """Of ps: it shows no environments."""
    columns = [
        column.partition("=")[0].strip()
        for word in parsed.options.get("-o", ())
        for column in (word.text if word else "").split(",")
    ]
    # Letters of BSD, of which `e` shows environments.
    letters = [word.text for word in parsed.operands]
    if not set(columns) <= _COLUMNS or (
        letters and not (len(letters) == 1 and re.fullmatch(r"[auxfw]+", letters[0]))
    ):
        raise RefusedError("it may show the environments of processes")
    numbers = [word.text if word else "" for word in parsed.options.get("-p", ())]
    if not all(re.fullmatch(r"[0-9]+(,[0-9]+)*", each) for each in numbers):
        raise RefusedError("what follows -p is no number")


def check_sleep(parsed: Parsed) -> None:
    """Of sleep: not for long."""
    for word in parsed.operands:
        found = re.fullmatch(r"([0-9]+)(\.[0-9]+)?s?", word.text)
        if found is None or len(found[1]) > 2 or int(found[1]) > 60:
            raise RefusedError("it waits for long")


def check_seq(parsed: Parsed) -> None:
    """Of seq: it ends."""
    for word in parsed.operands:
        if not re.fullmatch(r"-?[0-9]{1,7}(\.[0-9]{1,3})?", word.text):
            raise RefusedError("it isn't known when it ends")


_CONVERSION = re.compile(r"%%|%[-+ #0']*[0-9]{0,4}(?:\.[0-9]{1,4})?[sdiouxXeEfFgGcbq]")


def check_tail(parsed: Parsed) -> None:
    """Of tail: it ends. `+5f` is an old way to write that it follows the file."""
    if any(re.fullmatch(r"\+[0-9]*[bcl]?f", word.text) for word in parsed.operands):
        raise RefusedError("it waits for more")


def check_printf(words: Sequence[Word]) -> None:
    """Of printf: its format, after which nothing is an option, has plain conversions only."""
    dashes = bool(words) and words[0].text == "--"
    form = next(iter(words[dashes:]), None)
    if form is None or form.globs or (not dashes and form.text.startswith("-")):
        raise RefusedError("its format isn't plain")
    # `%n`, with whatever between, sets the variable that an operand names: PATH, if need be.
    if "%" in _CONVERSION.sub("", form.text):
        raise RefusedError("its format holds more than plain conversions")


def check_strings(parsed: Parsed) -> None:
    """Of strings: it reads no options from a file, which `@` before its name does anywhere."""
    values = [word for words in parsed.options.values() for word in words if word is not None]
    if any(word.text.startswith("@") for word in (*parsed.operands, *values)):
        raise RefusedError("it reads more options from a file")


def check_tar(parsed: Parsed) -> None:
    """Of tar: it lists an archive of this machine."""
    operands = list(parsed.operands)
    if not parsed.has("-t", "--list"):
        bundle = operands.pop(0).text if operands else ""
        if not re.fullmatch(r"[tvzjJ]*t[tvzjJ]*f?", bundle):
            raise RefusedError("it does more than list an archive")
    if any(word.globs for word in operands):
        raise RefusedError("a pattern may become the name of another machine")
    archives = [*parsed.options.get("-f", ()), *parsed.options.get("--file", ()), *operands]
    if any(word is not None and ":" in word.text for word in archives):
        raise RefusedError("it may fetch the archive from another machine")


def check_gzip(parsed: Parsed) -> None:
    """Of gzip and gunzip: they write to standard output, or list."""
    if not parsed.has("-c", "-l", "--stdout", "--to-stdout", "--list"):
        raise RefusedError("it replaces the files that it is given")


def check_unzip(parsed: Parsed) -> None:
    """Of unzip: it writes nothing."""
    if not parsed.has("-l", "-v", "-Z"):
        raise RefusedError("it writes what it unpacks")


def check_command(parsed: Parsed) -> None:
    """Of command: it only looks a command up."""
    if not parsed.has("-v", "-V"):
        raise RefusedError("it runs a command")
