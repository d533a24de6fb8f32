"""What an hour's conversation is made of: laps of the same acts, so that laps can be compared."""

from __future__ import annotations

from collections.abc import Callable

from soak.user import (
    PAGE_DOWN,
    PAGE_UP,
    WHEEL_DOWN,
    WHEEL_UP,
    User,
    children_of,
)

SIZE = (100, 30)
_SIZES = ((60, 20), (140, 45), (40, 16), SIZE)
_MODELS = ("r/one", "a/two", "c/two", "a/one", "r/two", "c/one")
_CTRL = {letter: chr(ord(letter) - 96) for letter in "fnoprstu"}
_SCREENS = (
    _CTRL["p"],  # all that can be done
    "\x1bOP",  # the keys
    _CTRL["o"],  # the models
    _CTRL["s"],  # the conversations
    _CTRL["r"],  # earlier prompts
    "\x1bOS",  # where the time went
)
_TO_END = "\x1b[1;5F"
_STEP_UP = "\x1b[1;5A"
_LATER = "\x1b\r"


def lap(user: User, number: int) -> None:
    """Talk for about fifty turns; what is done is the same each time, but for the numbers in it."""
    for at, act in enumerate(_ACTS):
        act(user, 100 * number + 2 * at)
    user.done()


def elsewhere(user: User, number: int) -> None:
    """Begin another conversation, and go back to this one."""
    here = user.conversation
    user.command("new")
    user.ask(f"tale {number}")
    assert user.conversation != here
    user.command(f"resume {here}")
    user.pump(0.5)
    user.ask(f"think {number}")
    assert user.conversation == here


def _talk(user: User, at: int) -> None:
    for kind in ("tale", "think", "read", "shell", "think", "tools", "tale", "think"):
        user.ask(f"{kind} {at}")
    user.ask(f"edit {at}")
    user.ask(f"edit {at + 1}")


def _scroll_beside_a_stream(user: User, at: int) -> None:
    user.send(f"long {at}")
    for key in (PAGE_UP, PAGE_UP, WHEEL_UP, PAGE_UP, PAGE_DOWN, WHEEL_DOWN):
        user.type(key)
        user.pump(0.03)
    user.done()
    user.type(PAGE_UP * 3)
    user.pump(0.1)
    user.type(_TO_END)


def _stop_a_stream(user: User, at: int) -> None:
    user.send(f"slow {at}")
    user.pump(0.3)
    user.stop()


def _stop_what_has_only_begun(user: User, at: int) -> None:
    user.say(f"slow {at}")
    user.stop()
    user.type(_CTRL["u"])  # what wasn't sent is back in the prompt


def _stop_a_command(user: User, at: int) -> None:
    user.send(f"sleep {at + 10_000}")
    user.until(lambda: children_of(user.pid), "a command to run")
    user.stop()
    user.until(lambda: not children_of(user.pid), "the command to be gone")


def _queue(user: User, at: int) -> None:
    user.send(f"slow {at}")
    user.say(f"think {at}")
    user.until(lambda: user.waiting == 1, "a message to wait")
    user.type(f"tale {at}")
    user.pump(0.05)
    user.type(_LATER)
    user.until(lambda: user.waiting == 2, "two messages to wait")
    user.stop()
    user.command("send_waiting")
    user.until(lambda: not user.waiting and not user.running, "what waited to be answered")


def _steer(user: User, at: int) -> None:
    turns = user.turns
    user.send(f"tools {at}")
    user.say(f"think {at}")
    user.until(lambda: user.turns > turns + 1 and not user.running, "both to be answered")


def _resize_beside_a_stream(user: User, at: int) -> None:
    user.send(f"long {at}")
    for columns, rows in _SIZES:
        user.resize(columns, rows)
        user.pump(0.08)
    user.done()


def _trouble(user: User, at: int) -> None:
    user.ask(f"busy {at}")
    user.ask(f"cut {at}")


def _other_models(user: User, at: int) -> None:
    for step in range(2):
        user.choose(_MODELS[(at // 2 + step) % len(_MODELS)])
        user.ask(f"tools {at + step}")


def _look_around(user: User, at: int) -> None:
    for key in _SCREENS:
        user.look_at(key)
    before = user.deeds["find"]
    user.type(_CTRL["f"])
    user.until(lambda: user.deeds["find"] > before, "what is sought to be asked for")
    user.pump(0.1)
    user.type(f"answer {at}\r")
    user.pump(0.1)
    user.escape()
    user.ask(f"think {at}")


def _unfold(user: User, at: int) -> None:
    user.ask(f"shell {at}")
    for _ in range(4):  # step by step upwards, each opened and closed
        for key in (_STEP_UP, "\r", "\r"):
            user.type(key)
            user.pump(0.04)
    user.escape()


def _ask_again(user: User, at: int) -> None:
    turns = user.turns
    user.command("retry")
    user.until(lambda: user.turns > turns and not user.running, "an answer")


def _own_command(user: User, at: int) -> None:
    user.say("!echo mine")
    user.pump(0.2)
    user.until(lambda: not children_of(user.pid), "a command of one's own to end")
    user.ask(f"tale {at}")


def _compact(user: User, at: int) -> None:
    turns = user.turns
    user.command("compact")
    user.until(lambda: user.turns > turns and not user.running, "a summary")
    user.ask(f"think {at}")


_ACTS: tuple[Callable[[User, int], None], ...] = (
    _talk,
    _scroll_beside_a_stream,
    _stop_a_stream,
    _stop_what_has_only_begun,
    _stop_a_command,
    _talk,
    _queue,
    _steer,
    _resize_beside_a_stream,
    _trouble,
    _other_models,
    _look_around,
    _talk,
    _unfold,
    _ask_again,
    _own_command,
    _compact,
)
