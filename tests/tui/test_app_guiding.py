"""What the model is told in the app: instructions, templates, system prompts; over real HTTP."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from chatterm.events import TurnStarted
from chatterm.store import Store
from faultserver import FaultServer
from models import call, rounds
from tui.app_driver import Driver, Place, place

__all__ = ["place"]


class Desk:
    """A place with a model on a real server."""

    def __init__(self, place: Place, server: FaultServer) -> None:
        self.place, self.server = place, server
        self.app = place.app
        self.configure("")
        server.script_posts(*rounds("chat", "Fine."))

    def configure(self, head: str, tables: str = "") -> None:
        self.place.config.write_text(
            f'model = "p/m"\n{head}\n[titles]\nmodel = "off"\n[providers.p]\nprotocol = "chat"\n'
            f'base_url = "{self.server.url}"\n{tables}\n'
        )

    def write(self, path: str, text: str) -> Path:
        file = self.place.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def mine(self, name: str, text: str) -> None:
        directory = self.place.config.parent / "prompts"
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(text)

    @property
    def sent(self) -> dict[str, Any]:
        asked = [each for each in self.server.requests if each.method == "POST"]
        body: dict[str, Any] = asked[-1].json
        return body

    @property
    def system(self) -> str:
        found = (each for each in self.sent["messages"] if each["role"] == "system")
        return "".join(each["content"] for each in found)

    @property
    def message(self) -> str:
        text: str = self.sent["messages"][-1]["content"]
        return text

    @property
    def tools(self) -> list[str]:
        return [each["function"]["name"] for each in self.sent.get("tools", ())]


@pytest.fixture
def desk(place: Place, server: FaultServer) -> Desk:
    return Desk(place, server)


async def command(app: Driver, text: str, says: str) -> None:
    """A command, and what is said to it."""
    await app.send(text)
    await app.until(lambda: app.says(says))


# --- instructions ---


async def test_instructions_are_sent_and_told_once(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    async with desk.app() as app:
        await app.ask("hello")
        assert app.says("instructions: AGENTS.md 9 bytes")
        first = desk.system
        assert first.endswith('<instructions path="AGENTS.md">\nUse tabs.\n</instructions>')
        await app.ask("again")
        assert desk.system == first
        assert "\n".join(app.lines()).count("instructions: AGENTS.md") == 1
        id_ = app.chat.talk.session.id
    with Store.open(desk.place.data) as store:
        begun = [turn.events[0] for turn in store.turns(store.path(id_))]
    assert [each.system for each in begun if isinstance(each, TurnStarted)] == [first, first]


async def test_a_change_is_told_with_the_next_turn(desk: Desk) -> None:
    file = desk.write("AGENTS.md", "Use tabs.")
    async with desk.app() as app:
        await app.ask("hello")
        desk.write("AGENTS.md", "Use blanks, many of them.")
        os.utime(file, (1, 1))
        await app.ask("again")
        assert app.says("they have changed")
        assert "Use blanks" in desk.system
        file.unlink()
        await app.ask("and again")
        assert app.says("there are none any more")
        assert "<instructions" not in desk.system


async def test_they_are_switched_for_a_conversation_and_stay_so(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    async with desk.app() as app:
        await command(app, "/instructions off", "instructions are off in this conversation")
        await app.ask("hello")
        assert "Use tabs." not in desk.system
        assert not app.says("AGENTS.md")
        id_ = app.chat.talk.session.id
        await app.send("/new")
        await app.until(lambda: app.chat.talk.session.id != id_)
        await app.ask("hello")
        assert "Use tabs." in desk.system
    async with desk.app(resume=id_) as app:
        await app.ask("again")
        assert "Use tabs." not in desk.system
        await command(app, "/instructions on", "instructions are on in this conversation")
        await app.ask("again")
        assert "Use tabs." in desk.system
        await command(app, "/instructions perhaps", "takes on or off")


@pytest.mark.parametrize(
    ("enabled", "wanted", "sent"),
    [("true", False, False), ("false", None, False), ("false", True, True)],
)
async def test_the_command_line_and_the_configuration_switch_them(
    desk: Desk, enabled: str, wanted: bool | None, sent: bool
) -> None:
    desk.configure("", f"[instructions]\nenabled = {enabled}")
    desk.write("AGENTS.md", "Use tabs.")
    async with desk.app(instructions=wanted) as app:
        await app.ask("hello")
        assert ("Use tabs." in desk.system) is sent


async def test_they_can_be_read(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    desk.write(".chatterm/system.md", "You serve this project.")
    async with desk.app() as app:
        await command(app, "/instructions", "on in this conversation")
        assert app.says("Use tabs.")
        assert app.says("You serve this project.")
        await app.press("escape")


async def test_hostile_ones_are_told_and_the_turn_goes_on(desk: Desk) -> None:
    os.mkfifo(desk.place.work / "AGENTS.md")
    (desk.place.work / ".chatterm").mkdir()
    (desk.place.work / ".chatterm" / "system.md").symlink_to("/dev/zero")
    (desk.place.work / ".chatterm" / "prompts").symlink_to("/dev")
    async with desk.app() as app:
        await app.ask("hello")
        assert app.says("AGENTS.md is a named pipe, not a file")
        assert "You serve" not in desk.system
        assert app.says("Fine.")


# --- system prompts ---


async def test_a_conversation_has_a_system_prompt_of_its_own(desk: Desk) -> None:
    desk.configure("", '[generation]\nsystem = "Configured."')
    async with desk.app() as app:
        await app.ask("hello")
        assert desk.system.startswith("Configured.\n\n")
        await command(app, "/system A pirate.", "the system prompt of this conversation is set")
        await app.ask("again")
        assert desk.system.startswith("A pirate.\n\n")
        id_ = app.chat.talk.session.id
        await app.send("/new")
        await app.until(lambda: app.chat.talk.session.id != id_)
        await app.ask("hello")
        assert desk.system.startswith("Configured.\n\n")
    async with desk.app(resume=id_) as app:
        await app.ask("again")
        assert desk.system.startswith("A pirate.\n\n")
        await command(app, "/system default", "the configured one again")
        await app.ask("again")
        assert desk.system.startswith("Configured.\n\n")
        await command(app, "/system none", "no system prompt in this conversation")
        await app.ask("again")
        assert desk.system.startswith("Your tools work on")


async def test_it_is_kept_while_a_message_is_edited(desk: Desk) -> None:
    async with desk.app() as app:
        await app.ask("hello")
        await command(app, "/system A pirate.", "is set")
        await app.send("/retry")
        await app.until(lambda: "A pirate." in desk.system)
        await app.idle()


async def test_one_that_was_never_sent_is_dropped_with_its_conversation(desk: Desk) -> None:
    async with desk.app() as app:
        await command(app, "/system A pirate.", "is set")
        await command(app, "/instructions off", "instructions are off")
        await app.send("/new")
        await app.until(
            lambda: app.says("/system and /instructions, given in the conversation before")
        )
        assert app.says("hold no more; Up brings them back")
        await app.ask("hello")
        assert "A pirate." not in desk.system
        await app.press("up", "up")
        assert app.chat.prompt.text == "/system A pirate."


async def test_one_that_was_sent_is_not_missed(desk: Desk) -> None:
    async with desk.app() as app:
        await command(app, "/system A pirate.", "is set")
        await app.ask("hello")
        id_ = app.chat.talk.session.id
        await app.send("/new")
        await app.until(lambda: app.chat.talk.session.id != id_)
        await app.until(lambda: app.says("Ask something"))
        assert not app.says("Up brings it back")


async def test_it_is_kept_while_another_branch_is_gone_to(desk: Desk) -> None:
    async with desk.app() as app:
        await app.ask("hello")
        await app.send("/retry")
        await app.until(lambda: app.says("branch 2/2"))
        await app.idle()
        await command(app, "/system A pirate.", "is set")
        app.chat.do("branch_before")
        await app.until(lambda: app.says("branch 1/2"))
        await app.idle()
        app.chat.back_to_prompt()
        await app.ask("again")
        assert desk.system.startswith("A pirate.\n\n")


async def test_what_the_model_is_told_can_be_read(desk: Desk) -> None:
    desk.configure("", '[generation]\nsystem = "Configured."')
    desk.write(".chatterm/system.md", "The project's.")
    desk.write("AGENTS.md", "Use tabs.")
    async with desk.app() as app:
        await command(app, "/system", "your configuration's system prompt")
        assert app.says("Configured.")
        assert app.says("this project's system prompt, .chatterm/system.md")
        assert app.says("Use tabs.")
        await app.press("escape")


async def test_it_can_be_written_in_an_editor(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lent(_app: object, argv: list[str], **_: object) -> int:
        await asyncio.to_thread(Path(argv[-1]).write_text, "Written.")
        return 0

    monkeypatch.setattr("chatterm.tui.editing.lend", lent)  # a test has no terminal to lend
    monkeypatch.setenv("VISUAL", "cat")
    async with desk.app() as app:
        await command(app, "/system edit", "is set")
        await app.ask("hello")
        assert desk.system.startswith("Written.\n\n")


# --- templates ---

TRANSLATE = """\
+++
description = "Translate a text"
[[arguments]]
name = "language"
[[arguments]]
name = "text"
+++
Into {{language}}: {{text}}
"""


async def test_a_template_is_used_by_its_name(desk: Desk) -> None:
    desk.mine("translate.md", TRANSLATE)
    async with desk.app() as app:
        await app.ask("/translate French good   day")
        assert desk.message == "Into French: good   day"
        assert app.says("Into French: good day")


async def test_it_is_offered_among_the_commands(desk: Desk) -> None:
    desk.mine("translate.md", TRANSLATE)
    desk.write(".chatterm/prompts/tidy.md", "Tidy up.")
    async with desk.app() as app:
        await app.type("/")
        await app.until(lambda: "tidy" in app.chat.templates.offered())
        await app.type("trans")
        await app.until(lambda: app.says("Translate a text (your prompt)"))
        await app.press("enter")
        assert app.chat.prompt.text == "/translate "
        app.chat.prompt.write("")
        await app.type("/tid")
        await app.until(lambda: app.says("this project's prompt"))
        app.chat.prompt.write("")
        await app.send("/help")
        await app.until(lambda: app.app.screen is not app.chat)
        await app.type("prompts")
        await app.until(lambda: app.says("/translate"))
        await app.press("escape")


async def test_it_stands_in_the_palette(desk: Desk) -> None:
    desk.mine("translate.md", TRANSLATE)
    async with desk.app() as app:
        await app.until(lambda: app.chat.templates.entries)
        await app.press("ctrl+p")
        await app.until(lambda: app.app.screen is not app.chat)
        await app.type("translate")
        await app.until(lambda: app.says("Translate a text"))
        await app.press("enter")
        await app.until(lambda: app.chat.prompt.text == "/translate ")


async def test_a_command_goes_before_a_template_of_its_name(desk: Desk) -> None:
    desk.mine("help.md", "Help me with {{arguments}}.")
    async with desk.app() as app:
        await app.until(lambda: app.chat.templates.entries)
        await app.send("/help")
        await app.until(lambda: app.app.screen is not app.chat)
        await app.press("escape")
        await app.ask("/prompt:help my work")
        assert desk.message == "Help me with my work."
        await command(app, "/prompts", "/help is a command: /prompt:help is the prompt")
        await app.press("enter")
        await app.until(lambda: app.chat.prompt.text == "/prompt:help ")


async def test_of_two_the_users_counts_and_the_other_one_can_be_named(desk: Desk) -> None:
    desk.mine("review.md", "Mine.")
    desk.write(".chatterm/prompts/review.md", "Theirs.")
    async with desk.app() as app:
        await app.ask("/review")
        assert desk.message == "Mine."
        await app.ask("/project:review")
        assert desk.message == "Theirs."


async def test_what_is_missing_or_wrong_is_told_and_the_text_is_back(desk: Desk) -> None:
    desk.mine("translate.md", TRANSLATE)
    desk.mine("broken.md", "+++\nmodle = 1\n+++\nhi")
    async with desk.app() as app:
        await command(app, "/translate French", "translate needs text")
        assert app.chat.prompt.text == "/translate French"
        await command(app, "/broken", "line 2: modle: is not a setting; did you mean model?")
        app.chat.prompt.take()
        await command(app, "/translat x", "there is no command /translat; did you mean /translate?")
        await command(app, "/exprot", "there is no command /exprot; did you mean /export?")
        assert [each for each in desk.server.requests if each.method == "POST"] == []


async def test_what_is_no_name_is_a_message(desk: Desk) -> None:
    async with desk.app() as app:
        for text in ("/etc/passwd is a file", "/2 of them", "/* a comment */"):
            await app.ask(text)
            assert desk.message == text


async def test_files_go_along_only_where_the_user_names_them(desk: Desk) -> None:
    desk.write("notes.txt", "private")
    desk.write(".chatterm/prompts/trap.md", "Look at @notes.txt !`touch made`. {{arguments}}")
    async with desk.app() as app:
        await app.ask("/trap now")
        assert "private" not in str(desk.sent)
        await app.ask("/trap @notes.txt")
        assert "private" in str(desk.sent)
        assert not (desk.place.work / "made").exists()


async def test_a_template_settles_what_it_asks_for(desk: Desk) -> None:
    desk.mine(
        "look.md",
        '+++\nmodel = "p/other"\nsystem = "A reader."\ntools = ["read_file"]\n+++\nLook.',
    )
    desk.server.script_posts(
        *rounds("chat", (call("shell", command="touch made"),), "I may not.", "Fine.")
    )
    async with desk.app() as app:
        await app.ask("/look")
        assert (desk.sent["model"], desk.tools) == ("other", ["read_file"])
        assert desk.system.startswith("A reader.\n\n")
        assert "there is no tool named 'shell'" in str(desk.sent)
        assert not (desk.place.work / "made").exists()
        await app.ask("and now")
        assert (desk.sent["model"], len(desk.tools)) == ("other", 6)
        assert desk.system.startswith("A reader.\n\n")
        await command(app, "/system A writer.", "is set")
        await app.ask("/look")
        assert desk.system.startswith("A writer.\n\n")


async def test_one_that_waits_has_its_tools_when_its_turn_comes(desk: Desk) -> None:
    desk.mine("look.md", '+++\ntools = ["read_file"]\n+++\nLook.')
    calls = (call("shell", command="touch made"),)
    desk.server.script_posts(*rounds("chat", calls, "So.", "Fine."))
    async with desk.app() as app:
        await app.send("hello")
        await app.asked()
        app.chat.prompt.write("/look")
        await app.press("alt+enter")
        await app.until(lambda: app.chat.talk.waiting)
        await app.press("n")
        await app.until(lambda: len(app.chat.talk.session.turns) == 2)
        await app.idle()
        assert (desk.message, desk.tools) == ("Look.", ["read_file"])
        await app.ask("again")
        assert len(desk.tools) == 6


async def test_queue_opens_templates_as_the_key_for_it_does(desk: Desk) -> None:
    desk.mine("tidy.md", '+++\ntools = ["read_file"]\n+++\nTidy up {{arguments}}.')
    calls = (call("shell", command="touch made"),)
    desk.server.script_posts(*rounds("chat", calls, "So.", "Fine."))
    async with desk.app() as app:
        await app.send("hello")
        await app.asked()
        await app.send("/queue /tidy tests")
        await app.until(lambda: app.says("queued: Tidy up tests."))
        await app.press("n")
        await app.until(lambda: len(app.chat.talk.session.turns) == 2)
        await app.idle()
        assert (desk.message, desk.tools) == ("Tidy up tests.", ["read_file"])


async def test_commands_take_pasted_text_whole(desk: Desk) -> None:
    pasted = "\n".join(f"rule {n}" for n in range(20))
    async with desk.app() as app:
        await app.type("/system ")
        app.chat.prompt.take_paste(pasted)
        assert app.chat.prompt.text == "/system [pasted 20 lines]"
        await app.press("enter")
        await app.ask("hello")
        assert desk.system.startswith(f"{pasted}\n\n")


async def test_queue_takes_pasted_text_whole_and_no_file_that_it_names(desk: Desk) -> None:
    desk.write("notes.txt", "secret")
    pasted = "\n".join(f"line {n} @notes.txt" for n in range(20))
    async with desk.app() as app:
        await app.type("/queue see ")
        app.chat.prompt.take_paste(pasted)
        await app.press("enter")
        await app.until(lambda: app.chat.talk.session.turns)
        assert desk.message == f"see {pasted}"


async def test_a_command_is_no_message_to_be_queued(desk: Desk) -> None:
    async with desk.app() as app:
        await command(app, "/queue /compact", "/compact is a command: only messages are queued")
        await command(app, "/queue /nosuch", "there is no command /nosuch")
        await app.send("/queue")
        await app.idle()
        assert app.chat.talk.session.turns == ()


async def test_a_system_prompt_alone_wants_a_message(desk: Desk) -> None:
    desk.mine("pirate.md", '+++\nsystem = "A pirate."\n+++\n')
    async with desk.app() as app:
        await command(app, "/pirate", "say something after its name")
        app.chat.prompt.take()
        await app.ask("/pirate hello")
        assert (desk.message, desk.system.startswith("A pirate.\n\n")) == ("hello", True)


# --- what was set for a message that was never sent ---


async def test_what_was_set_before_a_first_message_isnt_lost_with_it(desk: Desk) -> None:
    async with desk.app() as app:
        await command(app, "/system You rhyme.", "is set, from the next turn on")
    async with desk.app() as app:
        await app.until(lambda: app.chat.prompt.text == "/system You rhyme.")
        assert app.says("/system held for a message that wasn't sent, and holds no more")
        await app.press("enter")
        await app.until(lambda: app.says("is set, from the next turn on"))
        await app.ask("hello")
        assert desk.system.startswith("You rhyme.\n\n")
    async with desk.app() as app:  # a turn has recorded it
        await app.until(lambda: app.chat.drafts.looked)
        await app.idle()
        assert app.chat.prompt.empty


async def test_a_message_goes_before_what_was_set_for_it(desk: Desk) -> None:
    async with desk.app() as app:
        await command(app, "/system none", "no system prompt in this conversation")
        await command(app, "/instructions off", "instructions are off")
        await app.type("half a tho")
    async with desk.app() as app:
        await app.until(lambda: app.chat.prompt.text == "half a tho")
        assert app.says("/system and /instructions held for a message that wasn't sent")
        await app.press("up")
        assert app.chat.prompt.text == "/system none"
        await app.press("up")
        assert app.chat.prompt.text == "/instructions off"
