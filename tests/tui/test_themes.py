"""Themes: ours are whole and legible, a user's are read with care, Textual takes them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from rich.color import Color
from rich.style import Style
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Static, TextArea

from chatterm.config.paths import ConfigFileError
from chatterm.errors import ConfigError
from chatterm.render.lines import ROLES as RENDERED
from chatterm.tui.pane.palette import DARK
from chatterm.tui.theme import (
    ATTRIBUTES,
    CODE,
    DERIVED,
    LIFTED,
    MARKDOWN,
    ROLES,
    STATES,
    Theme,
    look,
)
from chatterm.tui.themes import (
    chosen_theme,
    find_themes,
    load_theme,
    no_colour_theme,
    our_themes,
)

OURS = sorted(find_themes(None))
COLOURED = [name for name in OURS if name != "ansi"]
HIGH = [name for name in OURS if name.startswith("contrast")]

each_of_ours = pytest.mark.parametrize("name", OURS)


def ours(name: str) -> Theme:
    return load_theme(find_themes(None)[name])


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def luminance(colour: str) -> float:
    channels = [value / 255 for value in Color.parse(colour).get_truecolor()]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 has it: 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def colour(theme: Theme, role: str) -> str:
    return look(theme.roles[role]).colour or theme.roles["text"]


# --- ours ---


def test_there_are_themes_for_every_terminal() -> None:
    assert {"dark", "light", "contrast", "contrast-light", "ansi"} <= set(OURS)
    assert len(OURS) == 7


@each_of_ours
def test_ours_define_every_role(name: str) -> None:
    theme = ours(name)
    assert theme.name == name
    assert set(theme.roles) == set(ROLES)
    assert set(ROLES) >= set(RENDERED) - {*ATTRIBUTES, *DERIVED}
    assert set(ROLES) >= set(DARK.roles) - set(ATTRIBUTES)


@pytest.mark.parametrize("name", COLOURED)
def test_text_of_ours_is_legible(name: str) -> None:
    theme = ours(name)
    least = 7 if name in HIGH else 4.5
    where = ("background", "panel", "user_band", "code_band")
    pairs = list(product((*STATES, *MARKDOWN, *CODE), where))
    for kind in ("diff_added", "diff_removed"):
        pairs += product((kind, "text", *CODE), [f"{kind}_band"])
    for role, surface in pairs:
        found = contrast(colour(theme, role), theme.roles[surface])
        assert found >= least, f"{role} on {surface}: {found:.2f}"
    for role in LIFTED:
        looks = look(theme.roles[role])
        assert looks.colour
        assert looks.on
        assert contrast(looks.colour, looks.on) >= least, role


@pytest.mark.parametrize("name", COLOURED)
def test_marks_and_what_is_lifted_are_seen(name: str) -> None:
    theme = ours(name)
    for role, surface in product(("accent", "marker", *STATES), ("background", "user_band")):
        assert contrast(colour(theme, role), theme.roles[surface]) >= 3, role
    for surface in ("user_band", "code_band", "diff_added_band", "diff_removed_band"):
        assert theme.roles[surface] != theme.roles["background"]
    assert contrast(theme.roles["border_quiet"], theme.roles["background"]) >= 1.4


@pytest.mark.parametrize("name", COLOURED)
def test_a_theme_is_as_dark_as_it_says(name: str) -> None:
    theme = ours(name)
    darker = luminance(theme.roles["background"]) < luminance(theme.roles["text"])
    assert darker is theme.dark


def test_the_ansi_theme_has_only_the_terminals_own_colours() -> None:
    theme = ours("ansi")
    assert theme.ansi
    for role in ROLES:
        looks = look(theme.roles[role])
        for name in filter(None, (looks.colour, looks.on)):
            number = Color.parse(name).number
            assert number is None or number < 16, role
    painted = theme.palette()
    assert painted.style(("user_band",)) == Style.parse("on default")


def test_a_pane_without_a_theme_looks_like_the_dark_one() -> None:
    painted = ours("dark").palette()
    for role in DARK.roles:
        assert DARK.style((role,)) == painted.style((role,)), role


# --- painting ---


def test_a_band_is_a_background_and_a_text_is_not() -> None:
    painted = ours("dark").palette()
    band = painted.style(("user_band", "user"))
    assert band == Style.parse("bold #e6edf3 on #1e2732")
    assert painted.style(("code_band", "code.keyword")).bgcolor == Color.parse("#171d24")
    assert painted.style(("match",)) == Style.parse("#0f1419 on #e3b341")
    assert painted.style(("strike",)) == Style.parse("strike")


def test_without_colour_there_are_shapes() -> None:
    theme = no_colour_theme()
    assert set(theme.roles) == set(ROLES)
    painted = theme.palette()
    for role in ROLES:
        style = painted.style((role,))
        assert all(each is None or each.is_default for each in (style.color, style.bgcolor)), role
    assert painted.style(("fg:1",)) == Style.null()
    for role in ("user", "error", "muted", "selection", "match", "heading", "link", "accent"):
        assert painted.style((role,)) != Style.null(), role


# --- Textual ---


class Themed(App[None]):
    """Uses variables of ours in its style sheet."""

    CSS = """
    Static { background: $user-band; color: $muted; text-style: $muted-style; }
    TextArea { border: round $border-quiet; background: $code-band; color: $code-text; }
    OptionList { background: $diff-added-band; color: $diff-added; }
    Input { background: $selection; color: $selection-text; text-style: $selection-text-style; }
    """

    def __init__(self, theme: Theme, *, ansi: bool | None = None) -> None:
        super().__init__(ansi_color=ansi)
        self.register_theme(theme.textual())
        self.theme = theme.name

    def compose(self) -> ComposeResult:
        yield Static("hello")
        yield OptionList(*(str(number) for number in range(100)))
        yield TextArea("text")
        yield Input("input")

    def styles_seen(self) -> Iterator[Style]:
        """The style of everything on the screen."""
        for strip in self.screen._compositor.render_strips():
            yield from (segment.style for segment in strip if segment.style)


@each_of_ours
async def test_textual_takes_each_theme(name: str) -> None:
    theme = ours(name)
    app = Themed(theme)
    async with app.run_test(size=(40, 20)):
        static = app.query_one(Static)
        assert app.current_theme.name == name
        assert app.current_theme.dark is theme.dark
        expected = Color.parse(theme.roles["user_band"])
        assert static.styles.background.rich_color == expected
        seen = {style.bgcolor for style in app.styles_seen() if style.bgcolor}
        assert seen >= {expected}


async def test_themes_change_while_the_app_runs() -> None:
    app = Themed(ours("dark"))
    async with app.run_test(size=(40, 20)) as pilot:
        for name in OURS:
            app.register_theme(ours(name).textual())
            app.theme = name
            await pilot.pause()
            expected = Color.parse(ours(name).roles["user_band"])
            assert app.query_one(Static).styles.background.rich_color == expected


async def test_without_colour_textual_has_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Themed(no_colour_theme(), ansi=True)
    async with app.run_test(size=(40, 20)):
        for style in app.styles_seen():
            for each in (style.color, style.bgcolor):
                assert each is None or each.is_default, style
        assert any(style.reverse for style in app.styles_seen())


@each_of_ours
def test_textuals_own_widgets_are_legible(name: str) -> None:
    theme = ours(name).textual()
    variables = theme.to_color_system().generate() | theme.variables
    for widget in ("block-cursor", "input-selection", "screen-selection"):
        if name in COLOURED:
            pair = variables[f"{widget}-foreground"], variables[f"{widget}-background"]
            assert contrast(*(each[:7] for each in pair)) >= 4.5


# --- choosing ---


def test_auto_is_as_the_terminal_is(tmp_path: Path) -> None:
    assert chosen_theme("auto", dark=True, own=None).name == "dark"
    assert chosen_theme("auto", dark=False, own=tmp_path).name == "light"
    assert chosen_theme("fjord", dark=False, own=None).name == "fjord"


def test_the_users_theme_wins(tmp_path: Path) -> None:
    write(tmp_path / "light.toml", 'inherits = "light"\n[colours]\naccent = "#006a6a"')
    write(tmp_path / "mine.toml", 'inherits = "light"')
    write(tmp_path / "auto.toml", "")
    write(tmp_path / "notes.txt", "")
    found = find_themes(tmp_path)
    assert list(found) == sorted({*OURS, "mine"})
    assert found["light"] == tmp_path / "light.toml"
    assert chosen_theme("auto", dark=False, own=tmp_path).roles["accent"] == "#006a6a"
    # What inherits from it has its colours, too: it lies beside it.
    assert chosen_theme("mine", dark=False, own=tmp_path).roles["accent"] == "#006a6a"


def test_an_unknown_theme_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen_theme("drak", dark=True, own=tmp_path / "missing")
    assert caught.value.message == "there is no theme named 'drak'; did you mean dark?"
    assert caught.value.hint.startswith("there are auto, ansi, contrast, ")


# --- reading ---


def problems(tmp_path: Path, text: str) -> list[str]:
    file = write(tmp_path / "mine.toml", text)
    with pytest.raises(ConfigFileError) as caught:
        load_theme(file)
    assert caught.value.message.startswith(f"{file}: ")
    return [str(problem) for problem in caught.value.problems]


def test_a_theme_may_change_a_few_roles(tmp_path: Path) -> None:
    file = write(
        tmp_path / "mine.toml",
        """
        inherits = "dark"
        colours = { user_band = "#2a2140", muted = "" }
        markdown.heading_1 = "underline orange3"
        [code]
        keyword = "bold red on default"
        """,
    )
    theme = load_theme(file)
    dark = ours("dark")
    changed = {role: theme.roles[role] for role in ROLES if theme.roles[role] != dark.roles[role]}
    assert (theme.name, theme.dark) == ("mine", True)
    assert changed == {
        "user_band": "#2a2140",
        "muted": "",
        "heading.1": "underline orange3",
        "code.keyword": "bold red on default",
    }
    variables = theme.variables()
    assert variables["muted"] == "#d1d9e0"  # no colour of its own: that of the text
    assert variables["heading-1"] == "#d78700"
    assert variables["code-keyword"] == "ansi_red"


@pytest.mark.parametrize("default", ["default", "Default"])
def test_a_theme_may_keep_the_terminals_background(tmp_path: Path, default: str) -> None:
    text = f'inherits = "fjord"\ncolours.background = "{default}"'
    theme = load_theme(write(tmp_path / "clear.toml", text))
    assert theme.textual().ansi
    assert theme.textual().background == "ansi_default"
    assert theme.roles["text"] == ours("fjord").roles["text"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[colours]\nmutd = "red"', "line 3: colours.mutd: is not a role of a theme; did you mean"),
        ('[colours]\nlink = "red"', "line 3: colours.link: is not a role of a theme; it belongs"),
        ('[code]\nqqqq = ""', "line 3: code.qqqq: is not a role of a theme; there are text, key"),
        ('[colors]\ntext = "red"', "line 2: colors: is not a setting; did you mean colours?"),
        ("code = 1", "line 2: code: must be a table"),
        ('dark = "yes"', "line 2: dark: must be true or false"),
        ('[code]\nname = "blurple"', "line 3: code.name: 'blurple' is neither a colour nor an"),
        ('[code]\nname = "yelow"', "line 3: code.name: 'yelow' is neither a colour nor an attrib"),
        ('[code]\nname = "#fff"', "line 3: code.name: '#fff' is no colour: it takes six digits"),
        ('[code]\nname = "red on"', "line 3: code.name: names no colour after `on`"),
        ('[code]\nname = "red blue"', "line 3: code.name: has two colours; the one of the backg"),
        ('[code]\nname = "on red on blue"', "line 3: code.name: has two backgrounds"),
        ('[code]\nname = "link https://a.b"', "line 3: code.name: 'link' is neither a colour"),
        ('[code]\nname = "\\u001b[31m"', r"line 3: code.name: '\x1b[31m' is neither a colour"),
        ("[code]\nname = 7", 'line 3: code.name: must be a string, as in "bold #e6edf3"'),
        ('[colours]\npanel = "bold red"', "line 3: colours.panel: must be one colour"),
        ('[colours]\npanel = ""', "line 3: colours.panel: must be one colour"),
        ('[colours]\ntext = "bold"', "line 3: colours.text: must have a colour"),
        ('[colours]\nmatch = "red"', "line 3: colours.match: must have a background"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, f'inherits = "dark"\n{text}')
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'background = "#10151a"\ntext = "#202020"',
            "line 4: colours.text: has a contrast of 1.1 to background, and needs 4.5",
        ),
        (
            'muted = "#404040"',
            "line 3: colours.muted: has a contrast of 1.8 to background, and needs 3",
        ),
        (
            'match = "#0f1419 on #202830"',
            "line 3: colours.match: has a contrast of 1.2 to its own background, and needs 4.5",
        ),
        (
            'panel = "#d0d0d0"',
            "line 3: colours.panel: leaves text a contrast of 1.1, which needs 4.5",
        ),
        (
            'diff_added_band = "#58a058"',
            "line 3: colours.diff_added_band: leaves text a contrast of ",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_contrast(
    tmp_path: Path, text: str, problem: str
) -> None:
    (found,) = problems(tmp_path, f'inherits = "dark"\n[colours]\n{text}')
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "text", ['text = "default"', 'background = "default"', 'error = "red"', 'muted = ""']
)
def test_what_only_the_terminal_knows_passes(tmp_path: Path, text: str) -> None:
    load_theme(write(tmp_path / "mine.toml", f'inherits = "dark"\n[colours]\n{text}'))


def test_the_nearest_names_are_told(tmp_path: Path) -> None:
    text = '[colours]\nmutd = "red"\n[code]\nname = "yelow"'
    role, word = problems(tmp_path, f'inherits = "dark"\n{text}')
    assert role.endswith("; did you mean muted?")
    assert word.endswith("; did you mean yellow?")


def test_a_missing_role_is_named(tmp_path: Path) -> None:
    whole = (our_themes() / "dark.toml").read_text()
    without = "".join(
        line for line in whole.splitlines(keepends=True) if not line.startswith(("muted", "dark"))
    )
    missing = 'is missing; give it, or begin with inherits = "dark"'
    line = without.splitlines().index("[colours]") + 1
    assert problems(tmp_path, without) == [
        f"dark: {missing}",
        f"line {line}: colours.muted: {missing}",
    ]


def test_a_wrong_role_is_not_missing_too(tmp_path: Path) -> None:
    whole = (our_themes() / "dark.toml").read_text()
    (found,) = problems(tmp_path, whole.replace('muted = "#8f99a5"', 'muted = "grey999"'))
    assert "colours.muted: 'grey999' is neither" in found


def test_broken_toml_is_named(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "dark = true\n[colours")
    assert found.startswith("line 2: isn't TOML: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"mine\.toml: there is no such file"):
        load_theme(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("inherits", "problem"),
    [
        ('"drak"', "line 1: inherits: there is no theme named 'drak'; did you mean dark?"),
        ('"mine"', "line 1: inherits: leads back to this theme"),
        ("7", "line 1: inherits: must be the name of a theme"),
    ],
)
def test_one_must_inherit_from_something(tmp_path: Path, inherits: str, problem: str) -> None:
    assert problems(tmp_path, f"inherits = {inherits}") == [problem]


def test_themes_that_inherit_in_a_circle_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", 'inherits = "b"')
    b = write(tmp_path / "b.toml", 'inherits = "a"')
    with pytest.raises(ConfigFileError) as caught:
        load_theme(tmp_path / "a.toml")
    assert caught.value.message == f"{b}: line 1: inherits: leads back to this theme"


def test_what_is_wrong_further_up_is_named_there(tmp_path: Path) -> None:
    base = write(tmp_path / "base.toml", 'inherits = "dark"\ncode.name = "blurple"')
    with pytest.raises(ConfigFileError) as caught:
        load_theme(write(tmp_path / "mine.toml", 'inherits = "base"'))
    assert caught.value.path == base
