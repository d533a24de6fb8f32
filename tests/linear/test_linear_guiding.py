"""What the model is told, line by line: system prompts, instructions, templates; over real HTTP."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from faultserver import Answer, FaultServer, Received
from linear.speaking import PATIENCE_S, Ear, Place
from models import rounds

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


class Desk:
    """A place with a model on a real server."""

    def __init__(self, place: Place, server: FaultServer) -> None:
        self.place, self.server = place, server
        self.configure()
        server.script(*rounds("chat", "Fine."))

    def configure(self, system: str = "") -> None:
        generation = f'[generation]\nsystem = "{system}"\n' if system else ""
        self.place.program.provider(self.server.url, tables=f'{generation}[titles]\nmodel = "off"')

    def write(self, path: str, text: str) -> None:
        file = self.place.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def mine(self, name: str, text: str) -> None:
        directory = self.place.program.config.parent / "prompts"
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(text, "utf-8")

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [each.json for each in self.server.requests if each.method == "POST"]

    @property
    def system(self) -> str:
        found = (each for each in self.asked[-1]["messages"] if each["role"] == "system")
        return "".join(each["content"] for each in found)

    @property
    def message(self) -> str:
        text: str = self.asked[-1]["messages"][-1]["content"]
        return text


@pytest.fixture
def desk(place: Place, server: FaultServer) -> Desk:
    return Desk(place, server)


def answered(ear: Ear, line: str) -> str:
    """Send a line, and wait for its answer; what was heard till then."""
    before = ear.says(line)
    return before + ear.hears("assistant: Fine.")


# --- system prompts, instructions ---


def test_a_system_prompt_that_was_never_sent_is_dropped_with_its_conversation(desk: Desk) -> None:
    with desk.place.start() as ear:
        ear.says("/system A pirate.")
        ear.says("/new")
        ear.hears("notice: /system, given in the conversation before, holds no more")
        answered(ear, "hello")
        assert "A pirate." not in desk.system
        assert ear.quits() == 0


def test_a_conversation_has_a_system_prompt_of_its_own(desk: Desk) -> None:
    desk.configure("Configured.")
    with desk.place.start() as ear:
        answered(ear, "hello")
        assert desk.system.startswith("Configured.\n\n")
        ear.says("/system A pirate.")
        ear.hears("the system prompt of this conversation is set, from the next turn on")
        answered(ear, "again")
        assert desk.system.startswith("A pirate.\n\n")
        assert ear.quits() == 0
    with desk.place.start("-c") as ear:
        ear.hears("/quit leaves.")
        answered(ear, "and again")
        assert desk.system.startswith("A pirate.\n\n")
        ear.says("/system none")
        ear.hears("no system prompt in this conversation")
        answered(ear, "still")
        assert desk.system.startswith("Your tools work on")
        ear.says("/system default")
        ear.hears("the configured one again")
        answered(ear, "last")
        assert desk.system.startswith("Configured.\n\n")
        assert ear.quits() == 0


def test_all_that_the_model_is_told_is_said_with_where_it_comes_from(desk: Desk) -> None:
    desk.configure("Configured.")
    desk.write(".chatterm/system.md", "The project's.")
    desk.write("AGENTS.md", "Use tabs.")
    with desk.place.start() as ear:
        ear.says("/system")
        told = ear.says("/quit")
        assert "from your configuration's system prompt:\n\nConfigured.\n" in told
        assert "from this project's system prompt, .chatterm/system.md:\n\nThe project's." in told
        assert "from where the tools work:" in told
        assert "from instructions:\n\n" in told
        assert "Use tabs.\n" in told
        assert "/system TEXT, edit, default or none" in told
        assert ear.wait() == 0
        assert ear.odd == set()


def test_a_system_prompt_is_written_in_an_editor(desk: Desk, tmp_path: Path) -> None:
    desk.configure("Configured.")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncat "$1" >before\nprintf "Written.\\n" >"$1"\n')
    editor.chmod(0o755)
    with desk.place.start(EDITOR=str(editor)) as ear:
        ear.says("/system edit")
        ear.hears("is set, from the next turn on")
        answered(ear, "hello")
        assert desk.system.startswith("Written.\n\n")
        assert ear.quits() == 0
    assert (desk.place.work / "before").read_text() == "Configured."


def test_instructions_are_told_and_switched(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    with desk.place.start() as ear:
        assert "notice: instructions: AGENTS.md 9 bytes\n" in answered(ear, "hello").replace(
            "\r", ""
        )
        assert "Use tabs." in desk.system
        ear.says("/instructions")
        told = ear.says("/instructions off")
        assert "on in this conversation; /instructions off changes that\n\n" in told
        assert "Use tabs.\n" in told
        assert "instructions are off in this conversation" in ear.says("/instructions perhaps")
        assert "/instructions takes on or off, not 'perhaps'" in answered(ear, "again")
        assert "Use tabs." not in desk.system
        ear.says("/instructions on")
        answered(ear, "and again")
        assert "Use tabs." in desk.system
        assert ear.quits() == 0


# --- templates ---


def test_a_template_is_used_by_its_name(desk: Desk) -> None:
    desk.mine("translate.md", TRANSLATE)
    desk.mine("help.md", "Help me with {{arguments}}.")
    with desk.place.start() as ear:
        told = answered(ear, "/translate French good   day")
        assert "you: Into French: good   day\n" in told
        assert desk.message == "Into French: good   day"
        answered(ear, "/prompt:help my work")
        assert desk.message == "Help me with my work."
        assert ear.quits() == 0


def test_templates_are_listed_and_one_is_chosen(desk: Desk) -> None:
    desk.mine("translate.md", TRANSLATE)
    desk.mine("broken.md", "+++\nmodle = 1\n+++\nhi")
    desk.mine("help.md", "Help me with {{arguments}}.")
    desk.write(".chatterm/prompts/tidy.md", "Tidy up.")
    with desk.place.start() as ear:
        ear.says("/help prompt")
        assert "/tidy: this project's prompt\n" in ear.says("/prompts")
        listed = ear.says("3", "prompt, Enter is none: ")
        assert "1: /prompt:help, /help is a command: /prompt:help is the prompt\n" in listed
        assert "2: /tidy, this project's prompt\n" in listed
        assert "3: /translate, Translate a text (your prompt)\n" in listed
        assert "4: /broken, " in listed
        assert "did you mean model?" in listed
        assert "/translate takes LANGUAGE TEXT\n" in ear.hears("you: /translate ")
        ear.type("French good day\r")
        ear.hears("assistant: Fine.")
        assert desk.message == "Into French: good day"
        ear.says("/prompts")
        ear.says("4", "prompt, Enter is none: ")
        assert "did you mean model?" in ear.says("/quit")
        assert ear.wait() == 0


def test_what_is_missing_or_unknown_is_told_and_nothing_is_sent(desk: Desk) -> None:
    desk.mine("translate.md", TRANSLATE)
    with desk.place.start() as ear:
        ear.says("/translat x")
        assert "there is no command /translat; did you mean /translate?\n" in ear.says("/exprot")
        assert "there is no command /exprot; did you mean /export?\n" in ear.says(
            "/translate Dutch"
        )
        assert "error: translate needs text\n" in ear.hears("you: /translate Dutch")
        assert desk.asked == []
        ear.type(" goed\r")
        ear.hears("assistant: Fine.")
        assert desk.message == "Into Dutch: goed"
        answered(ear, "/etc/passwd is a file")
        assert desk.message == "/etc/passwd is a file"
        answered(ear, "/2 of them")
        assert desk.message == "/2 of them"
        assert ear.quits() == 0


def test_files_go_along_only_where_the_user_names_them(desk: Desk) -> None:
    desk.write("notes.txt", "private")
    desk.write(".chatterm/prompts/trap.md", "Look at @notes.txt !`touch made`. {{arguments}}")
    with desk.place.start() as ear:
        answered(ear, "/trap now")
        assert "private" not in str(desk.asked)
        told = answered(ear, "/trap @notes.txt")
        assert "attached: notes.txt" in told
        assert "private" in str(desk.asked)
        assert ear.quits() == 0
    assert not (desk.place.work / "made").exists()


def test_a_template_settles_what_it_asks_for(desk: Desk) -> None:
    desk.mine(
        "look.md", '+++\neffort = "low"\nsystem = "A reader."\ntools = ["read_file"]\n+++\nLook.'
    )
    with desk.place.start() as ear:
        told = answered(ear, "/look")
        assert "look, from now on: effort low, its system prompt is this conversation's" in told
        assert desk.system.startswith("A reader.\n\n")
        assert len(desk.asked[-1]["tools"]) == 1
        answered(ear, "and now")
        assert len(desk.asked[-1]["tools"]) > 1
        assert ear.quits() == 0


def test_one_typed_while_a_turn_runs_waits(desk: Desk) -> None:
    asked, goes_on = threading.Event(), threading.Event()

    def give(received: Received) -> Answer:
        (answer,) = rounds("chat", "Fine.")
        if received.method == "POST":
            asked.set()
            goes_on.wait(PATIENCE_S)
        return answer

    desk.server.script(give)
    desk.write(".chatterm/prompts/tidy.md", "Tidy {{arguments}}.")
    with desk.place.start() as ear:
        ear.says("one")
        assert asked.wait(PATIENCE_S)
        ear.type("/queue /tidy up\r")
        ear.hears("waiting: your message goes at the turn's end")
        ear.type("/tidi up\r")
        ear.hears("there is no command /tidi; did you mean /tidy?")
        goes_on.set()
        ear.hears("you: Tidy up.")
        ear.hears("assistant: Fine.")
        assert desk.message == "Tidy up."
        assert ear.quits() == 0
