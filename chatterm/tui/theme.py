"""A theme: what every role looks like, for our own painting and for Textual's style sheets.

A role's looks are a few words: a colour, attributes, `on` and a second colour
(`"bold #e6edf3 on #1c2430"`). Surfaces (backgrounds, bands, quiet borders) are one colour only.
`default` is the terminal's own foreground or background.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.color import Color, ColorParseError, ColorType

from chatterm.render.lines import ROLES as RENDERED
from chatterm.tui.pane.palette import NO_COLOUR, Palette

if TYPE_CHECKING:
    import textual.theme

ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike", "reverse")
"""What a role may be besides coloured."""
SURFACES = (
    "background", "panel", "user_band", "code_band", "diff_added_band", "diff_removed_band",
)  # fmt: skip
"""What text stands on."""
QUIET = "border_quiet"
"""The colour of rules and borders that only divide."""
STATES = (
    "text", "muted", "accent", "user", "thinking", "tool", "success", "warning", "error",
    "diff_added", "diff_removed",
)  # fmt: skip
"""Text and marks that mean something."""
LIFTED = ("selection", "match")
"""Text that stands out by a background of its own: selected, or found by a search."""
DERIVED = {"code.row", "code.label", "diff_added.word", "diff_removed.word"}
"""What tells the pane something, or is made of other roles."""
CODE = tuple(role for role in RENDERED if role.startswith("code.") and role not in DERIVED)
"""Text in code blocks."""
MARKDOWN = tuple(role for role in RENDERED if role not in {*CODE, *STATES, *ATTRIBUTES, *DERIVED})
"""Text in prose. What is struck through or bold by name needs no theme to say so."""
ROLES = (*SURFACES, QUIET, *STATES, *LIFTED, *MARKDOWN, *CODE)
"""Every role; a theme defines all of them."""

# The roles that style sheets know by Textual's own names.
_TEXTUALS = frozenset({"background", "panel", "text", "accent", "success", "warning", "error"})
_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Look:
    """A role's looks, taken apart.

    Attributes:
        colour: Of the text; None is the colour around it.
        on: Of its background; None is the background around it.
        attributes: Its attributes, of `ATTRIBUTES`.
    """

    colour: str | None
    on: str | None
    attributes: tuple[str, ...]


def look(words: str) -> Look:
    """Take a role's looks apart.

    Raises:
        ValueError: A word is neither a colour nor an attribute; the message names it.
    """
    colour = on = None
    attributes: list[str] = []
    given = iter(words.lower().split())
    for word in given:
        if word in ATTRIBUTES:
            attributes.append(word)
        elif word == "on":
            if on is not None:
                raise ValueError("has two backgrounds")
            on = _checked(next(given, ""))
        elif colour is not None:
            _checked(word)
            raise ValueError("has two colours; the one of the background follows an `on`")
        else:
            colour = _checked(word)
    return Look(colour, on, tuple(attributes))


@dataclass(frozen=True)
class Theme:
    """What every role looks like.

    Attributes:
        name: Its name, as `theme = …` in the configuration has it.
        dark: Whether its text is lighter than its background.
        roles: The looks of all `ROLES`.
        coloured: Whether output of programs keeps its colours.
    """

    name: str
    dark: bool
    roles: Mapping[str, str]
    coloured: bool = True

    @property
    def ansi(self) -> bool:
        """Whether it stands on the terminal's own background."""
        return look(self.roles["background"]).colour == _DEFAULT

    def palette(self) -> Palette:
        """The looks as the conversation is painted; a surface is a background there."""
        roles = {role: f"on {self.roles[role]}" for role in SURFACES}
        words = {"diff_added.word": "bold underline", "diff_removed.word": "bold underline"}
        return Palette({**words, **self.roles, **roles}, coloured=self.coloured)

    def variables(self) -> dict[str, str]:
        """What style sheets may name beside Textual's own `$background`, `$panel`, `$accent` ….

        `$user-band` is a surface; `$muted` the colour of a text and `$muted-style` its attributes;
        `$selection` and `$match` are backgrounds, `$selection-text` and `$match-text` what stands
        on them.
        """
        variables: dict[str, str] = {}
        for role in ROLES:
            name = role.replace("_", "-").replace(".", "-")
            looks = look(self.roles[role])
            if role in LIFTED:
                variables[name] = _css(looks.on or _DEFAULT)
                name += "-text"
            if role not in _TEXTUALS:
                variables[name] = _css(looks.colour or self._text)
            if role not in SURFACES:
                variables[f"{name}-style"] = " ".join(looks.attributes) or "none"
        return variables

    def textual(self) -> textual.theme.Theme:
        """The same for Textual, to be registered under the theme's name."""
        from textual.theme import Theme as TextualTheme

        own = self.variables()
        return TextualTheme(
            self.name,
            primary=self._css("accent"),
            secondary=self._css("tool"),
            warning=self._css("warning"),
            error=self._css("error"),
            success=self._css("success"),
            accent=self._css("accent"),
            foreground=self._css("text"),
            background=self._css("background"),
            surface=self._css("panel"),
            panel=self._css("panel"),
            boost="ansi_default" if self.ansi else None,
            dark=self.dark,
            ansi=self.ansi,
            variables=own | self._of_widgets(own) | (self._of_ansi() if self.ansi else {}),
        )

    def _of_widgets(self, own: Mapping[str, str]) -> dict[str, str]:
        """The colours of Textual's own widgets: calmer than what it makes of a primary colour."""
        background, panel, accent = map(self._css, ("background", "panel", "accent"))
        text = self._css("text")
        return {
            "border": accent,
            "border-blurred": own["border-quiet"],
            "block-cursor-background": own["selection"],
            "block-cursor-foreground": own["selection-text"],
            "block-cursor-text-style": own["selection-text-style"],
            "block-cursor-blurred-background": panel,
            "block-cursor-blurred-foreground": text,
            "block-cursor-blurred-text-style": "bold",  # where there are no colours to tell it
            "block-hover-background": panel,
            "input-selection-background": own["selection"],
            "input-selection-foreground": own["selection-text"],
            "screen-selection-background": own["selection"],
            "screen-selection-foreground": own["selection-text"],
            "link-color": own["link"],
            "link-color-hover": own["selection-text"],
            "link-background-hover": own["selection"],
            "footer-background": background,
            "footer-foreground": own["muted"],
            "footer-description-foreground": own["muted"],
            "footer-key-foreground": accent,
            "scrollbar": own["border-quiet"],
            "scrollbar-hover": own["muted"],
            "scrollbar-active": accent,
            **dict.fromkeys(
                (
                    "scrollbar-background",
                    "scrollbar-background-hover",
                    "scrollbar-background-active",
                    "scrollbar-corner-color",
                ),
                background,
            ),
        }

    def _of_ansi(self) -> dict[str, str]:
        """What Textual's style sheets name, and its native colours leave out or choose."""
        plain = ("ansi-background", "surface-active")
        faded = ("text-muted", "text-disabled", "foreground-muted", "foreground-disabled")
        titles = [f"markdown-h{level}-color" for level in range(1, 7)]
        return {
            **dict.fromkeys(plain, self._css("background")),
            **dict.fromkeys(("ansi-foreground", *faded), self._css("muted")),
            **dict.fromkeys(titles, self._css("heading")),
        }

    @property
    def _text(self) -> str:
        return look(self.roles["text"]).colour or _DEFAULT

    def _css(self, role: str) -> str:
        return _css(look(self.roles[role]).colour or self._text)


