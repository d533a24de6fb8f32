"""Long pastes take one line of the prompt, and files that are dropped are known as such."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.tui.prompt.pasting import Folded, cleaned, dropped_paths


def lines(count: int, word: str = "line") -> str:
    return "\n".join(f"{word} {number}" for number in range(count))


def test_what_is_short_stays_as_it_is() -> None:
    folded = Folded()
    assert folded.fold(lines(7)) == lines(7)
    assert folded.fold(lines(7) + "\n") == lines(7) + "\n"
    assert folded.fold("x" * 799) == "x" * 799


def test_what_is_long_is_folded_by_lines_or_else_by_characters() -> None:
    folded = Folded()
    assert folded.fold(lines(8)) == "[pasted 8 lines]"
    assert folded.fold(lines(1214) + "\n") == "[pasted 1,214 lines]"
    assert folded.fold("x" * 3000) == "[pasted 3,000 characters]"


def test_the_same_placeholder_again_is_numbered() -> None:
    folded = Folded()
    names = [folded.fold(lines(9, word)) for word in ("a", "b", "c")]
    assert names == ["[pasted 9 lines]", "[pasted 9 lines #2]", "[pasted 9 lines #3]"]
    text = f"{names[2]} then {names[0]}"
    assert folded.unfold(text) == f"{lines(9, 'c')} then {lines(9, 'a')}"


def test_what_only_looks_like_a_placeholder_stays() -> None:
    folded = Folded()
    inner = "[pasted 8 lines]\n" * 9
    name = folded.fold(inner)
    assert folded.unfold(f"[pasted 8 lines] {name}") == f"[pasted 8 lines] {inner}"
    folded.clear()
    assert folded.unfold(name) == name
    assert folded.content(name) is None


@given(st.lists(st.text(max_size=30), max_size=20).map("\n".join))
def test_unfolding_gives_back_what_was_pasted(text: str) -> None:
    folded = Folded()
    assert folded.unfold(folded.fold(text)) == cleaned(text)


@pytest.mark.parametrize(
    ("cursor", "found"), [(1, None), (2, (2, 18)), (9, (2, 18)), (18, (2, 18)), (19, None)]
)
def test_a_placeholder_is_found_at_its_edges_too(
    cursor: int, found: tuple[int, int] | None
) -> None:
    folded = Folded()
    text = f"a {folded.fold(lines(8))} b [pasted 9 lines]"
    assert folded.placeholder_at(text, cursor) == found
    assert folded.placeholder_at(text, len(text)) is None


def test_control_characters_are_dropped_from_pastes() -> None:
    pasted = "a\r\nb\rc\n\td\x1b[31me\x07\x00\x1b]0;t\x07f"
    assert cleaned(pasted) == "a\nb\nc\n    def"
    assert Folded().fold(pasted) == cleaned(pasted)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    names = ["plain.txt", "with blank.txt", 'it\'s (1) & "so".png', "ümläut.md"]
    for name in names:
        (tmp_path / name).write_text("x")
    return [tmp_path / name for name in names]


def backslashed(path: Path) -> str:
    return "".join(f"\\{c}" if c in " '\"()&" else c for c in str(path))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: shlex.quote(str(path)),
        backslashed,
        lambda path: f"file://{quote(str(path))}",
        lambda path: f"file://localhost{quote(str(path))}",
    ],
    ids=["quoted", "backslashes", "address", "address with a host"],
)
@pytest.mark.parametrize("separator", [" ", "\n", "\r\n"])
def test_dropped_files_are_known(files: list[Path], write, separator: str) -> None:
    assert dropped_paths(separator.join(map(write, files)) + " ") == files


def test_paths_as_they_are_stand_one_a_line(files: list[Path]) -> None:
    assert dropped_paths("\n".join(map(str, files))) == files
    assert dropped_paths(str(files[1])) == [files[1]]


def test_a_text_with_anything_else_is_no_drop(files: list[Path], tmp_path: Path) -> None:
    path = files[0]
    for text in (
        f"look at {path}",
        f"{path} please",
        f"{path} {tmp_path / 'missing'}",
        str(tmp_path),  # a directory
        f"file://elsewhere{path}",
        f"'{path}",
        path.name,
        "file://[",
        "/" + "x" * 5000,
        "/\0",
        "",
        " \n",
    ):
        assert dropped_paths(text) == []


def test_a_file_of_the_working_directory_may_be_meant_as_a_word(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files[0].parent)
    assert dropped_paths("plain.txt") == []


def test_the_home_directory_may_be_written_short(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(files[0].parent))
    assert dropped_paths("~/plain.txt") == [files[0]]
