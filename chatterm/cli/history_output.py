"""How `history` prints: tables on a terminal, plain lines or JSON elsewhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chatterm.cli.saying import say
from chatterm.oneshot.output import standard_output
from chatterm.render.console import is_terminal, print_line, wants_colour, wants_styles
from chatterm.render.sanitize import sanitize_line
from chatterm.render.wordwrap import width_of
from chatterm.store import ConversationRow, Hit

if TYPE_CHECKING:
    from chatterm.providers.kept import KeptConversation
    from chatterm.render.lines import Span


def print_rows(rows: Sequence[ConversationRow], *, as_json: bool) -> None:
    """Print conversations: a table on a terminal, tab-separated lines elsewhere, or JSON."""
    if as_json:
        for row in rows:
            say(json.dumps(_row_json(row)))
    elif is_terminal(sys.stdout):
        _print_table([_row_texts(row) for row in rows])
    else:
        for row in rows:
            say("\t".join(_row_cells(row)))


def print_hits(hits: Sequence[Hit], *, as_json: bool) -> None:
    """Print search hits, each with its place and a snippet, and on a terminal with a way on.

    That there are none is said on stderr: who reads the hits gets nothing but hits.
    """
    if not hits:
        print_line("nothing was found")
        return
    from chatterm.render.lines import Span

    for hit in hits:
        if as_json:
            say(json.dumps(_hit_json(hit)))
            continue
        place = f"{hit.conversation.id[:8]}  {_when(hit.at)}  {hit.kind}"
        _say_rows([Span(f"{place}  {sanitize_line(hit.conversation.title)}")])
        _say_rows(_marked(hit), indent="  ")
        if is_terminal(sys.stdout):
            say(f"  chatterm -r {hit.conversation.id[:8]}")


def _say_rows(line: Sequence[Span], indent: str = "") -> None:
    """Print a line: on a terminal broken between words, and with its looks; elsewhere whole."""
    if not is_terminal(sys.stdout):
        say(indent + "".join(span.text for span in line))
        return
    from chatterm.render.lines import wrap
    from chatterm.render.terminal import styled

    for row in wrap(line, width_of(sys.stdout) - len(indent)):
        looks = styled(row, color=wants_colour(sys.stdout))
        say(indent + (looks if wants_styles(sys.stdout) else "".join(each.text for each in row)))


def print_markdown(text: str) -> None:
    """Print Markdown: rendered on a terminal, as it is elsewhere."""
    from chatterm.render.sanitize import sanitize

    if not is_terminal(sys.stdout):
        standard_output().write(text)
        return
    from chatterm.render.markdown import render
    from chatterm.render.terminal import styled

    columns = os.get_terminal_size(1).columns or 80
    for line in render(sanitize(text), columns):
        say(styled(line, color=wants_colour(sys.stdout)))


def print_kept(provider: str, kept: Sequence[KeptConversation], *, as_json: bool) -> None:
    """Print the conversations that a provider's server keeps, as `print_rows` prints ours."""
    if as_json:
        for each in kept:
            say(json.dumps(_kept_json(provider, each)))
    elif is_terminal(sys.stdout):
        size = _telling(each.id for each in kept)
        cells = [_kept_cells(each) for each in kept]
        _print_table([{**row, "id": row["id"][:size]} for row in cells])
    else:
        for each in kept:
            say("\t".join(_kept_cells(each).values()))


def _telling(ids: Iterable[str]) -> int:
    """How much of ids tells each from the others, and not less than is shown of ours."""
    common = (_alike(one, other) for one, other in pairwise(sorted(set(ids))))
    return max(8, 1 + max(common, default=0))


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common before they part."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _kept_cells(kept: KeptConversation) -> dict[str, str]:
    cells = {
        "id": kept.id,
        "when": _when(kept.updated_at),
        "messages": "" if kept.messages is None else str(kept.messages),
        "model": kept.model,
        "title": kept.title,
    }
    return {name: sanitize_line(cell) for name, cell in cells.items()}


def _kept_json(provider: str, kept: KeptConversation) -> dict[str, Any]:
    return {
        "provider": provider,
        "id": kept.id,
        "title": kept.title,
        "created_at": kept.created_at or None,
        "updated_at": kept.updated_at or None,
        "messages": kept.messages,
        "model": kept.model or None,
    }


def _print_table(rows: Sequence[Mapping[str, str]]) -> None:
    from chatterm.cli.history_table import table

    head, *lines = table(rows, width_of(sys.stdout))
    say(f"\x1b[1m{head}\x1b[0m" if wants_styles(sys.stdout) else head)
    for line in lines:
        say(line)


def _row_texts(row: ConversationRow) -> dict[str, str]:
    number, when, turns, tokens, cost, model, directory, origin, title = _row_cells(row)
    return {
        "id": number[:8],
        "when": when,
        "from": origin,
        "title": title,
        "model": model,
        "turns": turns,
        "tokens": tokens,
        "cost": cost,
        "directory": directory,
    }


def _row_cells(row: ConversationRow) -> tuple[str, ...]:
    conversation, usage = row.conversation, row.usage
    tokens = "" if usage.input is None and usage.output is None else _tokens(usage)
    cost = "" if usage.cost_usd is None else f"{usage.cost_usd:.4f}"
    cells = (
        conversation.id,
        _when(conversation.updated_at),
        str(row.turns),
        tokens,
        cost,
        row.model or "",
        conversation.directory or "",
        conversation.origin,
        conversation.title,
    )
    return tuple(sanitize_line(cell) for cell in cells)


def _tokens(usage: Any) -> str:
    return str((usage.input or 0) + (usage.output or 0))


def _row_json(row: ConversationRow) -> dict[str, Any]:
    conversation = row.conversation
    return {
        "id": conversation.id,
        "title": conversation.title,
        "directory": conversation.directory,
        "origin": conversation.origin,
        "head": conversation.head,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "turns": row.turns,
        "model": row.model,
        "usage": row.usage.to_json(),
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
    return {
        "conversation": hit.conversation.id,
        "title": hit.conversation.title,
        "turn": hit.turn,
        "step": hit.step,
        "index": hit.index,
        "kind": hit.kind,
        "at": hit.at,
        "snippet": hit.snippet,
        "matched": [list(span) for span in hit.matched],
    }


def _marked(hit: Hit) -> list[Span]:
    """The snippet on one line, with its matches."""
    from chatterm.render.lines import Span

    parts, position = [], 0
    for start, end in hit.matched:
        parts.append(Span(sanitize_line(hit.snippet[position:start])))
        parts.append(Span(sanitize_line(hit.snippet[start:end]), ("strong",)))
        position = end
    return [*parts, Span(sanitize_line(hit.snippet[position:]))]


def _when(timestamp: str) -> str:
    try:
        moment = datetime.fromisoformat(timestamp).astimezone()
    except ValueError:
        return timestamp
    return moment.strftime("%Y-%m-%d %H:%M")
