"""Talking line by line: messages, tools and questions, commands, leaving."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from linear.speaking import Place

TOOL = (
    'call shell: {"command": "touch made && echo one && echo two"}\nround\n'
    "when result done\ntext: It ran.\nwhen result denied\ntext: It was denied.\n"
    "otherwise\ntext: It went wrong.\nend\n"
)


def exported(place: Place) -> list[dict[str, object]]:
    """The events of the newest conversation."""
    listed = place.runs("history", "list", "--json").text.splitlines()
    newest = json.loads(listed[0])["id"]
    text = place.runs("history", "export", newest, "--format", "jsonl").text
    return [json.loads(line) for line in text.splitlines()]


def test_a_conversation_is_lines_with_names(place: Place) -> None:
    place.answers("think: Somebody greets.\ntext: Hello *there*.\nusage input=10 output=3\n")
    with place.start() as ear:
        head = ear.says("good morning")
        assert "linear mode: asked for with --plain." in head
        assert "The full screen: chatterm --no-plain." in head
        assert "model: s/x, which is a script\n" in head
        assert "mode: confirm" in head
        answer = ear.hears("you: ")
        assert answer.splitlines() == [
            "good morning",
            "thinking: 2 words; /thinking shows them",
            "assistant: Hello *there*.",
            "used: 10 tokens in, 3 tokens out",
        ]
        ear.type("/quit\r")
        ear.hears("good morning: chatterm --plain -r ")
        assert ear.wait() == 0
        assert ear.odd == set()


def test_thinking_is_told_on_request(place: Place) -> None:
    place.answers("think: Somebody greets.\ntext: Hello.\n")
    with place.start() as ear:
        ear.says("one")
        ear.says("/thinking")
        assert "thinking: Somebody greets." in ear.says("/thinking on")
        ear.says("two")
        assert "two\nthinking: Somebody greets.\nassistant: Hello.\n" in ear.says("/thinking off")
        assert ear.quits() == 0


def test_messages_of_several_lines(place: Place) -> None:
    place.answers("echo\n")
    with place.start() as ear:
        ear.says("one\\")
        ear.says("two", "more: ")
        assert "assistant: one\ntwo\n" in ear.says('"""')
        ear.says("three", "more: ")
        ear.says("", "more: ")
        ear.says("/no command", "more: ")
        ear.says('"""', "more: ")
        assert "assistant: three\n\n/no command\n" in ear.says("/quit")
        assert ear.wait() == 0


def test_pasted_lines_are_one_message_that_an_enter_sends(place: Place) -> None:
    place.answers("echo\n")
    with place.start() as ear:
        ear.hears("you: ")
        ear.type("one\rtwo\rthree")
        ear.hears("2 lines came at once: one message, Enter sends it.")
        ear.hears("more: three")
        ear.type("\r")
        assert "assistant: one\ntwo\nthree\n" in ear.says("/quit")
        assert ear.wait() == 0


def test_a_mentioned_file_goes_along(place: Place) -> None:
    (place.work / "a.txt").write_text("inside")
    with place.start() as ear:
        ear.says("read @a.txt and @missing")
        assert "attached: a.txt\nassistant: Hello" in ear.says("/quit")
        assert ear.wait() == 0
    started = next(event for event in exported(place) if event["type"] == "turn.started")
    assert started["input"]["attachments"][0]["name"] == "a.txt"  # type: ignore[index]


def test_the_prompt_of_the_command_line_is_sent_at_once(place: Place) -> None:
    place.answers("echo\n")
    with place.start("good", "morning") as ear:
        ear.hears("you: good morning\r\nassistant: good morning\r\n")
        assert ear.quits() == 0


def test_what_is_piped_in_is_an_attachment(place: Place) -> None:
    from program import COMMAND

    line = f"echo the input | {' '.join(COMMAND)} --plain look"
    with place.start(plain=False, command=["/bin/sh", "-c", line]) as ear:
        ear.hears("you: look\nattached: stdin, 10 B".replace("\n", "\r\n"))
        ear.hears("assistant: Hello")
        assert ear.quits() == 0


# --- tools and permissions ---


def test_a_command_is_asked_about_and_runs_after_a_yes(place: Place) -> None:
    place.answers(TOOL)
    with place.start() as ear:
        ear.says("go")
        question = ear.asked("y")
        assert "tool call: shell: touch made && echo one && echo two\n" in question
        assert "permission: shell wants to run\n" in question
        assert "command: touch made && echo one && echo two\n" in question
        assert f"directory: {place.work}\n" in question
        assert "\n1 or y: yes, this once\n" in question
        assert "or n: no\n" in question
        rest = ear.says("/open")
        assert "tool result: shell: done, 2 lines, exit status 0\nassistant: It ran.\n" in rest
        assert "result of shell:\none\ntwo\nend of the result\n" in ear.says("/quit")
        assert ear.wait() == 0
    assert (place.work / "made").exists()


