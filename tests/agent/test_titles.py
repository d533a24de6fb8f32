"""Titles: from the first message at once, better ones from the model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatterm.agent.titles import LONGEST, Titler, improved_title, title_of
from chatterm.config import Config, Titles
from chatterm.providers.demo import DemoProvider
from chatterm.providers.script import parse
from chatterm.session import Prompt, Session
from chatterm.steps import Attachment, Status, TextStep, Turn, UserInput
from chatterm.store import Store


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("why is the sky blue?", "why is the sky blue?"),
        ("\n\n# A heading\nmore", "A heading"),
        ("  spaced   out  ", "spaced out"),
        ("<stdin>\nline one\n</stdin>", "line one"),
        ("", "untitled"),
        ("word " * 40, "word " * 10 + "word…"),
        ("x" * 200, "x" * (LONGEST - 1) + "…"),
    ],
)
def test_a_title_is_the_first_line_that_says_something(text: str, title: str) -> None:
    assert title_of(UserInput(text)) == title


def test_files_alone_are_named() -> None:
    assert title_of(UserInput("", (Attachment("a.png", "image/png", 1, "0"),))) == "a.png"


TURN = Turn(
    "t",
    UserInput("why?"),
    "p/m",
    (TextStep(id="t.0", index=0, round=0, status=Status.DONE, text="because"),),
)


@pytest.mark.parametrize(
    ("script", "title"),
    [
        ('text: "Blue sky."', "Blue sky"),
        ("text:\n  # Title: Blue sky\n  more", "Title: Blue sky"),
        ("text: **Blue sky**", "Blue sky"),
        ("think: hm\ntext: Blue sky", "Blue sky"),
        ("text: ...", None),
        ("refuse: no", None),
        ("fail server: broken", None),
        ("text: begun\ncut", None),
    ],
)
async def test_a_model_is_asked_once_and_its_words_are_trimmed(
    script: str, title: str | None
) -> None:
    provider = DemoProvider("p", parse(script), pace=0)
    assert await improved_title(provider, "m", TURN) == title


# --- in the background, after the first turn --------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


def plays(script: str) -> DemoProvider:
    return DemoProvider("p", parse(script), pace=0)


async def talked(store: Store) -> Session:
    """A conversation with its first turn."""
    talk = Session(store, origin="app")
    async for _ in talk.run(Prompt(UserInput("why?"), plays("text: because"), "m")):
        pass
    return talk


async def titled(store: Store, config: Config, script: str = "text: Blue sky") -> str:
    """The title of a conversation after a titler has had its time."""
    talk = await talked(store)
    changed = asyncio.Event()
    titler = Titler(store, config, lambda *_: changed.set())
    titler.begin(talk.id, plays(script), talk.turns[0])
    for task in tuple(titler._tasks):
        await task
    await titler.aclose()
    found = store.find(talk.id)
    assert changed.is_set() == (found.title_from == "model")
    return found.title


async def test_the_conversations_own_model_makes_the_title(store: Store) -> None:
    assert await titled(store, Config()) == "Blue sky"


async def test_another_model_may_make_it(store: Store) -> None:
    config = Config(titles=Titles(model="demo/short"))
    assert await titled(store, config) == "This is the demo, not a model"


@pytest.mark.parametrize("setting", ["off", "demo/nothing-of-the-kind", "nobody/m"])
async def test_without_a_title_from_a_model_the_first_message_stays(
    store: Store, setting: str
) -> None:
    assert await titled(store, Config(titles=Titles(model=setting))) == "why?"


async def test_a_provider_that_makes_no_titles_is_not_asked(store: Store) -> None:
    session = await talked(store)
    provider = plays("text: Blue sky")
    provider.makes_titles = False  # type: ignore[attr-defined] # as the local one has it
    assert Titler(store, Config()).begin(session.id, provider, session.turns[0]) is None


async def test_a_failure_changes_nothing(store: Store) -> None:
    assert await titled(store, Config(), "fail server: broken") == "why?"


async def test_a_defect_of_a_provider_changes_nothing(store: Store, caplog) -> None:
    class Broken(DemoProvider):
        def stream(self, request, writer):
            raise ZeroDivisionError

    talk = await talked(store)
    titler = Titler(store, Config())
    titler.begin(talk.id, Broken("p"), talk.turns[0])
    await asyncio.gather(*titler._tasks)
    assert store.find(talk.id).title == "why?"
    assert "no title was made" in caplog.text


async def test_a_title_that_the_user_gave_meanwhile_stays(store: Store) -> None:
    talk = await talked(store)
    store.set_title(talk.id, "mine", "user")
    titler = Titler(store, Config())
    titler.begin(talk.id, plays("text: Blue sky"), talk.turns[0])
    await asyncio.gather(*titler._tasks)
    assert store.find(talk.id).title == "mine"


async def test_a_turn_without_an_answer_asks_nobody(store: Store) -> None:
    titler = Titler(store, Config())
    titler.begin("c", plays("text: x"), Turn("t", UserInput("why?"), "p/m"))
    assert not titler._tasks


async def test_closing_gives_up_a_title_that_takes_long(store: Store) -> None:
    talk = await talked(store)
    titler = Titler(store, Config())
    slow = DemoProvider("p", parse("wait 3600\ntext: late"))
    titler.begin(talk.id, slow, talk.turns[0])
    await asyncio.sleep(0)
    await titler.aclose()
    assert not titler._tasks
    assert store.find(talk.id).title == "why?"