def no_colour_theme() -> Theme:
    """The theme for NO_COLOR: shapes only, in the terminal's own two colours."""
    plain = dict.fromkeys((*SURFACES, QUIET, "text"), _DEFAULT)
    lifted = {"selection": "reverse", "match": "bold underline reverse"}
    shapes = {"code.comment": "dim", "accent": "bold", "thinking": "italic dim", "quote": "italic"}
    roles = dict.fromkeys(ROLES, "") | dict(NO_COLOUR.roles) | shapes | plain | lifted
    return Theme("no-colour", dark=True, roles=roles, coloured=False)


def _checked(name: str) -> str:
    """The name of a colour, as it came."""
    try:
        Color.parse(name)
    except ColorParseError:
        raise ValueError(_wrong(name)) from None
    return name


def _wrong(name: str) -> str:
    from difflib import get_close_matches

    from rich.color import ANSI_COLOR_NAMES

    if not name:
        return "names no colour after `on`"
    if name.startswith("#"):
        return f"{name[:40]!a} is no colour: it takes six digits, as in #e6edf3"
    near = get_close_matches(name, [*ATTRIBUTES, _DEFAULT, *ANSI_COLOR_NAMES], n=1)
    hint = f"; did you mean {near[0]}?" if near else "; a colour is #e6edf3, red, bright_red …"
    return f"{name[:40]!a} is neither a colour nor an attribute{hint}"


def _css(name: str) -> str:
    """A colour in the words of style sheets."""
    from textual.color import Color as TextualColor

    colour = Color.parse(name)
    if colour.type in {ColorType.DEFAULT, ColorType.STANDARD}:
        return TextualColor.from_rich_color(colour).hex
    return colour.get_truecolor().hex
