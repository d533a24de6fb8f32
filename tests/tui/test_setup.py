"""The setup: found, tried, chosen and written; every step can be skipped, and all of it left."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chatterm.config import KNOWN, load_config
from chatterm.providers import finding
from chatterm.render.lines import line_text
from chatterm.tui import choosing_themes
from chatterm.tui.pane.palette import DARK
from chatterm.tui.screens.choices import Choice, ChoiceRows
from chatterm.tui.screens.picker import Picker
from chatterm.tui.setup.panels import StepPicker
from chatterm.tui.setup.summary import Chosen, summary
from faultserver import Answer, FaultServer, Received, Stall, sse, unused_port
from keyrings import MemoryKeyring, memory_keyring, no_keyring
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

KEY = "sk-proj-0123456789abcdefghijklmnop"
JSON = {"Content-Type": "application/json"}
WORD = sse('{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}', "[DONE]")


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is set, and no server runs here."""
    for known in KNOWN:
        if known.key_env:
            monkeypatch.delenv(known.key_env, raising=False)
    monkeypatch.setattr(finding, "PORTS", ())


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with memory_keyring() as ring:
        yield ring


def model_server(received: Received) -> Answer:
    """A model server, as vLLM is one."""
    if received.method == "POST":
        return Answer(WORD)
    rows = {"data": [{"id": "big", "owned_by": "vllm"}, {"id": "small", "owned_by": "vllm"}]}
    found = received.path == "/v1/models"
    return Answer(json.dumps(rows).encode(), status=200 if found else 404, headers=JSON)


@pytest.fixture
def server_here(place: Place, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> FaultServer:
    """A model server that is found on this machine, where nothing is configured."""
    server.script(model_server)
    monkeypatch.setattr(finding, "PORTS", (server.port,))
    place.config.write_text("")
    return server


def configured(place: Place, url: str, more: str = "") -> str:
    """The configuration of a provider `mine` that needs a key and has none."""
    text = (
        f'# my own words\n{more}[providers.mine]  # at home\nprotocol = "chat"\n'
        f'base_url = "{url}/v1"\nauth = "bearer"\nmodels = ["m"]\n'
    )
    place.config.write_text(text)
    return text


def chosen(app: Driver) -> str:
    """What the picker's cursor is on."""
    screen = app.app.screen
    choice = screen.query_one(ChoiceRows).choice if isinstance(screen, Picker) else None
    return choice.key if choice is not None else ""


async def step(app: Driver, number: int) -> None:
    """Wait until a step is shown, and what it looks for was found."""
    await app.until(lambda: app.says(f"setup {number}/5") and not app.says("looking at this"))


async def begin(app: Driver) -> None:
    await app.send("/setup")
    await step(app, 1)


async def test_a_server_is_found_tried_and_written(
    place: Place, server_here: FaultServer, ring: MemoryKeyring
) -> None:
    async with place.app() as app:
        place.config.unlink()  # from here on as on a machine that has none
        await begin(app)
        await app.type("vllm")
        await app.until(lambda: chosen(app) == "vllm")
        await app.press("enter")
        await app.until(lambda: app.says("it works: vllm/big answered in"))
        (asked,) = [each for each in server_here.requests if each.method == "POST"]
        assert asked.json["model"] == "big"
        assert "authorization" not in asked.headers
        await app.press("enter")
        await step(app, 3)
        await app.type("small")
        await app.until(lambda: chosen(app) == "small")
        await app.press("enter")
        await step(app, 4)
        await app.type("light")
        await app.until(lambda: app.app.theme == "light")
        await app.press("enter")
        await step(app, 5)
        assert app.says("vllm/small")
        assert app.says("new, every setting with a comment")
        assert not place.config.exists()
        await app.press("enter")
        await app.until(lambda: app.says("written: "))
        assert app.chat.model_name == "vllm/small"
        assert app.app.theme == "light"
    written = load_config(place.config)
    assert (written.model, written.theme) == ("vllm/small", "light")
    assert written.providers["vllm"].base_url == f"{server_here.url}/v1"
    assert "# How long a provider" in place.config.read_text()
    assert place.config.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("server_here")
async def test_what_is_found_has_the_cursor_as_long_as_nobody_moved_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, ring: MemoryKeyring
) -> None:
    async with place.app() as app:
        await begin(app)
        assert chosen(app) == "vllm"
        await app.press("escape")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        await begin(app)
        assert chosen(app) == "openai", "a key that is set goes before a server"
    picker = StepPicker(DARK, "", [Choice("a", "a"), Choice("b", "b"), Choice("c", "c")])
    async with place.app() as app:
        await app.app.push_screen(picker)
        await app.press("down")
        picker.prefer("c")
        assert chosen(app) == "b"


