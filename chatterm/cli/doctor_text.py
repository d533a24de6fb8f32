"""What `chatterm doctor` found, in words: a table a subject, a row a finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chatterm.cli.doctor_checks import home_short
from chatterm.render.lines import cells

OK, BAD, NOTE = "ok", "!!", "--"
_MARK = 6  # cells of a mark, and of what stands around it
_WIDEST_NAME = 16
_NARROWEST = 20
_IMAGES = {"kitty": "kitty protocol", "sixel": "sixel", "iterm": "iTerm2's protocol"}
_COLOURS = {0: "no colours", 16: "16 colours", 256: "256 colours", 1 << 24: "16 million colours"}
Row = tuple[str, str, str]
"""A mark (`ok`, `!!`, `--`), what it is about, and what was found; without the first two it goes on
from the row above."""


def heading(report: dict[str, Any]) -> str:
    """What runs, on what."""
    return f"chatterm {report['version']}, Python {report['python']}, {report['system']}"


def tables(report: dict[str, Any]) -> dict[str, list[Row]]:
    """The rows of a report by their subjects.

    Args:
        report: What `--json` prints.
    """
    subjects = {
        "Configuration": _configuration(report),
        "Providers": _providers(report),
        "Servers on this machine": _servers(report["servers"]),
        "Sandbox": _sandbox(report["sandbox"]),
        "Terminal": _terminal(report["terminal"]),
        "Conversations": _store(report),
        "Tools": _tools(report["tools"]),
    }
    return {subject: list(found) for subject, found in subjects.items()}


def laid_out(rows: Sequence[Row], width: int | None) -> list[tuple[str, str]]:
    """Rows with their names in a column, and what was found in another.

    Args:
        rows: The rows, harmless to a terminal.
        width: Cells of a line, whose text is broken between words; None breaks none.

    Returns:
        For each line its mark and the rest.
    """
    from textwrap import wrap

    names = min(_WIDEST_NAME, max((cells(name) for _, name, _ in rows), default=0))
    blank = " " * (_MARK + names + 2)
    lines: list[tuple[str, str]] = []
    for mark, name, text in rows:
        room = max(_NARROWEST, width - len(blank)) if width is not None else None
        parts = wrap(text, room, break_on_hyphens=False) if room else [text]
        padded = name + " " * max(0, names - cells(name))
        if cells(name) > names and parts:
            lines.append((mark, name))
            lines += [("", f"{blank}{part}") for part in parts]
            continue
        for number, part in enumerate(parts or [""]):
            first = number == 0 and (mark or name)
            lines.append((mark, f"{padded}  {part}".rstrip()) if first else ("", f"{blank}{part}"))
    return lines


def _configuration(report: dict[str, Any]) -> Iterator[Row]:
    paths, problems = report["paths"], report["problems"]
    for each in problems:
        place = ", ".join(
            filter(
                None,
                (
                    home_short(each["file"] or ""),
                    f"line {each['line']}" if each["line"] else "",
                    each["key"],
                ),
            )
        )
        yield BAD, "problem", f"{place}: {each['message']}" if place else each["message"]
    missing = "" if paths["config_exists"] else " (there is none; defaults count)"
    named = "" if paths["config_source"] == "default" else f", by {paths['config_source']}"
    yield NOTE if problems else OK, "file", f"{home_short(paths['config'])}{named}{missing}"
    if not paths["config_exists"]:
        yield "", "", "`chatterm config init` chooses a model and writes one"
    work = paths["workspace"]
    none = "none: this is the home directory, or above it"
    yield NOTE, "workspace", home_short(work) if work else none
    yield NOTE, "log", home_short(paths["log"])


def _providers(report: dict[str, Any]) -> Iterator[Row]:
    rows = report["providers"]
    told = [row for row in rows if row["configured"]]
    for row in told:
        if row["problem"]:
            hint = f" ({row['hint']})" if row["hint"] else ""
            # Some servers list no models, and answer all the same.
            listless = row["kind"] in {"not_found", "bad_request"} and row["reachable"]
            # Without a key nobody was asked, and the problem says where one was looked for.
            key = "" if row["reachable"] is None else f"{row['why']}; "
            yield NOTE if listless else BAD, row["name"], f"{key}{row['problem']}{hint}"
        else:
            count = row["models"]
            models = "1 model" if count == 1 else f"{count} models"
            yield OK, row["name"], f"{row['why']}; {models}"
    stored = [row["name"] for row in rows if not row["configured"] and "keyring" in row["why"]]
    if stored:
        yield NOTE, "not asked", f"{', '.join(stored)}: the key is in the keyring"
    keyring = report["keyring"]
    if not told and not stored:
        more = ", or run `chatterm key set openai`" if keyring["usable"] else ""
        yield NOTE, "none", f"none is ready: set a key such as OPENAI_API_KEY{more}"
    state = keyring["backend"] or "usable" if keyring["usable"] else f"none: {keyring['reason']}"
    yield OK if keyring["usable"] else NOTE, "keyring", state


def _servers(servers: list[dict[str, Any]]) -> Iterator[Row]:
    for each in servers:
        count = len(each["models"])
        models = "1 model" if count == 1 else f"{count} models"
        yield OK, each["kind"], f"{each['url']}, {models}"
        if each["provider"]:
            first = each["models"][0] if each["models"] else "MODEL"
            yield "", "", f"ask it with: chatterm -m {each['provider']}/{first}"
        else:
            yield "", "", f"to use it, configure: {each['configuration']}"
    if not servers:
        yield NOTE, "none", "neither Ollama nor LM Studio, llama.cpp or vLLM answers"


def _sandbox(levels: list[dict[str, Any]]) -> Iterator[Row]:
    works = [each for each in levels if each["works"] and each["level"] != "none"]
    for each in levels:
        if each["level"] == "none":
            continue
        if each["works"]:
            yield OK, each["level"], "works, tried with a command"
        else:
            # A weaker one that is missing matters little where a stronger one holds.
            yield NOTE if works else BAD, each["level"], each["reason"]
            if each["remedy"]:
                yield "", "", each["remedy"]
    if not works:
        yield NOTE, "so", "commands run without a cage, and each is asked about"


def _terminal(found: dict[str, Any]) -> Iterator[Row]:
    size = f"{found['columns']} x {found['rows']}" if found["columns"] else "of unknown size"
    name = f" ({found['name']})" if found["name"] else ""
    yield NOTE, "kind", f"{found['term'] or 'no TERM'}{name}, {size}"
    if found["no_color"]:
        yield NOTE, "colours", "NO_COLOR is set: none are used"
    else:
        yield OK if found["colours"] else NOTE, "colours", _COLOURS[found["colours"]]
    encoding = str(found["encoding"] or "unknown")
    utf8 = encoding.lower().replace("-", "") in {"utf8", "utf8sig"}
    what = encoding if utf8 else f"{encoding}: what it can't say is shown as ?"
    yield (OK if utf8 else BAD), "encoding", what
    yield from _abilities(found)
    if found["multiplexer"]:
        name = "tmux" if found["multiplexer"] == "tmux" else "screen"
        yield NOTE, "inside", f"{name}, which passes on only what it knows"
    if found["remote"]:
        yield NOTE, "remote", "a session over SSH: copying goes through the terminal"


def _abilities(found: dict[str, Any]) -> Iterator[Row]:
    """What the terminal answered, or what is known of its kind."""
    links = {True: "can be followed", False: "are shown as text", None: "not known"}
    yield OK if found["links"] else NOTE, "links", links[found["links"]]
    clipboard = found["clipboard"]
    ways = [clipboard["tool"]] if clipboard["tool"] else []
    ways += ["the terminal (OSC 52)"] if clipboard["terminal"] else []
    if ways:
        yield OK, "clipboard", f"through {' and '.join(ways)}"
    else:
        yield NOTE, "clipboard", "through the terminal (OSC 52), if it takes that: it doesn't say"
    images = found["images"]
    yield OK if images else NOTE, "images", _IMAGES.get(images, "not shown, as far as it tells")
    keyboard = found["keyboard"]
    if keyboard:
        yield OK, "keyboard", "every key is told apart (kitty protocol)"
    elif found["asked"]:
        yield NOTE, "keyboard", "Shift+Enter is Enter here; Ctrl+J begins a line"
    else:
        yield NOTE, "keyboard", "not known: the terminal wasn't asked"


def _store(report: dict[str, Any]) -> Iterator[Row]:
    found, place = report["store"], home_short(report["paths"]["data"])
    if not found["exists"]:
        yield NOTE, "store", f"{place}: none are kept yet"
    elif found["problem"]:
        yield BAD, "store", f"{place}: {found['problem']}"
        yield "", "", "`chatterm store check` says more"
    else:
        count = found["conversations"]
        amount = "1 conversation" if count == 1 else f"{count:,} conversations"
        yield OK, "store", f"{place}: {amount}, {found['bytes']:,} bytes"
        yield "", "", "`chatterm store check` looks at all of it"


def _tools(tools: list[dict[str, Any]]) -> Iterator[Row]:
    for each in tools:
        if each["path"]:
            yield OK, each["name"], home_short(each["path"])
        else:
            yield NOTE, each["name"], f"not there; it is for {each['for']}"