@pytest.mark.parametrize("answer", ["", "n", "no"])
def test_everything_but_a_yes_is_a_no(place: Place, answer: str) -> None:
    place.answers(TOOL)
    with place.start() as ear:
        ear.says("go")
        ear.asked("perhaps")
        ear.hears("That is no answer")
        ear.asked(answer)
        rest = ear.says("/quit")
        assert "tool result: shell: denied" in rest
        assert "assistant: It was denied." in rest
        assert ear.wait() == 0
    assert not (place.work / "made").exists()


def test_a_note_goes_to_the_model(place: Place) -> None:
    place.answers(TOOL)
    with place.start() as ear:
        ear.says("go")
        ear.asked("n use make instead")
        ear.hears("assistant: It was denied.")
        assert ear.quits() == 0
    results = [event["step"] for event in exported(place) if event["type"] == "step.finished"]
    told = next(step for step in results if step["kind"] == "tool_result")  # type: ignore[index]
    assert "use make instead" in told["content"]  # type: ignore[index]


def test_ctrl_c_at_a_question_is_a_no_that_stops_the_turn(place: Place) -> None:
    place.answers(TOOL)
    with place.start() as ear:
        ear.says("go")
        ear.hears("answer, Enter is no: ")
        ear.read_for(0.5)  # the line editor hears of a signal once it waits
        ear.type("\x03")
        rest = ear.says("/quit")
        assert "denied" in rest
        assert "assistant: It" not in rest
        assert ear.wait() == 0


def test_the_command_can_be_edited_before_it_runs(place: Place) -> None:
    place.answers(TOOL)
    with place.start() as ear:
        ear.says("go")
        ear.asked("e")
        ear.hears("command, empty goes back: touch made && echo one && echo two")
        ear.type("; echo three\r")
        ear.hears("assistant: It ran.")
        ear.says("/open")
        assert "one\ntwo\nthree\n" in ear.says("/quit")
        assert ear.wait() == 0


def test_a_rule_is_shown_edited_and_kept(place: Place) -> None:
    place.answers('call shell: {"command": "touch made"}\nround\ntext: Done.\n')
    with place.start() as ear:
        ear.says("go")
        ear.asked("a")
        assert "always allow shell:touch made, in this project\n" in ear.says("e1", "goes back: ")
        ear.says(" too", "rule, empty goes back: shell:touch made")
        rules = ear.says("1", "rule, Enter goes back: ")
        assert "1: always allow shell:touch made too, in this project\n" in rules
        ear.hears("assistant: Done.")
        assert ear.quits() == 0
    assert "touch" in place.runs("permissions", "list").text


def test_a_rule_for_the_session_asks_no_more(place: Place) -> None:
    place.answers('call shell: {"command": "touch made"}\nround\ntext: Done.\n')
    with place.start() as ear:
        ear.says("go")
        assert "yes, and in this session: shell:touch made\n" in ear.asked("s")
        ear.says("again")
        again = ear.says("/quit")
        assert "permission:" not in again
        assert "tool result: shell: done" in again
        assert ear.wait() == 0


def test_calls_that_wait_are_told_before_a_yes_to_all(place: Place) -> None:
    place.answers(
        'call shell: {"command": "touch one"}\ncall shell: {"command": "touch two"}\nround\n'
        "text: Done.\n"
    )
    with place.start() as ear:
        ear.says("go")
        assert "command: touch one\n" in ear.asked("r")
        assert "command: touch two\n" in ear.says("y", "yes to all of these? y or n, Enter is no: ")
        ear.hears("assistant: Done.")
        assert ear.quits() == 0
    assert (place.work / "two").exists()


def test_an_edit_is_shown_as_a_change_and_can_be_undone(place: Place) -> None:
    place.answers(
        'call write_file: {"path": "note.txt", "content": "new\\n"}\nround\ntext: Written.\n'
    )
    (place.work / "note.txt").write_text("old\n")
    place.answers(
        'call read_file: {"path": "note.txt"}\nround\n'
        'call write_file: {"path": "note.txt", "content": "new\\n"}\nround\ntext: Written.\n'
    )
    with place.start() as ear:
        ear.says("go")
        question = ear.asked("y")
        assert "-old\n+new\n" in question
        ear.hears("assistant: Written.")
        ear.says("/undo")
        ear.hears("undone: note.txt")
        assert ear.quits() == 0
    assert (place.work / "note.txt").read_text() == "old\n"


