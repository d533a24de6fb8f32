"""The table of conversations: the id and the title stay, the rest gives way in order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatterm.cli.history_table import COLUMNS, table

ROW = {
    "id": "3f2a91bc",
    "when": "2026-01-01 12:00",
    "from": "ask",
    "title": "Why does the parser drop the last event when the server closes early?",
    "model": "openrouter/anthropic/claude-sonnet-4.5",
    "turns": "12",
    "tokens": "31200",
    "cost": "0.0400",
    "directory": str(Path.home() / "src" / "wire" / "chatterm"),
}


def names(width: int, row: dict[str, str] = ROW) -> list[str]:
    return next(table([row], width)).split()


def test_a_wide_screen_shows_all_of_it() -> None:
    head, line = table([ROW], 300)
    assert head.split() == list(ROW)
    assert all(text in line for name, text in ROW.items() if name != "directory")
    assert "~/src/wire/chatterm" in line


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (120, set()),
        (100, {"turns"}),
        (80, {"turns", "tokens", "cost", "directory"}),
        (60, {"turns", "tokens", "cost", "directory", "model"}),
        (40, {"turns", "tokens", "cost", "directory", "model", "from"}),
    ],
)
def test_columns_give_way_in_their_order(width: int, gone: set[str]) -> None:
    assert set(ROW) - set(names(width)) == gone


def test_model_and_directory_are_shortened_before_anything_goes() -> None:
    _, line = table([ROW], 120)
    assert "openrouter/…" in line
    assert line.endswith("wire/chatterm")
    assert "31200" in line


def test_a_servers_conversations_have_messages_and_no_turns() -> None:
    row = {"id": "c1", "when": "2026-01-01 12:00", "title": "T", "model": "m", "messages": "12"}
    head, line = table([row], 80)
    assert head.split() == ["id", "when", "title", "model", "messages"]
    assert line.endswith("m            12")


def test_a_column_without_anything_in_it_is_not_shown() -> None:
    assert "cost" not in names(300, ROW | {"cost": ""})


def test_numbers_stand_below_one_another() -> None:
    _, first, second = table([ROW, ROW | {"tokens": "7"}], 300)
    assert first.index("31200") + 4 == second.index("    7") + 4


@given(
    rows=st.lists(
        st.fixed_dictionaries({name: st.text("a界é ", max_size=30) for name in COLUMNS}),
        min_size=1,
        max_size=4,
    ),
    width=st.integers(40, 200),
)
def test_no_line_is_wider_than_the_screen(rows: list[dict[str, str]], width: int) -> None:
    fixed = [row | {"id": row["id"][:4], "when": row["when"][:4]} for row in rows]
    assert all(cell_len(line) <= width for line in table(fixed, width))
