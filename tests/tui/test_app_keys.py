"""Keys that the user has set: everywhere, for everything, and told as they are."""

from __future__ import annotations

import pytest

from chatterm.errors import ConfigError
from chatterm.tui.deeds import talking
from chatterm.tui.deeds.every import DEEDS
from chatterm.tui.key_names import wrong_key
from chatterm.tui.keys import keymap
from program import COMMAND, Program
from terminals import Terminal
from tui.app_driver import Place, place

__all__ = ["place"]


def with_keys(place: Place, **keys: str) -> None:
    """Configure keys."""
    lines = "\n".join(f'"{name.replace("__", ".")}" = "{wanted}"' for name, wanted in keys.items())
    place.configure("text: Hello.", f"[ui.keys]\n{lines}")


async def test_a_deed_without_a_key_gets_one(place: Place) -> None:
    with_keys(place, retry="ctrl+y")
    async with place.app() as app:
        await app.ask("hi")
        await app.press("ctrl+y")
        await app.until(lambda: app.says("branch 2/2"))
        assert app.chat.keys_of("retry") == "Ctrl+Y"
        assert app.chat.keys_of("rename") == ""


async def test_a_key_that_is_taken_away_does_nothing(place: Place) -> None:
    with_keys(place, help="", fold_all="ctrl+y")
    async with place.app() as app:
        await app.press("f1")
        assert app.app.screen is app.chat
        assert app.chat.keys_of("help") == ""


async def test_a_key_given_to_one_deed_is_taken_from_another(place: Place) -> None:
    with_keys(place, find="ctrl+t")
    async with place.app() as app:
        assert app.chat.keys_of("find") == "Ctrl+T"
        assert app.chat.keys_of("fold_all") == ""
        await app.press("ctrl+t")
        assert app.chat.writing_line


async def test_esc_may_be_another_key(place: Place) -> None:
    script = 'call shell: {"command": "touch made.txt"}\nround\ntext: Done.'
    place.configure(script, '[ui.keys]\nescape = "f8"')
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("f8")
        await app.idle()
        assert app.says("denied")
        assert app.says("interrupted")


async def test_screens_have_keys_of_their_own(place: Place) -> None:
    with_keys(place, help__close="f8")
    async with place.app() as app:
        await app.press("f1")
        assert app.app.screen is not app.chat
        await app.press("f8")
        assert app.app.screen is app.chat


async def test_the_keys_that_send_may_be_others(place: Place) -> None:
    with_keys(place, send="ctrl+l", newline="enter")
    async with place.app() as app:
        await app.type("one")
        await app.press("enter")
        await app.type("two")
        await app.press("ctrl+l")
        await app.until(lambda: app.says("Hello."))
        await app.idle()
        assert app.chat.talk.session.turns[0].input.text == "one\ntwo"


async def test_the_help_tells_the_keys_as_they_are(place: Place) -> None:
    with_keys(place, send="ctrl+l", timeline="f7")
    async with place.app(size=(100, 120)) as app:
        app.chat.do("help")
        await app.until(lambda: app.says("The prompt"))
        assert app.says("Ctrl+L")
        assert app.says("F7")
        assert not app.says("F4")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"fnd": "ctrl+f"}, "did you mean find"),
        ({"pager.wrp": "x"}, "did you mean pager.wrap"),
        ({"find": "crtl+f"}, "ui.keys.find: 'crtl+f' is no key; did you mean ctrl+f?"),
        ({"pager.wrap": "escpae"}, "did you mean escape"),
        ({"send": "ctrl+entre"}, "did you mean ctrl+enter"),
        ({"find": "x"}, "couldn't be typed"),
        ({"find": "space"}, "couldn't be typed"),
        ({"find": "ctrl+y", "theme": "ctrl+y"}, "both find and theme"),
    ],
)
def test_keys_that_cannot_be(keys: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keymap(keys)
    assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("esc", "escape"),
        ("Ctrl+X", "ctrl+x"),
        ("ctrl-x", "ctrl+x"),
        ("ctrl+/", "ctrl+slash"),
        ("shift+ctrl+up", "ctrl+shift+up"),
        ("ctrl+pgup", "ctrl+pageup"),
        ("cmd+k", "super+k"),
    ],
)
def test_a_key_is_told_as_the_app_calls_it(key: str, meant: str) -> None:
    assert wrong_key(key) == f"{key!a} is no key; did you mean {meant}?"
    assert wrong_key(meant) is None


@pytest.mark.parametrize("key", ["xyzzy", "ctrl+a+b", "ctrl++", "\x1b"])
def test_a_key_that_is_like_no_other(key: str) -> None:
    assert "did you mean" not in (wrong_key(key) or "did you mean")


@pytest.mark.parametrize("key", ["f3", "?", "question_mark", "alt+enter", "alt+ö", "ctrl+f13"])
def test_keys_that_are(key: str) -> None:
    assert wrong_key(key) is None


def test_all_keys_of_ours_are_keys() -> None:
    keys = [key for deed in DEEDS for key in deed.keys.split(",") if key]
    assert not [key for key in keys if wrong_key(key)]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[ui.keys]\nmodles = "f3"\n', "line 2: ui.keys.modles: there is no such action"),
    ],
)
def test_the_app_tells_the_line_of_what_it_cannot_start_with(
    program: Program, settings: str, said: str
) -> None:
    program.configure(settings)
    env = program.env | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with Terminal(COMMAND, env, program.home, columns=200) as terminal:
        assert terminal.wait(seconds=90) == 3
        assert f"config.toml: {said}" in " ".join(terminal.text.split())


async def test_what_ctrl_c_says_goes_when_another_key_comes_or_its_time_is_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.app() as app:
        for key in ("left", "x", "f1"):
            await app.press("ctrl+c")
            assert app.says("Ctrl+C again quits")
            await app.press(key)
            assert app.chat.armed_at == 0
            if key == "f1":
                await app.press("escape")
            app.chat.prompt.write("")
            await app.until(lambda: not app.says("Ctrl+C again quits"))
        monkeypatch.setattr(talking, "_ARMED_S", 0.2)
        await app.press("ctrl+c")
        await app.until(lambda: not app.says("Ctrl+C again quits"))
        await app.press("ctrl+c")  # says it again: nobody has left
        assert app.app.is_running