def test_keys_that_came_before_a_question_are_no_answer(place: Place) -> None:
    place.answers('wait 1\ncall shell: {"command": "touch made"}\nround\ntext: Done.\n')
    with place.start() as ear:
        ear.says("go")
        ear.hears("\n")
        ear.type("y")  # no line yet: it is there when the question comes
        ear.asked("")
        ear.hears("assistant: Done.")
        assert ear.quits() == 0
    assert not (place.work / "made").exists()


# --- interrupting, leaving, coming back ---


def test_ctrl_c_stops_the_turn_and_keeps_what_came(place: Place) -> None:
    # The last word waits for what may belong to it.
    place.answers("text: Begun and on. And\nwait 60\nmore: Never.\n")
    with place.start() as ear:
        ear.says("go")
        ear.hears("assistant: Begun and on.")
        ear.type("\x03")
        assert "notice: interrupted" in ear.says("/read")
        ear.hears("you: go\r\nassistant: Begun and on.")
        ear.hears("\nnotice: interrupted")
        ear.says("/quit")
        assert ear.wait() == 0


def test_ctrl_c_clears_the_line_and_twice_leaves(place: Place) -> None:
    with place.start() as ear:
        ear.hears("you: ")
        ear.type("half a line")
        ear.hears("half a line")
        ear.type("\x03")
        assert "Ctrl+C again, Ctrl+D or /quit leaves." in ear.hears("you: ")
        ear.type("\x03")
        assert ear.wait() == 0


def test_ctrl_d_leaves(place: Place) -> None:
    with place.start() as ear:
        ear.hears("you: ")
        ear.type("\x04")
        assert ear.wait() == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("busy", [False, True])
def test_being_told_to_end_is_recorded(
    place: Place, number: signal.Signals, status: int, *, busy: bool
) -> None:
    import os

    place.answers("text: Begun and on.\nwait 60\nmore: Never.\n" if busy else "text: Whole.\n")
    with place.start() as ear:
        ear.says("go")
        ear.hears("assistant: Begun" if busy else "you: ")
        if not busy:
            ear.type("half a line")
            ear.hears("half a line")
        os.kill(ear.pid, number)
        assert ear.wait() == status
    ended = next(event for event in exported(place) if event["type"] == "turn.finished")
    assert ended["status"] == ("interrupted" if busy else "completed")
    if not busy:
        with place.start("-c") as ear:
            ear.hears("not sent the last time: half a line")
            ear.hears("you: half a line")


def test_what_was_set_for_a_message_that_was_never_sent_is_told(place: Place) -> None:
    place.answers("text: Fine.\n")
    with place.start() as ear:
        ear.says("/system You rhyme.")
        ear.quits()
    with place.start() as ear:
        ear.hears("not used the last time: /system You rhyme.")
        ear.hears("/system held for a message that wasn't sent, and holds no more")
        ear.hears("you: /system You rhyme.")
        ear.type("\r")
        ear.hears("the system prompt of this conversation is set")


def test_a_window_that_is_closed_ends_it(place: Place) -> None:
    with place.start() as ear:
        ear.says("go")
        ear.hears("you: ")
        assert ear.hang_up() == 129


def test_ctrl_z_gives_the_terminal_back_and_fg_goes_on(place: Place) -> None:
    from program import COMMAND

    line = " ".join([*COMMAND, "--plain"])
    shell = ["/bin/bash", "--norc", "--noediting", "-i"]
    with place.start(plain=False, command=shell, PS1="shell> ") as ear:
        ear.says(line, "shell> ")
        ear.hears("you: ")
        ear.type("half ")
        ear.hears("half ")
        ear.type("\x1a")
        ear.says("fg", "shell> ")
        ear.hears("you: half ")
        ear.type("a line\r")
        ear.hears("assistant: Hello")
        ear.says("/quit")
        ear.says("exit", "shell> ")
        ear.wait()
    started = next(event for event in exported(place) if event["type"] == "turn.started")
    assert started["input"]["text"] == "half a line"  # type: ignore[index]


def test_conversations_are_gone_on_with(place: Place) -> None:
    with place.start() as ear:
        ear.says("the first one")
        assert ear.quits() == 0
    with place.start() as ear:
        assert "1 conversation of this directory: /resume lists them." in ear.says("the second")
        assert ear.quits() == 0
    with place.start("-c") as ear:
        ear.hears("Going on with: the second\r\nyou: the second\r\nassistant: Hello")
        ear.says("/quit")
        assert ear.wait() == 0
    with place.start("-r") as ear:
        listed = ear.says("2", "conversation, Enter is none: ")
        assert ", the second, " in listed.splitlines()[-2]
        assert ", the first one, " in listed.splitlines()[-1]
        ear.hears("Going on with: the first one\r\nyou: the first one\r\nassistant: Hello")
        ear.says("and more")
        ear.hears("assistant: Hello")
        assert ear.quits() == 0
    assert len([e for e in exported(place) if e["type"] == "turn.started"]) == 2


