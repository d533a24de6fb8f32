"""Plain words are taken without typer's validator, and as it would take them."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from chatterm.cli.plain_values import take_plainly


class Form(enum.StrEnum):
    LONG = "long"
    SHORT = "short"


def called(words: list[str], *, plainly: bool) -> object:
    """What a command's function gets for these words, or the complaint."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)

    @app.command()
    def command(
        texts: list[str] | None = None,
        word: Annotated[str | None, typer.Argument()] = None,
        file: Path | None = None,
        files: list[Path] | None = None,
        form: Form | None = None,
        number: Annotated[int, typer.Option(min=1)] = 7,
        share: Annotated[float | None, typer.Option(min=0.5)] = None,
        flag: bool = False,
    ) -> dict[str, object]:
        return dict(locals())

    made: Any = typer.main.get_command(app)
    if plainly:
        take_plainly(made)
    try:
        return made.main(args=words, prog_name="x", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - the library's own classes are private
        return type(error).__name__, str(error)


PLAIN = (
    [],
    ["word", "--texts", "a", "--texts", "", "--flag"],
    ["caf\u00e9 \U0001f600", "--file", "/", "--files", "/nowhere", "--files", "-"],
    ["--form", "short", "--number", "12"],
)
ODD = (
    ["--form", "middling"],
    ["--form", "SHORT"],
    ["--number", "0"],
    ["--number", "-1"],
    ["--number", "1_0"],
    ["--number", " 3"],
    ["--number", "\u0663"],
    ["--number", "9" * 30],
    ["--number", "1.0"],
    ["--share", "0.7"],
    ["--share", "0.1"],
    ["--file", ""],
    ["--file", "a\0b"],
    ["--files", "a\0b"],
    ["\udcff"],
    ["--texts", "a\0b"],
    ["--texts"],
    ["--unknown"],
    ["too", "many"],
)


@pytest.mark.parametrize("words", [*PLAIN, *ODD])
def test_each_word_is_taken_as_the_library_would(words: list[str]) -> None:
    assert called(words, plainly=True) == called(words, plainly=False)


def validated(_declared: object) -> object:
    raise AssertionError("a validator was made")


@pytest.mark.parametrize("words", PLAIN)
def test_what_is_plain_needs_no_validator(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    expected = called(words, plainly=False)
    monkeypatch.setattr("typer.core.build_runtime_param", validated, raising=False)
    assert called(words, plainly=True) == expected
