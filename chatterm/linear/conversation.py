"""The conversation: a line is asked for, what it says is done, and so on until one leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chatterm.agent.queue import When
from chatterm.errors import ChattermError
from chatterm.linear.backstage import Backstage
from chatterm.linear.permission import Asking
from chatterm.linear.telling import Tastes, Turns, tell_message, unfolded
from chatterm.linear.terminal import Terminal
from chatterm.linear.told import Ended, Signals
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import UserInput
from chatterm.talking.drafts import Drafts
from chatterm.talking.guiding import said_of_dropped
from chatterm.talking.messages import message_of
from chatterm.talking.past_prompts import PromptHistory
from chatterm.talking.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from chatterm.agent.questions import Question, Reply
    from chatterm.config import Config
    from chatterm.events import Event
    from chatterm.store import RecordedTurn
    from chatterm.talking.options import AppOptions
    from chatterm.talking.templates import Made, Templates

T = TypeVar("T")

PROMPT = "you: "
_MORE = "more: "
_BLOCK = '"""'
_TWICE_S = 2.0
_SHOWN_TURNS = 2
"""How many turns of a conversation that is gone on with are told by themselves."""
_REMEMBERED = 500
"""How many earlier prompts can be had again with Up."""


class Conversation:
    """Talks with the user, line by line.

    Args:
        options: What was asked for.
        config: The configuration.
        terminal: Where.
        signals: Tells what is told from outside.

    Attributes:
        talk: The conversation behind it.
        stage: Runs it.
        tastes: What is told beside the answers.
        drafts: What wasn't sent, kept.
        filled: What stands in the next line already.
        draft: What the editor begins with.
        editing: The turn whose message is being edited, to be sent anew.
        along: Text that goes with the next message.
        own_output: What the user's last own command wrote.
        undone: The calls, by their ids, whose edits were taken back here.
        leaving: The user has had enough.
    """

    def __init__(
        self, options: AppOptions, config: Config, terminal: Terminal, signals: Signals
    ) -> None:
        self.terminal = terminal
        self.signals = signals
        self.options = options
        self.tastes = Tastes()
        self.turns = Turns(terminal, self.tastes)
        self.past = PromptHistory(_data_dir() / "prompts.jsonl", str(Path.cwd()))
        self.drafts = Drafts(_data_dir() / "drafts")
        self.filled = ""
        self.draft = ""
        self.editing: str | None = None
        self.along = ""
        self.own_output = ""
        self.undone: set[str] = set()
        self.leaving = False
        self._asking = Asking(terminal)
        self._interrupted_at = -_TWICE_S
        self.stage = Backstage(self)
        self.talk = Talk(options, config, self.stage)

    @cached_property
    def templates(self) -> Templates:
        """The templates there are."""
        from chatterm.linear.commands import BY_NAME
        from chatterm.talking.templates import Templates

        return Templates(self.talk, BY_NAME)

    # --- from beginning to end ---

    def run(self) -> None:
        """Talk until the user leaves, or the process is told to end.

        Raises:
            ChattermError: What was asked for on the command line can't be had.
        """
        from chatterm.linear.coming import begin, leave

        self.signals.listen(self._stop)
        try:
            begin(self)
            while not self.leaving and self.signals.ended_by is None and not self.terminal.gone:
                self._go_round()
        except Ended:
            pass
        finally:
            leave(self)

    def remember_prompts(self) -> None:
        """Have Up bring back what was sent before."""
        for text in reversed(self.past.search("")[:_REMEMBERED]):
            self.terminal.remember(text)

    def _go_round(self) -> None:
        """Ask for a message or a command, and do what it says."""
        self.stage.make_calls()
        self._tell_branch()
        try:
            typed = self._typed()
        except KeyboardInterrupt:
            self._interrupted()
            return
        if typed is None:
            self.leaving = True
            return
        text, mentions = typed
        self.attempt(lambda: self.obey(text, mentions))

    def attempt(self, deed: Callable[[], None]) -> None:
        """Do something; what goes wrong is told, and the conversation goes on."""
        try:
            deed()
        except KeyboardInterrupt:
            self.terminal.say("given up")
        except ChattermError as error:
            self.trouble(error)
        except Exception as error:  # noqa: BLE001 - the edge: the conversation stays usable
            self._unexpected(error)

    def _interrupted(self) -> None:
        if self.editing is not None:
            self.editing, self.filled = None, ""
            self.terminal.say("The message stays as it was.")
        elif time.monotonic() - self._interrupted_at < _TWICE_S:
            self.leaving = True
        else:
            self._interrupted_at = time.monotonic()
            self.terminal.say("Ctrl+C again, Ctrl+D or /quit leaves.")

    def _unexpected(self, error: Exception) -> None:
        import logging

        from chatterm.talking.under_way import unexpected

        logging.getLogger(__name__).error("something typed failed", exc_info=error)
        self.trouble(unexpected(error))

    def _stop(self) -> None:
        """A signal came while the user wasn't waited for."""
        if not self.stage.give_up():
            self.stage.soon(self.talk.interrupt)

    def _tell_branch(self) -> None:
        session = self.talk.session
        if session.branched:
            session.branched = False
            self.terminal.say(
                "notice: another chatterm went on with this conversation: here is a branch "
                "beside it; /branches lists them"
            )

    # --- what is typed ---

    def _typed(self) -> tuple[str, bool] | None:
        """What the user typed, and whether files that it mentions are meant; None at the end."""
        filled, self.filled = self.filled, ""
        first = self.terminal.read(PROMPT, filled)
        if first is None:
            return None
        if first.strip() == _BLOCK:
            return self._block()
        lines = [first]
        while lines[-1].endswith("\\") and not lines[-1].endswith("\\\\"):
            lines[-1] = lines[-1][:-1]
            line = self.terminal.read(_MORE)
            if line is None:
                break
            lines.append(line)
        if first.startswith(("/", "!")):
            return first, True
        came = self.terminal.came_along()
        if not came:
            return "\n".join(lines), True
        return self._pasted([*lines, *came])

    def _block(self) -> tuple[str, bool]:
        """All lines up to the one that ends the block."""
        lines: list[str] = []
        while (line := self.terminal.read(_MORE)) is not None and line.strip() != _BLOCK:
            lines.append(line)
        return "\n".join(lines), True

    def _pasted(self, lines: list[str]) -> tuple[str, bool]:
        """Lines that came at once are one message; an Enter of the user's own sends it."""
        self.terminal.say(f"{len(lines)} lines came at once: one message, Enter sends it.")
        last = self.terminal.read(_MORE)
        return "\n".join([*lines, last] if last else lines), False

    def obey(self, text: str, mentions: bool = True) -> None:  # noqa: FBT002
        """Do what a text says: a command, a command of the shell, or a message.

        Args:
            text: The text.
            mentions: Files that it mentions go along.
        """
        from chatterm.linear import commands

        if not text.strip():
            return
        self.keep_prompt(text)
        command = text.strip()
        named = commands.command_in(command)
        if named is not None:
            named[0].run(self, named[1])
        elif command.startswith("!") and len(command) > 1:
            from chatterm.linear.own import run_typed

            run_typed(self, command[1:])
        else:
            self.say_to_model(text, mentions=mentions)

    def keep_prompt(self, text: str) -> None:
        """Have Up, and a search, bring a text back."""
        self.past.add(text)
        self.terminal.remember(text)

    # --- messages and turns ---

    def say_to_model(self, text: str, *, mentions: bool = True) -> None:
        """Send a message, or what a template makes of a text, and tell the turn that answers it."""
        found = self._message(text, text if mentions else "")
        if found is None:
            return
        made, message = found
        if self.along:
            message = UserInput(f"{self.along}\n{message.text}", message.attachments)
            self.along = ""
        if self.editing is not None:
            from chatterm.linear.branching import step_back

            turn, self.editing = self.editing, None
            step_back(self, turn)
        self._limit(message, made)
        if made.text != text:  # the user hasn't seen it yet
            self.follow(lambda: self.talk.send(message))
            return
        for each in message.attachments:
            self.terminal.say(f"attached: {sanitize_line(each.name)}")
        self.send(message)

    def _message(self, text: str, typed: str) -> tuple[Made, UserInput] | None:
        """The message of a text, with the files that what was typed of it mentions."""
        from chatterm.linear.guiding import made as made_of

        made = made_of(self, text, typed)
        if made is None:
            return None
        message, problems = self.wait(message_of(self.talk, made.text, made.typed))
        for problem in problems:
            self.terminal.say(f"notice: {problem}")
        return made, message

    def _limit(self, message: UserInput, made: Made) -> None:
        if made.tools is not None:
            self.stage.do(self.talk.guiding.limit, message, made.tools)

    def send(self, message: UserInput) -> None:
        """Send a message that the user sees above already, and tell the turn."""
        self.turns.typed = message
        self.follow(lambda: self.talk.send(message))

    def follow(self, begin: Callable[[], object]) -> None:
        """Begin a turn, and tell what happens until no turn is under way any more."""
        self.turns.count_anew()
        self.stage.do(begin)
        reads = [0]
        while self.talk.running or self.stage.do(lambda: self.talk.running):
            self.stage.make_calls()
            if self.stage.wait(1.0, *reads):
                lines = self.terminal.typed_meanwhile()
                if lines is None or self.terminal.gone:
                    reads.clear()
                for line in lines or ():
                    self._typed_meanwhile(line)
            self.turns.wait_told()
        self.stage.make_calls()
        waiting = len(self.talk.waiting)
        if waiting:
            self.terminal.say(f"messages waiting: {waiting}; /send-waiting sends them")

    def _typed_meanwhile(self, line: str) -> None:
        """A line came while a turn is under way: a message waits for the round's end."""
        from chatterm.linear import commands

        text, when = line.strip(), When.ROUND
        if not text:
            return
        named = commands.command_in(text)
        if named is not None:
            command, given = named
            if command.name != "queue" or not given:
                self.terminal.say("notice: Ctrl+C stops the turn; then commands are taken again")
                return
            text, when = given, When.TURN
        self.keep_prompt(text)
        self.stage.post(lambda: self._enqueue(text, when))

    def _enqueue(self, text: str, when: When) -> None:
        found = self._message(text, text)
        if found is None:
            return
        made, message = found
        self._limit(message, made)

        def add() -> bool:
            running = self.talk.running
            self.talk.enqueue(message, when) if running else self.talk.send(message)
            return running

        if self.stage.do(add):
            end = "round's" if when is When.ROUND else "turn's"
            self.terminal.say(f"waiting: your message goes at the {end} end")

    def wait(self, work: Coroutine[Any, Any, T], **options: Any) -> T:
        """Have something done in the background, and wait for it."""
        return self.stage.run(work, **options)

    # --- telling and asking ---

    def fill(self, text: str) -> None:
        """Have a text stand in the next line, where it can."""
        if self.terminal.can_fill(text):
            self.filled = text

    def say(self, text: str) -> None:
        """Say something in lines; it is sanitised."""
        self.terminal.say(sanitize(text))

    def tell(self, text: str) -> None:
        """Say one line, however long: what holds a path isn't broken."""
        self.terminal.exact(sanitize_line(text))

    def choose(self, options: Sequence[str], what: str) -> int | None:
        """Have the user choose one of several, which are numbered.

        Returns:
            Which one, from 0; None where none was.
        """
        for number, option in enumerate(options, start=1):
            self.terminal.exact(f"{number}: {sanitize_line(option)}")
        while True:
            answer = (self.terminal.read(f"{what}, Enter is none: ") or "").strip()
            if not answer:
                return None
            if answer.isdecimal() and 1 <= int(answer) <= len(options):
                return int(answer) - 1
            self.terminal.say(f"Give a number, 1 to {len(options)}.")

    def agree(self, question: str) -> bool:
        """Ask for a yes; everything else is a no."""
        answer = self.terminal.ask(f"{sanitize_line(question)} y or n, Enter is no: ")
        return (answer or "").strip().lower() in {"y", "yes"}

    def tell_recorded(self, recorded: Sequence[RecordedTurn], most: int = _SHOWN_TURNS) -> None:
        """Tell the last turns of a conversation as they were told when they came."""
        shown = recorded[-most:] if most else recorded
        if len(shown) < len(recorded) or (shown and shown[0].parent is not None):
            self.terminal.say("There are earlier turns; /read all tells them.")
        for turn in shown:
            for event in unfolded(turn.events):
                self.turns.event(event)

    # --- as the front of the stage ---

    def show(self, event: Event) -> None:
        """An event of the conversation."""
        self.turns.event(event)

    def trouble(self, error: ChattermError) -> None:
        """Something can't be done."""
        self.say(f"error: {error.message}")
        if error.hint:
            self.say(f"hint: {error.hint}")

    def unsent(self, message: UserInput) -> None:
        """A message wasn't sent: Up brings it back, and it is told."""
        self.terminal.remember(message.text)
        self.past.add(message.text)
        self.terminal.say("notice: this wasn't sent; Up, or /search-history, brings it back:")
        tell_message(self.terminal, message)

    def dropped(self, commands: tuple[str, ...]) -> None:
        """Commands of the conversation that was left hold no more: Up brings them back."""
        for command in reversed(commands):
            self.keep_prompt(command)
        self.say(f"notice: {said_of_dropped(commands)}")

    def answer(self, question: Question) -> Reply:
        """Ask the user about a call."""
        self.turns.hush()
        try:
            return self._asking.ask(question)
        finally:
            self.turns.count_anew()


def _data_dir() -> Path:
    from chatterm.config import data_dir

    return data_dir()