def test_a_conversation_that_isnt_there_is_told(place: Place) -> None:
    with place.start("-r", "abcdef") as ear:
        ear.hears("error: no conversation 'abcdef'")
        assert ear.wait() == 7
        assert ear.odd == set()


# --- commands ---


def test_a_message_is_edited_as_a_branch_and_branches_are_chosen(place: Place) -> None:
    place.answers("echo\n")
    with place.start() as ear:
        ear.says("first try")
        ear.says("/edit-last")
        ear.hears("you: first try")
        ear.type("\x7f\x7f\x7fwords\r")
        ear.hears("assistant: first words")
        ear.says("/branches")
        listed = ear.says("1", "branch, Enter is none: ")
        assert "1: branch 1 of 2: first try\n" in listed
        assert "2: branch 2 of 2, this one: first words\n" in listed
        ear.hears("This is the other branch.\r\nyou: first try\r\nassistant: first try")
        ear.says("/retry")
        ear.hears("you: first try\r\nassistant: first try")
        ear.says("/branches")
        assert "branch 3 of 3, this one: first try" in ear.says("", "branch, Enter is none: ")
        assert ear.quits() == 0


def test_a_line_typed_while_a_turn_runs_waits(place: Place) -> None:
    place.answers("echo\nwait 8\nmore: .\n")  # it has to be typed within that
    with place.start() as ear:
        ear.says("one more")  # of which the last word may go on, so that it isn't told yet
        ear.hears("assistant: one")
        ear.type("/queue two\r")
        ear.hears("waiting: your message goes at the turn's end")
        ear.hears("you: two")
        ear.hears("assistant: two")
        assert ear.quits() == 0


def test_what_the_commands_say(place: Place) -> None:
    place.answers("text:\n  Take this:\n\n  ```sh\n  ls -l\n  ```\nusage input=10 output=3\n")
    with place.start() as ear:
        ear.says("go")
        ear.says("/usage")
        assert "turns: 1\nused: 10 tokens in, 3 tokens out\ncontext: " in ear.says("/mode plan")
        assert "mode: plan\n" in ear.says("/mode yolo")
        ear.says("please", "type yolo to want that, Enter goes back: ")
        assert "mode: plan, as before\n" in ear.says("/models y")
        ear.says("1", "model, Enter is none: ")
        assert "From now on: s/y\n" in ear.says("/model nowhere/z")
        assert "error: " in ear.says("/save-block out.sh")
        assert "written to " in ear.says("/export talk.md")
        assert "written to " in ear.says("/rename Another title")
        assert "title: Another title\n" in ear.says("/find take")
        assert "turn 1, text: Take this: ```sh ls -l ```\n1 place found.\n" in ear.says("/exprot")
        assert "did you mean /export?" in ear.says("/help mode")
        assert "/mode MODE: the permission mode\n" in ear.says("/new")
        assert "This is a new conversation." in ear.says("/copy")
        assert "There is no answer yet." in ear.says("!echo own; exit 3")
        assert "own\ncommand ended: exit status 3; /send-along" in ear.says("/status")
        assert ear.quits() == 0
    assert (place.work / "out.sh").read_text() == "ls -l\n"
    assert "Take this" in (place.work / "talk.md").read_text()


def test_an_editor_writes_a_message(place: Place, tmp_path: Path) -> None:
    place.answers("echo\n")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "two\\nlines\\n" >"$1"\n')
    editor.chmod(0o755)
    with place.start(EDITOR=str(editor)) as ear:
        ear.says("/editor")
        ear.says("y", "Send it? y or n, Enter is no: ")
        assert "assistant: two\nlines\n" in ear.says("/quit")
        assert ear.wait() == 0


def test_an_error_is_told_and_the_conversation_goes_on(place: Place) -> None:
    place.answers("fail overloaded status=529: too many ask\n")
    with place.start() as ear:
        ear.says("go")
        told = ear.says("/quit")
        assert "error: too many ask\nabout it: status 529\n" in told
        assert "hint: /retry asks again\n" in told
        assert ear.wait() == 0


def test_silence_is_told_in_whole_lines(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatterm.linear.telling import Tastes, Turns
    from linear.quiet_terminal import Heard

    heard = Heard()
    turns = Turns(heard, Tastes())  # type: ignore[arg-type]
    start = time.monotonic()
    for passed in (5, 10, 12, 21, 39, 41):
        monkeypatch.setattr(time, "monotonic", lambda passed=passed: start + passed)
        turns.wait_told()
    assert heard.lines == ["still waiting, 10 s", "still waiting, 21 s", "still waiting, 41 s"]
