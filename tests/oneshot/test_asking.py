"""Asking at a terminal: the exact bytes, a letter an answer, no by default."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatterm.agent.questions import Question, Reply
from chatterm.oneshot.asking import TerminalAsker, question_text, reply_to
from chatterm.permissions.rules import Scope, proposals
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.verdicts import (
    Access,
    CallClass,
    Decision,
    Judgement,
    ShellAccess,
    WriteAccess,
)
from chatterm.steps import ToolCallStep

JUDGEMENT = Judgement(Decision.ASK, CallClass.NEEDS_APPROVAL, "pytest runs the project's own code")


def question(access: Access, name: str = "shell", **values) -> Question:
    call = ToolCallStep(id="t.0", index=0, round=0, call_id="c", name=name)
    made = {"summary": "a summary", "reason": JUDGEMENT.reason, "judgement": JUDGEMENT}
    return Question(call, access=(access,), **(made | values))


def shell(command: str = "pytest -q", **values) -> Question:
    access = ShellAccess(command, Path("/work"), **values)
    offers = proposals("shell", access, [("pytest", "-q")])
    return question(access, cage="bubblewrap", proposals=offers)


# --- what is written ---


def test_a_command_stands_as_it_is_with_its_cage_and_the_reason() -> None:
    assert question_text(shell()) == (
        "? shell wants to run   bubblewrap, no network\n"
        "  │ pytest -q\n"
        "  in /work\n"
        "  pytest runs the project's own code\n"
        "  rule: pytest -q\n"
        "  y yes · s for this run · a always… · n no · q no, and stop\n"
    )


def test_answers_are_broken_between_one_another() -> None:
    assert question_text(shell(), 40).endswith(
        "  y yes · s for this run · a always…\n  n no · q no, and stop\n"
    )


def test_what_cannot_be_seen_is_written_out() -> None:
    text = question_text(shell("echo a\u202eb\x1b[31m\rrm"))
    assert "│ echo a\\u202eb\\x1b[31m\\rrm\n" in text


def test_lines_are_marked_where_they_end() -> None:
    assert "  │ a ↵\n  │ b\n" in question_text(shell("a\nb"))


def test_nothing_is_cut() -> None:
    assert "x" * 20_000 in question_text(shell("x" * 20_000))


def test_what_goes_beyond_the_cage_is_said_and_never_offered_for_longer() -> None:
    text = question_text(shell(network=True, writable=(Path("/opt/x"),)))
    assert "with the network" in text
    assert "it asks to write below /opt/x" in text
    assert "always" not in text


def test_a_change_is_shown_as_a_diff() -> None:
    asked = question(WriteAccess(Path("/work/a")), "edit_file", diff="-old\n+new\x1b[0m")
    text = question_text(asked)
    assert "-old\n+new\\x1b[0m\n" in text
    assert "a summary" in text


# --- what is answered ---


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("y", Reply(allow=True)),
        ("Yes", Reply(allow=True)),
        ("y but be quick", Reply(allow=True, note="but be quick")),
        ("n", Reply(allow=False)),
        ("no  use rg", Reply(allow=False, note="use rg")),
        ("q", Reply(allow=False, stop=True)),
        ("", None),
        ("maybe", None),
        ("yy", None),
    ],
)
def test_a_letter_answers_and_what_follows_goes_to_the_model(
    line: str, reply: Reply | None
) -> None:
    assert reply_to(line, shell()) == reply


def test_s_makes_the_rule_that_was_shown() -> None:
    asked = shell()
    assert reply_to("s", asked) == Reply(
        allow=True, scope=Scope.SESSION, rule=asked.proposals[0].rule
    )
    assert reply_to("s", question(ShellAccess("x", Path("/")))) is None
    assert reply_to("p", asked) is None


# --- at a real terminal ---


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal: the user's and the program's."""
    user, program = pty.openpty()
    yield user, program
    os.close(user)
    os.close(program)


async def answered(terminal: tuple[int, int], *typed: bytes, before: bytes = b"") -> Reply:
    """Ask, type these lines one after the other once the prompt stands, and return the answer."""
    user, program = terminal
    os.write(user, before)
    asker = TerminalAsker(program, lambda: None)
    asking = asyncio.create_task(asker(shell()))
    for line in typed:
        seen = b""
        while not seen.endswith((b"> ", b"leaves it: ")):
            seen += await asyncio.to_thread(os.read, user, 4096)
        os.write(user, line)
    return await asyncio.wait_for(asking, 20)


async def test_an_answer_is_typed(terminal: tuple[int, int]) -> None:
    assert (await answered(terminal, b"y go on\n")).note == "go on"


async def test_what_is_no_answer_is_asked_again(terminal: tuple[int, int]) -> None:
    assert not (await answered(terminal, b"what?\n", b"\n", b"n\n")).allow


async def test_what_was_typed_before_the_question_is_no_answer(terminal: tuple[int, int]) -> None:
    assert not (await answered(terminal, b"n\n", before=b"y\ny\n")).allow


@pytest.mark.parametrize(("letter", "scope"), [("p", Scope.PROJECT), ("g", Scope.EVERYWHERE)])
async def test_a_asks_how_far_the_rule_reaches_as_the_app_does(
    terminal: tuple[int, int], letter: str, scope: Scope
) -> None:
    reply = await answered(terminal, b"a be quick\n", f"{letter}\n".encode())
    assert reply == Reply(allow=True, note="be quick", scope=scope, rule=shell().proposals[0].rule)


async def test_the_rule_may_be_edited_first(terminal: tuple[int, int]) -> None:
    typed = (b"a\n", b"e\n", b"read_file\n", b"e\n", b"shell:pytest -q *\n", b"p\n")
    reply = await answered(terminal, *typed)
    assert (reply.scope, reply.rule) == (Scope.PROJECT, rule_of("shell:pytest -q *", "allow"))


async def test_another_rule_may_be_chosen(terminal: tuple[int, int]) -> None:
    _, second = shell().proposals[:2]
    reply = await answered(terminal, b"a\n", b"t\n", b"g\n")
    assert reply.rule == second.rule


async def test_enter_goes_back_to_the_question(terminal: tuple[int, int]) -> None:
    assert not (await answered(terminal, b"a\n", b"what\n", b"\n", b"n\n")).allow


async def test_the_end_of_input_is_a_no(terminal: tuple[int, int]) -> None:
    assert not (await answered(terminal, b"\x04")).allow


async def test_waiting_for_an_answer_can_be_cut_short(terminal: tuple[int, int]) -> None:
    asking = asyncio.create_task(TerminalAsker(terminal[1], lambda: None)(shell()))
    await asyncio.sleep(0.4)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
