"""What holds in a conversation: which system prompt counts, what is recorded, what is told."""

from __future__ import annotations

import json

import pytest

from chatterm.prompts.instructions import Found
from chatterm.prompts.standing import Standing, guidance
from chatterm.prompts.texts import Text

AGENTS = Text("AGENTS.md", "Use tabs.", 9)
SYSTEM = Text(".chatterm/system.md", "The project's.", 14)
ALL = Found((AGENTS,), SYSTEM)


def test_the_order_is_the_same_always() -> None:
    made = guidance(
        Standing(), configured="Mine.", found=ALL, place="You work here.", wish="Reply in JSON."
    )
    assert made.system == "\n\n".join(
        ("Mine.", "The project's.", "You work here.", ALL.block() or "", "Reply in JSON.")
    )
    assert guidance(Standing()).system is None


def test_a_conversations_own_prompt_stands_for_the_others() -> None:
    made = guidance(Standing(system="Its own."), configured="Mine.", found=Found((), SYSTEM))
    assert (made.system, made.noted["system_prompt"]) == ("Its own.", "Its own.")
    assert guidance(Standing(system=""), configured="Mine.").system is None


def test_what_a_turn_records_is_known_again() -> None:
    standing = Standing(system="Its own.", instructions=True)
    noted = json.loads(json.dumps(guidance(standing, found=ALL).noted))
    again = Standing.of(noted)
    assert (again.system, again.instructions) == ("Its own.", True)
    assert guidance(again, found=ALL).notices == ()
    assert guidance(again, found=ALL).noted == noted


def test_switched_off_stays_switched_off() -> None:
    noted = guidance(Standing(instructions=False)).noted
    assert Standing.of(noted).instructions is False
    assert guidance(Standing()).noted == {}


@pytest.mark.parametrize("value", [None, 1, "x", {"a": 1}])
def test_settings_that_others_recorded_say_nothing(value: object) -> None:
    standing = Standing.of({"system_prompt": [value], "instructions": value})
    assert standing == Standing()


def test_it_is_told_once_and_again_after_a_change() -> None:
    first = guidance(Standing(), found=ALL)
    (reason, said), *_ = first.notices
    assert reason == "instructions"
    assert said.startswith("instructions: AGENTS.md 9 bytes; this project's system prompt: ")
    known = Standing.of(first.noted)
    changed = Found((Text("AGENTS.md", "Use blanks.", 11),), SYSTEM)
    assert guidance(known, found=changed).notices[0][1].startswith("they have changed, and ")
    gone = guidance(known, found=Found()).notices
    assert gone == (("instructions", "instructions: there are none any more"),)
    assert guidance(Standing(), found=Found()).notices == ()


def test_what_cannot_be_used_is_told_once() -> None:
    found = Found(problems=("AGENTS.md is a named pipe",))
    first = guidance(Standing(), found=found)
    assert first.notices == (("instructions", "not used: AGENTS.md is a named pipe"),)
    assert guidance(Standing.of(first.noted), found=found).notices == ()
