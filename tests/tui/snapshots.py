"""Snapshots of the screen: its rows as text, and under each row what its cells look like.

A row of the screen stands between bars. Under it stand, after a `~`, the cells that don't look like
plain text: where they begin, how many they are, and their looks in the words of the theme (the
first role that has that colour: `muted`, `accent on user_band`) with their attributes. A file a
state, made anew with `UPDATE_SNAPSHOTS=1`; what a change does to the screen is then in its diff.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.segment import Segment
from rich.style import Style

from chatterm.render.lines import cells
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.app import ChattermApp
from chatterm.tui.theme import ROLES, Theme, look

DIRECTORY = Path(__file__).parent / "snapshots"
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike", "reverse")


def snapshot(app: ChattermApp, *, rows: int = 0) -> str:
    """What is on the screen.

    Args:
        app: The app.
        rows: Only so many of the last rows; 0 is all.
    """
    width, height = app.size
    names = _names(app._our_theme)
    strips = app.screen._compositor.render_strips()[:height]
    lines = [f"{width}x{height} {app._our_theme.name}"]
    for strip in strips[-rows:]:
        segments = [each for each in strip if not each.control]
        text = "".join(each.text for each in segments)
        assert cells(text) == width, (
            f"a row of {cells(text)} cells on a screen of {width}: {text!r}"
        )
        assert sanitize_line(text) == text, f"a row that holds what can't be shown: {text!r}"
        lines.append(f"|{text.rstrip()}|")
        runs = "  ".join(_runs(segments, names))
        if runs:
            lines.append(f"~ {runs}")
    return "\n".join(lines) + "\n"


def check(name: str, found: str) -> None:
    """Compare with what is kept, or keep it."""
    path = DIRECTORY / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        DIRECTORY.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
        return
    kept = path.read_text("utf-8") if path.exists() else ""
    assert found.splitlines() == kept.splitlines(), (
        f"{path.name} differs; if it should, make it anew with UPDATE_SNAPSHOTS=1"
    )


def check_svg(svg: str) -> None:
    """Whether a screenshot is well-formed SVG that shows something."""
    root = ET.fromstring(svg)
    assert root.tag.endswith("}svg")
    assert any(each.tag.endswith("}text") and each.text for each in root.iter())


def _runs(segments: list[Segment], names: Mapping[str, str]) -> Iterator[str]:
    """The cells that look alike, one run after the other; what looks plain is left out."""
    at = start = 0
    before = ""
    for segment in [*segments, Segment("")]:
        looks = _looks(segment.style or Style.null(), names) if segment.text else ""
        if looks != before or not segment.text:
            if before and at > start:
                yield f"{start}+{at - start} {before}"
            start, before = at, looks
        at += cells(segment.text)


def _looks(style: Style, names: Mapping[str, str]) -> str:
    colour = _colour(style.color, names, "text")
    ground = _colour(style.bgcolor, names, "background")
    words = [] if colour == "text" else [colour]
    words += [each for each in _ATTRIBUTES if getattr(style, each)]
    words += [] if ground == "background" else ["on", ground]
    return " ".join(words)


def _colour(colour: object, names: Mapping[str, str], otherwise: str) -> str:
    if colour is None or getattr(colour, "is_default", False):
        return otherwise
    triplet = getattr(colour, "triplet", None)
    name = triplet.hex if triplet is not None else str(getattr(colour, "name", colour))
    known = names.get(f"{otherwise}:{name}") or names.get(name)
    return known or name


def _names(theme: Theme) -> dict[str, str]:
    """The first role of each colour; text looks for the colours of texts first."""
    found: dict[str, str] = {}
    for role in ROLES:
        looks = look(theme.roles[role])
        if looks.colour:
            found.setdefault(looks.colour, role)
        if looks.on:
            found.setdefault(f"background:{looks.on}", role)
    for role in ("text", "background"):
        colour = look(theme.roles[role]).colour
        found[f"{role}:{colour}"] = role
    return found