async def test_a_server_is_found_by_its_models_and_by_what_it_is(
    place: Place, server_here: FaultServer, ring: MemoryKeyring
) -> None:
    async with place.app() as app:
        await begin(app)
        for words in ("small", "127.0.0.1"):
            await app.type(words)
            await app.until(lambda: chosen(app) == "vllm" and app.says("1 of"))
            await app.press(*["backspace"] * len(words))
    async with place.app(size=(42, 20)) as app:
        await begin(app)
        assert app.says(f"vLLM, port {server_here.port}")


async def test_a_key_is_kept_in_the_keyring_and_the_file_keeps_all_but_what_was_chosen(
    place: Place, server: FaultServer, ring: MemoryKeyring
) -> None:
    server.script(model_server)
    text = configured(place, server.url)
    async with place.app() as app:
        await begin(app)
        await app.type("mine")
        await app.press("enter")
        await app.until(lambda: app.says("A key for mine"))
        await app.type("no key")
        await app.press("enter")
        await app.until(lambda: app.says("that isn't a key: it holds spaces"))
        await app.press("ctrl+u", *KEY)
        assert KEY not in app.text()
        await app.press("enter")
        await app.until(lambda: app.says("it works: mine/m answered in"))
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        await app.press("enter")
        await step(app, 3)
        await app.until(lambda: app.says("small"))  # what the server lists
        await app.press("enter")
        await step(app, 4)
        await app.press("tab")
        await step(app, 5)
        assert app.says("in the system keyring")
        assert app.says("only these settings change")
        await app.press("enter")
        await app.until(lambda: app.says("written: "))
    assert ring.entries == {("chatterm", "mine"): KEY}
    assert place.config.read_text() == f'model = "mine/m"\n\n{text}'


async def test_a_rejected_key_is_told_and_not_kept(
    place: Place, server: FaultServer, ring: MemoryKeyring
) -> None:
    server.script(Answer(b'{"error":{"message":"bad key"}}', status=401, headers=JSON))
    text = configured(place, server.url)
    async with place.app() as app:
        await begin(app)
        await app.type("mine")
        await app.press("enter")
        await app.until(lambda: app.says("A key for mine"))
        await app.press(*KEY, "enter")
        await app.until(lambda: app.says("rejected the key"))
        assert KEY not in app.text()
        await app.press("enter")
        await step(app, 1)
        assert ring.entries == {}
        await app.press("escape")
        await app.until(lambda: app.says("nothing was changed; /setup"))
    assert place.config.read_text() == text


async def test_who_does_not_answer_is_asked_again_or_left(
    place: Place, server: FaultServer, ring: MemoryKeyring
) -> None:
    server.script(Answer([Stall()]))
    configured(place, server.url)
    ring.entries["chatterm", "mine"] = KEY
    async with place.app() as app:
        await begin(app)
        await app.until(lambda: app.says("a key is in the keyring"))
        await app.type("mine")
        await app.press("enter")
        await app.until(lambda: any(each.method == "POST" for each in server.requests))
        assert app.says("asking mine/m for one word")
        first = next(each for each in server.requests if each.method == "POST")
        server.script(model_server)
        await app.press("r")
        await app.until(lambda: app.says("it works"))
        await app.until(first.left.is_set)
        server.script(Answer([Stall()]))
        await app.press("r")
        await app.until(lambda: app.says("asking mine/m"))
        await app.press("ctrl+c")
        await app.until(lambda: app.says("nothing was changed"))
        assert app.app.is_running
        assert ring.entries  # it was there before


async def test_who_is_not_there_is_told_with_what_to_do(place: Place, ring: MemoryKeyring) -> None:
    configured(place, f"http://127.0.0.1:{unused_port()}")
    ring.entries["chatterm", "mine"] = KEY
    async with place.app() as app:
        await begin(app)
        await app.until(lambda: app.says("a key is in the keyring"))
        await app.type("mine")
        await app.press("enter")
        await app.until(lambda: app.says("can't") or app.says("connect"))
        await app.press("shift+tab")
        await step(app, 1)


