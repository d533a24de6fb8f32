"""Whether a theme can be read: the contrast of its texts to what they stand on.

The contrast is that of WCAG 2.2: 1 for two colours that are alike, 21 for black on white. What
the terminal itself decides (its own sixteen colours, and `default`) isn't known here, and passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from rich.color import Color, ColorType

from chatterm.tui import luminance
from chatterm.tui.theme import CODE, LIFTED, MARKDOWN, ROLES, STATES, look

_TEXT = 4.5
_MARKS = 3.0
_READ = frozenset({"text", "user", "code.text", *LIFTED})
"""What is read at length, or is looked for; the rest may be fainter."""
_EVERYWHERE = ("background", "panel")
_STANDS_ON: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*STATES, *MARKDOWN), _EVERYWHERE),
    **dict.fromkeys(CODE, ("code_band", "diff_added_band", "diff_removed_band")),
    "text": (*_EVERYWHERE, "user_band", "diff_added_band", "diff_removed_band"),
    "user": ("user_band", *_EVERYWHERE),
    "diff_added": ("diff_added_band",),
    "diff_removed": ("diff_removed_band",),
}


def unreadable(roles: Mapping[str, str], given: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What can't be read of a theme: the role to change, and what is wrong with it.

    Each role comes once.

    Args:
        roles: The looks of all roles.
        given: Those that the theme says itself; what others have among them is theirs.
    """
    told: set[str] = set()
    for role, ground, found, least in _pairs(roles):
        blamed = role if role in given else ground
        if found >= least or blamed not in given or blamed in told:
            continue
        told.add(blamed)
        where = "its own background" if ground == role else ground
        if blamed == role:
            yield role, f"has a contrast of {found:.1f} to {where}, and needs {least:g}"
        else:
            name = role.replace(".", " ")
            yield ground, f"leaves {name} a contrast of {found:.1f}, which needs {least:g}"


def contrast(one: str, other: str) -> float | None:
    """How well a colour stands out from another, 1 to 21; None where the terminal has its own."""
    first, second = _luminance(one), _luminance(other)
    if first is None or second is None:
        return None
    return luminance.contrast(first, second)


def _pairs(roles: Mapping[str, str]) -> Iterator[tuple[str, str, float, float]]:
    """Each role and what it stands on, the contrast that it has, and the least that it needs."""
    for role in ROLES:
        looks = look(roles[role])
        if looks.on is None and role not in _STANDS_ON:
            continue
        grounds = {role: looks.on} if looks.on else {each: roles[each] for each in _STANDS_ON[role]}
        colour = looks.colour or look(roles["text"]).colour or "default"
        least = _TEXT if role in _READ else _MARKS
        for ground, its in grounds.items():
            found = contrast(colour, its)
            if found is not None and (looks.colour or looks.on):
                yield role, ground, found, least


@lru_cache(maxsize=256)
def _luminance(name: str) -> float | None:
    colour = Color.parse(name)
    if colour.type in {ColorType.DEFAULT, ColorType.STANDARD}:
        return None
    return luminance.luminance(*colour.get_truecolor().normalized)
