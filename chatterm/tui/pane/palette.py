"""What a role looks like on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rich.color import Color, ColorParseError
from rich.style import Style as RichStyle

from chatterm.render.lines import Style
from chatterm.tui.luminance import contrast, luminance


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

    def on(self, ground: RichStyle, roles: Style) -> RichStyle:
        """The looks of roles on a ground: nothing that a program wrote hides by its colour."""
        looks = ground + self.style(roles)
        if any(role.startswith(("fg:", "bg:")) for role in roles) and _hides(looks):
            return ground + self.style(roles).without_color
        return looks

    @staticmethod
    def _colour(role: str) -> RichStyle:
        name = role[3:]
        try:
            colour = Color.parse(name) if name.startswith("#") else Color.from_ansi(int(name))
        except (ColorParseError, ValueError):
            return RichStyle.null()
        return RichStyle(bgcolor=colour) if role.startswith("bg:") else RichStyle(color=colour)


@lru_cache(4096)
def _hides(looks: RichStyle) -> bool:
    """Whether text has the colour of what it stands on, or nearly so."""
    fore, back = looks.color, looks.bgcolor
    if fore is None or back is None or fore.is_default or back.is_default:
        return False
    return contrast(*(luminance(*each.get_truecolor().normalized) for each in (fore, back))) < (
        _LEAST_CONTRAST
    )


_LEAST_CONTRAST = 1.2
"""With less nobody sees that there is a text: it isn't there to be read."""
_ATTRIBUTES = frozenset({"bold", "dim", "italic", "underline", "reverse", "strike"})
_SHAPES = {
    "strong": "bold",
    "emphasis": "italic",
    "heading": "bold",
    "heading.1": "bold underline",
    "link": "underline",
}
NO_COLOUR = Palette(
    _SHAPES | {"code": "bold", "muted": "dim", "address": "dim", "user": "bold", "error": "bold"},
    coloured=False,
)
DARK = Palette(
    _SHAPES
    | {
        "code": "#9cdcfe",
        "heading": "bold #e6edf3",
        "heading.1": "bold underline #e6edf3",
        "link": "underline #79b8ff",
        "muted": "#8f99a5",
        "address": "#8f99a5",
        "image": "#8f99a5",
        "marker": "#79b8ff",
        "quote": "#8f99a5",
        "html": "#8f99a5",
        "code.text": "#d1d9e0",
        "code.keyword": "#ff9492",
        "code.string": "#a5d6a7",
        "code.number": "#79c0ff",
        "code.comment": "italic #8f99a5",
        "code.name": "#d2a8ff",
        "code.builtin": "#79c0ff",
        "code.inserted": "#7ee787",
        "code.deleted": "#ffa198",
        "user": "bold #e6edf3",
        "thinking": "italic #8f99a5",
        "tool": "#79c0ff",
        "success": "#7ee787",
        "warning": "#e3b341",
        "error": "bold #ff7b72",
    }
)
"""A pane without a theme looks so: as in `themes/dark.toml`, which a test holds."""