async def test_without_a_keyring_it_says_what_to_do_instead(place: Place) -> None:
    place.config.write_text("")
    with no_keyring():
        async with place.app() as app:
            await begin(app)
            await app.type("anthropic")
            await app.press("enter")
            await app.until(lambda: app.says("this machine has no system keyring"))
            assert app.says("export ANTHROPIC_API_KEY=")
            assert app.says("api_key_command")
            await app.press("enter")
            await step(app, 1)


async def test_every_step_can_be_skipped_and_gone_back_from(
    place: Place, ring: MemoryKeyring
) -> None:
    place.config.write_text('# mine\ntheme = "dark"\n')
    async with place.app() as app:
        await begin(app)
        await app.press("tab")
        await step(app, 4)
        await app.press("shift+tab")
        await step(app, 1)
        await app.press("tab")
        await step(app, 4)
        await app.press("tab")
        await step(app, 5)
        await app.press("tab")
        await app.until(lambda: app.says("nothing was written"))
    assert place.config.read_text() == '# mine\ntheme = "dark"\n'


async def test_leaving_gives_the_colours_back(place: Place, ring: MemoryKeyring) -> None:
    place.config.write_text("")
    async with place.app() as app:
        await begin(app)
        await app.press("tab")
        await step(app, 4)
        await app.type("paper")
        await app.until(lambda: app.app.theme == "paper")
        await app.press("enter")
        await step(app, 5)
        await app.press("escape")
        await app.until(lambda: app.says("nothing was changed"))
        assert app.app.theme == "dark"
        assert app.chat.talk.config.theme == choosing_themes.AUTO


async def test_a_file_that_cant_be_written_is_told_and_the_choice_counts_for_now(
    place: Place, ring: MemoryKeyring
) -> None:
    place.config.write_text("")
    async with place.app() as app:
        await begin(app)
        await app.press("tab")
        await step(app, 4)
        await app.type("paper")
        await app.until(lambda: app.app.theme == "paper")
        await app.press("enter")
        await step(app, 5)
        place.config.write_text("model = 3\n")  # somebody breaks it meanwhile
        await app.press("enter")
        await app.until(lambda: app.says("Tab goes on without writing"))
        assert app.says("model")
        await app.press("tab")
        await app.until(lambda: app.says("nothing was written"))
        assert app.app.theme == "paper"
    assert place.config.read_text() == "model = 3\n"


@pytest.mark.parametrize("size", [(40, 15), (120, 40)], ids=["40x15", "120x40"])
async def test_it_fits_and_follows_the_window(
    place: Place, ring: MemoryKeyring, size: tuple[int, int]
) -> None:
    place.config.write_text("")
    async with place.app(size=size) as app:
        await begin(app)
        for number, key in ((1, "tab"), (4, "tab"), (5, "escape")):
            await step(app, number)
            await app.pilot.resize_terminal(size[0] + 20, size[1] + 5)
            await app.pilot.pause()
            await app.pilot.resize_terminal(*size)
            await app.until(lambda: app.says("Esc leave") or app.says("Enter write"))
            await app.press(key)
        await app.until(lambda: app.app.screen is app.chat)


async def test_a_click_does_what_a_key_does(place: Place, ring: MemoryKeyring) -> None:
    place.config.write_text("")
    async with place.app() as app:
        await begin(app)
        row = next(n for n, line in enumerate(app.lines()) if "Tab skip" in line)
        await app.pilot.click(offset=(app.lines()[row].index("Tab skip") + 5, row))
        await step(app, 4)


@pytest.mark.parametrize("width", [36, 76])
def test_what_goes_on_in_another_row_stands_under_its_beginning(
    place: Place, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("CHATTERM_DATA_DIR", "/" + "a-long-place/" * 8)
    lines = summary(Chosen(model="a/" + "long-name-" * 9), load_config(place.config), None, width)
    rows = list(filter(None, map(line_text, lines)))[:-2]  # the last two are sentences
    assert sum(row.startswith(" " * 10) for row in rows) >= 4
    for row in rows:
        assert len(row) <= width
        assert row[9] == " "
        assert row[10] != " "
