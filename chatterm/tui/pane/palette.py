"""What a role looks like on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.color import Color, ColorParseError
from rich.style import Style as RichStyle

from chatterm.render.lines import Style


@dataclass(frozen=True)
class Palette:
    """The looks of roles: for each a colour and attributes, as rich reads them.

    Attributes:
        roles: By role; a role that isn't named looks like plain text.
        coloured: Whether output of programs keeps its colours.
    """

    roles: Mapping[str, str]
    coloured: bool = True
    _known: dict[Style, RichStyle] = field(default_factory=dict, repr=False, compare=False)

    def style(self, roles: Style) -> RichStyle:
        """The looks of several roles together; the later ones win."""
        found = self._known.get(roles)
        if found is None:
            found = RichStyle.combine([self._one(role) for role in roles])
            if len(self._known) > 5000:  # a program may use any number of colours
                self._known.clear()
            self._known[roles] = found
        return found

    def _one(self, role: str) -> RichStyle:
        if role.startswith(("fg:", "bg:")):
            return self._colour(role) if self.coloured else RichStyle.null()
        if role in _ATTRIBUTES:
            return RichStyle.parse(role)
        return RichStyle.parse(self.roles.get(role, ""))

    @staticmethod
    def _colour(role: str) -> RichStyle:
        name = role[3:]
        try:
            colour = Color.parse(name) if name.startswith("#") else Color.from_ansi(int(name))
        except (ColorParseError, ValueError):
            return RichStyle.null()
        return RichStyle(bgcolor=colour) if role.startswith("bg:") else RichStyle(color=colour)


_ATTRIBUTES = frozenset({"bold", "dim", "italic", "underline", "reverse", "strike"})
_SHAPES = {
    "strong": "bold",
    "emphasis": "italic",
    "strike": "strike",
    "heading": "bold",
    "heading.1": "bold underline",
    "link": "underline",
}
NO_COLOUR = Palette(
    _SHAPES | {"code": "bold", "muted": "dim", "address": "dim", "user": "bold", "error": "bold"},
    coloured=False,
)
ANSI = Palette(
    _SHAPES
    | {
        "code": "cyan",
        "muted": "bright_black",
        "address": "bright_black",
        "image": "bright_black",
        "marker": "cyan",
        "quote": "bright_black",
        "code.keyword": "magenta",
        "code.string": "green",
        "code.number": "cyan",
        "code.comment": "bright_black",
        "code.name": "bold",
        "code.builtin": "cyan",
        "code.inserted": "green",
        "code.deleted": "red",
        "user": "bold",
        "thinking": "bright_black",
        "tool": "cyan",
        "success": "green",
        "warning": "yellow",
        "error": "red",
    }
)
DARK = Palette(
    _SHAPES
    | {
        "code": "#9cdcfe",
        "heading": "bold #e6edf3",
        "heading.1": "bold underline #e6edf3",
        "link": "underline #79b8ff",
        "muted": "#8b949e",
        "address": "#8b949e",
        "image": "#8b949e",
        "marker": "#79b8ff",
        "quote": "#8b949e",
        "html": "#8b949e",
        "code.text": "#d1d9e0",
        "code.keyword": "#ff9492",
        "code.string": "#a5d6a7",
        "code.number": "#79c0ff",
        "code.comment": "italic #8b949e",
        "code.name": "#d2a8ff",
        "code.builtin": "#79c0ff",
        "code.inserted": "#7ee787",
        "code.deleted": "#ffa198",
        "user": "bold #e6edf3",
        "thinking": "italic #8b949e",
        "tool": "#79c0ff",
        "success": "#7ee787",
        "warning": "#e3b341",
        "error": "bold #ff7b72",
    }
)
LIGHT = Palette(
    _SHAPES
    | {
        "code": "#0550ae",
        "heading": "bold #1f2328",
        "heading.1": "bold underline #1f2328",
        "link": "underline #0969da",
        "muted": "#59636e",
        "address": "#59636e",
        "image": "#59636e",
        "marker": "#0969da",
        "quote": "#59636e",
        "html": "#59636e",
        "code.text": "#1f2328",
        "code.keyword": "#cf222e",
        "code.string": "#0a3069",
        "code.number": "#0550ae",
        "code.comment": "italic #59636e",
        "code.name": "#6639ba",
        "code.builtin": "#0550ae",
        "code.inserted": "#116329",
        "code.deleted": "#a40e26",
        "user": "bold #1f2328",
        "thinking": "italic #59636e",
        "tool": "#0550ae",
        "success": "#116329",
        "warning": "#7d4e00",
        "error": "bold #a40e26",
    }
)
