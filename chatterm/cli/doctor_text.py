"""What `chatterm doctor` found, in words: a heading a subject, a line a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatterm.cli.doctor_checks import home_short

OK, BAD, NOTE = "ok", "!!", "--"
_COLOURS = {0: "no colours", 16: "16 colours", 256: "256 colours", 1 << 24: "16 million colours"}
Marked = tuple[str, str]
"""A mark (`ok`, `!!`, `--`; empty for a heading) and what it is about."""


def lines(report: dict[str, Any]) -> Iterator[Marked]:
    """The lines of a report.

    Args:
        report: What `--json` prints.
    """
    yield "", f"chatterm {report['version']}, Python {report['python']}, {report['system']}"
    subjects = {
        "Configuration": _configuration(report),
        "Providers": _providers(report),
        "Servers on this machine": _servers(report["servers"]),
        "Sandbox": _sandbox(report["sandbox"]),
        "Terminal": _terminal(report["terminal"]),
        "Conversations": _store(report),
        "Tools": _tools(report["tools"]),
    }
    for heading, found in subjects.items():
        yield "", ""
        yield "", heading
        yield from found


def _configuration(report: dict[str, Any]) -> Iterator[Marked]:
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
        yield BAD, f"{place}: {each['message']}" if place else each["message"]
    if not problems:
        missing = "" if paths["config_exists"] else " (there is none; defaults count)"
        yield OK, f"{home_short(paths['config'])}{missing}"
    work = paths["workspace"]
    yield (
        NOTE,
        f"workspace {home_short(work)}"
        if work
        else "no workspace: this is the home directory, or above it",
    )
    yield NOTE, f"log {home_short(paths['log'])}"


def _providers(report: dict[str, Any]) -> Iterator[Marked]:
    rows = report["providers"]
    told = [row for row in rows if row["configured"]]
    for row in told:
        if row["problem"]:
            hint = f" ({row['hint']})" if row["hint"] else ""
            # Some servers list no models, and answer all the same.
            listless = row["kind"] in {"not_found", "bad_request"} and row["reachable"]
            # Without a key nobody was asked, and the problem says where one was looked for.
            key = "" if row["reachable"] is None else f"{row['why']}; "
            yield NOTE if listless else BAD, f"{row['name']}: {key}{row['problem']}{hint}"
        else:
            count = row["models"]
            models = "1 model" if count == 1 else f"{count} models"
            yield OK, f"{row['name']}: {row['why']}; {models}"
    stored = [row["name"] for row in rows if not row["configured"] and "keyring" in row["why"]]
    if stored:
        yield NOTE, f"with a key in the keyring, not asked: {', '.join(stored)}"
    if not told and not stored:
        yield NOTE, "none is ready: set a key such as OPENAI_API_KEY, or `chatterm key set openai`"
    keyring = report["keyring"]
    yield (
        NOTE,
        (
            f"keyring: {keyring['backend'] or 'usable'}"
            if keyring["usable"]
            else f"no keyring: {keyring['reason']}"
        ),
    )


def _servers(servers: list[dict[str, Any]]) -> Iterator[Marked]:
    for each in servers:
        count = len(each["models"])
        models = "1 model" if count == 1 else f"{count} models"
        yield OK, f"{each['kind']} at {each['url']}, {models}"
        if each["provider"]:
            first = each["models"][0] if each["models"] else "MODEL"
            yield NOTE, f"ask it with: chatterm -m {each['provider']}/{first}"
        else:
            yield NOTE, f"to use it, configure: {each['configuration']}"
    if not servers:
        yield NOTE, "none: neither Ollama nor LM Studio, llama.cpp or vLLM answers"


def _sandbox(levels: list[dict[str, Any]]) -> Iterator[Marked]:
    works = [each for each in levels if each["works"] and each["level"] != "none"]
    for each in levels:
        if each["level"] == "none":
            continue
        if each["works"]:
            yield OK, each["level"]
        else:
            # A weaker one that is missing matters little where a stronger one holds.
            yield NOTE if works else BAD, f"{each['level']}: {each['reason']}"
            if each["remedy"]:
                yield NOTE, each["remedy"]


def _terminal(found: dict[str, Any]) -> Iterator[Marked]:
    size = f"{found['columns']} x {found['rows']}" if found["columns"] else "of unknown size"
    yield (
        (OK if found["colours"] else NOTE),
        (f"{found['term'] or 'no TERM'}, {_COLOURS[found['colours']]}, {size}"),
    )
    if found["no_color"]:
        yield NOTE, "NO_COLOR is set: no colours are used"
    encoding = str(found["encoding"] or "unknown")
    utf8 = encoding.lower().replace("-", "") in {"utf8", "utf8sig"}
    what = encoding if utf8 else f"{encoding}: what it can't say is shown as ?"
    yield (OK if utf8 else BAD), f"encoding {what}"
    if found["multiplexer"]:
        yield NOTE, f"inside {'tmux' if found['multiplexer'] == 'tmux' else 'screen'}"
    if found["remote"]:
        yield NOTE, "a remote session: copying goes through the terminal"


def _store(report: dict[str, Any]) -> Iterator[Marked]:
    found, place = report["store"], home_short(report["paths"]["data"])
    if not found["exists"]:
        yield NOTE, f"none are kept yet in {place}"
    elif found["problem"]:
        yield BAD, f"{place}: {found['problem']}"
    else:
        yield OK, f"{found['conversations']:,} in {place}, {found['bytes']:,} bytes"
        yield NOTE, "`chatterm store check` looks at all of it"


def _tools(tools: list[dict[str, Any]]) -> Iterator[Marked]:
    for each in tools:
        where = "" if each["path"] == "installed" else f" {home_short(each['path'] or '')}"
        if each["path"]:
            yield OK, f"{each['name']}{where}"
        else:
            yield NOTE, f"no {each['name']} ({each['for']})"
