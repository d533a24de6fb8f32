"""The screen of a conversation: it holds the parts together and does nothing itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual._styles_cache import StylesCache
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from chatterm.errors import ChattermError
from chatterm.render import amounts
from chatterm.talking.talk import Talk
from chatterm.tui.at_prompt import AtPrompt
from chatterm.tui.bottom import Bottom, Suggestions
from chatterm.tui.chat_pane import ChatPane, bindings
from chatterm.tui.deeds.every import BY_NAME
from chatterm.tui.greeting import greet, tell_whether_a_model_is_set_up
from chatterm.tui.keys_in_order import caught_up
from chatterm.tui.late_parts import LateParts
from chatterm.tui.pane.conversation_pane import ConversationPane
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.palette import Palette
from chatterm.tui.pane.reading import ReadingPane
from chatterm.tui.prompt.prompt import Prompt
from chatterm.tui.queue_view import QueueView
from chatterm.tui.setting import Setting
from chatterm.tui.status import StatusRow
from chatterm.tui.telling import Telling
from chatterm.tui.ticking import Ticking

if TYPE_CHECKING:
    from functools import partial
    from pathlib import Path

    from chatterm.agent.questions import Question, Reply
    from chatterm.agent.queue import When
    from chatterm.config import Config
    from chatterm.events import Event
    from chatterm.steps import Attachment, UserInput
    from chatterm.store import RecordedTurn
    from chatterm.talking.options import AppOptions
    from chatterm.tui.asking import Asking
    from chatterm.tui.demoing import Demo
    from chatterm.tui.early import Early
    from chatterm.tui.found_place import WantedHit
    from chatterm.tui.notifying import Notifier
    from chatterm.tui.profiling import Profile
    from chatterm.tui.side import TimelineSide
    from chatterm.tui.welcome import WelcomeItem

log = logging.getLogger(__name__)


class Chat(LateParts, Screen[None]):
    """A conversation on the screen.

    Attributes:
        talk: The conversation behind it.
        pane: Shows it.
        editing: The turn whose message is being edited, to be sent anew.
        wanted_place: Where one read before, until it is shown.
        wanted_hit: What a search found, until it is shown.
        all_shown: Whether the conversation is shown from its beginning.
        carried: What goes with the next message beside what it mentions.
        demo: The demo that was played last, until it is left.
        skipped: Is told of the next key, which does nothing else.
        own_running: What stops each of the user's own commands that run, the newest last.
        undone: The calls, by their items' keys, whose edits were taken back here.
        escaped_at: When Esc was pressed with nothing to leave.
        armed_at: When Ctrl+C was pressed with nothing to stop; 0 when that counts no more.
    """

    DEFAULT_CSS = """
    Chat { background: $background; layout: vertical; }
    Chat #middle { height: 1fr; }
    Chat #side { width: 64; height: 1fr; padding: 1 1 0 2; }
    Chat.-tall #middle { margin-bottom: 1; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 - textual's own way
    BINDINGS: ClassVar[list[BindingType]] = bindings(reading=False)
    AUTO_FOCUS = "#prompt"

    def __init__(self, options: AppOptions, config: Config, setting: Setting, typed: str) -> None:
        super().__init__()
        self.asker: Asking | None = None
        self.options = options
        self.setting = setting
        self.palette = setting.palette
        signs = setting.looks.signs
        self.pane = ChatPane(self.palette, id="pane")
        self.pane.limit_frames(config.ui.fps)
        self.talk = Talk(options, config, self)
        self.suggestions = Suggestions(self.palette)
        self.queue_view = QueueView(self.palette)
        self.bottom = Bottom(signs.prompt, self.palette)
        self.status = StatusRow(self.palette)
        self.status.dot = signs.dot
        self.telling = Telling(self)
        self.ticking = Ticking(self)
        self.at_prompt = AtPrompt(self)
        self.welcome: WelcomeItem | None = None
        self.notifier: Notifier | None = None
        self.profile: Profile | None = None
        self.side: TimelineSide | None = None
        self.editing: str | None = None
        self.leaving = False
        self.wanted_place: tuple[str, int] | None = None
        self.wanted_hit: WantedHit | None = None
        self.all_shown = True
        self.carried: tuple[Attachment, ...] = ()
        self.escaped_at = self.armed_at = 0.0
        self.demo: Demo | None = None
        self.skipped: Callable[[], None] | None = None
        self._typed = typed
        self._early: Early | None = None
        self._troubles = 0
        self.undone: set[str] = set()
        self.own_commands = 0
        self.own_running: list[asyncio.Event] = []

    def compose(self) -> ComposeResult:
        """The pane, what waits, the prompt, the status."""
        self._update_timer.resume()  # Textual paints at its ticks: the first needn't be waited for
        with Horizontal(id="middle"):
            yield self.pane
        yield self.queue_view
        yield self.suggestions
        yield self.bottom
        yield self.status
        if self.options.debug:
            from chatterm.tui.profiling import Gauge, Profile

            self.profile = Profile()
            self.pane.measure(self.profile.took)
            yield Gauge(self.profile)

    # --- beginning and ending ---

    def on_mount(self) -> None:
        """Show something at once; open what else is needed after that."""
        self.prompt.taking = self.at_prompt.takes
        self.bottom.teach(lambda prompt: setattr(prompt, "sent", self.at_prompt.sent))
        if self._typed:
            self.prompt.insert_at_cursor(self._typed)
        if self.options.pick or self.options.set_up:
            from chatterm.tui.early import Early

            self._early = Early(self)
        if not (self.options.go_on or self.options.resume or self.options.set_up):
            greet(self)
        self.telling.refresh()
        self.watch(self.pane, "scroll_y", self.look, init=False)
        self.watch(self.app, "app_focus", self._focused, init=False)
        self.app.app_resume_signal.subscribe(self, lambda _app: self.on_screen_resume())
        self.call_after_refresh(lambda: self.run_worker(self._open(), exclusive=False))

    async def _open(self) -> None:
        from chatterm.tui.loading import open_all

        await open_all(self, self._early)

    async def show_recorded(self, recorded: Sequence[RecordedTurn]) -> None:
        """Show a conversation from its end; what was before it comes by and by."""
        from chatterm.tui.showing import show_recorded

        await show_recorded(self, recorded)

    def leave(self, said: str = "") -> None:
        """Quit: stop what runs, keep what is typed, and leave a few words on the terminal."""
        from chatterm.tui.leaving import leave

        if not self.leaving:
            self.leaving = True
            self.run_worker(leave(self, said), group="leaving")

    def look(self) -> None:
        """Something else of what is asked may be on the screen, or other keys may answer it."""
        if self.asker is not None:
            self.asker.look()
            self.asker.draft_changed()

    def on_screen_resume(self) -> None:
        """What lay above is gone: a question that stood below it has only come up now."""
        # By this Textual keeps the last thousand widgets' rows, those of closed screens, too.
        StylesCache.get_inner_outer.cache_clear()
        if self.asker is not None:
            self.asker.restart_grace()

    def _focused(self, focused: bool) -> None:
        """The terminal has the focus, or has lost it: what brought it back is no answer."""
        self.telling.looked_at(focused)
        if focused:
            self.on_screen_resume()

    def on_descendant_focus(self) -> None:
        """Other keys count now."""
        self.look()

    # --- what the parts need of each other ---

    @property
    def prompt(self) -> Prompt:
        """Where a message is written."""
        return self.bottom.prompt

    @property
    def field(self) -> Prompt:
        """Where something is written now."""
        return self.bottom.line if self.bottom.writing else self.bottom.prompt

    @property
    def writing_line(self) -> bool:
        """Whether something else than a message is written."""
        return self.bottom.writing

    @property
    def model_name(self) -> str:
        """`provider/model`; empty until it is known."""
        return self.talk.model_name

    @property
    def chosen_item(self) -> Item | None:
        """The item at the cursor; without one the last step."""
        if self.pane.cursor is not None:
            return self.pane.cursor
        steps = (item for item in reversed(self.pane.items) if hasattr(item, "copied"))
        return next((item for item in steps if getattr(item, "kind", "") != "end"), None)

    def keys_of(self, name: str) -> str:
        """The keys of a deed, as people read them."""
        from chatterm.tui.keys import shown_keys

        return shown_keys(self.app, name)

    def do(self, act: str) -> None:
        """Do what a name stands for; after a colon stands what it is given."""
        name, _, given = act.partition(":")
        deed = BY_NAME.get(name)
        if deed is None:
            self.say(f"there is no command /{name[:40]}; / alone lists them")
            return
        done = deed.run(self, given)
        if done is not None:
            self.begin(done)

    def begin(self, deed: Awaitable[None]) -> None:
        """Do something that takes its time; what goes wrong is shown."""
        self.run_worker(self._finish(deed), exclusive=False)

    def begin_again(self, group: str, work: partial[Coroutine[Any, Any, None]]) -> None:
        """Do something anew in the place of what was begun of its group before.

        It isn't given as what can be awaited: what was never begun would be left unawaited.
        """
        self.run_worker(cast("Any", work), group=group, exclusive=True)

    async def _finish(self, done: Any) -> None:
        try:
            await done
        except ChattermError as error:
            self.on_trouble(error)
        except Exception as error:  # at the edge: a deed that fails leaves the screen as it is
            log.exception("a deed failed")
            self.on_trouble(ChattermError(f"an error inside chatterm: {error}"))

    async def action_do(self, name: str) -> None:
        """A key was pressed, after what was typed before it."""
        await caught_up(self.field)
        if name != "interrupt":
            self.disarm()
        if self.skipped is not None:
            self.skipped()
        else:
            self.do(name)

    def say(self, text: str) -> None:
        """Say something for a moment."""
        self.telling.say(text)

    def arm(self, said: str, seconds: float) -> None:
        """Have the next Ctrl+C quit, if it comes in time and before any other key; say so."""
        self.armed_at = time.monotonic()
        self.telling.say(said, seconds)

    def disarm(self) -> None:
        """Another key was pressed: the next Ctrl+C doesn't quit."""
        if self.armed_at:
            self.armed_at = 0.0
            self.telling.say("")

    def copy(self, text: str) -> None:
        """Copy a text to the clipboard."""
        from chatterm.tui.clipboard import copy

        copy(self.app, text)
        lines = text.count("\n") + 1
        self.say(f"copied {lines:,} lines" if lines > 1 else "copied")

    def remember(self, text: str) -> None:
        """Have Up bring a text back."""
        if self.prompt.past is not None and text.strip():
            self.prompt.past.add(text)

    def back_to_prompt(self) -> None:
        """Leave the conversation for the prompt."""
        self.pane.set_cursor(None)
        self.pane.find("")
        self.field.focus()

    def write_line(
        self,
        label: str,
        text: str,
        done: Callable[[str | None], None],
        changed: Callable[[str], None] | None = None,
    ) -> None:
        """Have the user write something else than a message."""
        self.suggestions.hide()
        self.bottom.write_line(label, text, done, changed)

    def end_line(self, text: str | None) -> None:
        """It is written, or given up."""
        self.bottom.end_line(text)

    # --- keys, clicks, what is typed ---

    def on_prompt_typed(self) -> None:
        """Something was typed."""
        self.at_prompt.typed()

    def on_reading_pane_clicked(self, event: ReadingPane.Clicked) -> None:
        """A step was clicked."""
        from chatterm.tui.clicking import step_clicked

        step_clicked(self, event)

    def on_click(self, event: events.Click) -> None:
        """A part of the status row, or of the queue, was clicked."""
        from chatterm.tui.clicking import row_clicked

        row_clicked(self, event)

    def on_conversation_pane_moved(self, event: ConversationPane.Moved) -> None:
        """The end came into sight, or left it; or something new is below."""
        self.look()
        self.telling.moved(following=event.following, below=event.below)

    def on_resize(self, event: events.Resize) -> None:
        """The prompt leaves room for the conversation."""
        self.prompt.limit_rows(event.size.height // 3)
        if self.asker is not None:
            self.call_after_refresh(self.asker.resized)

    # --- what the conversation tells ---

    def on_session_event(self, event: Event) -> None:
        """Show what has happened; it is recorded already."""
        if self.profile is not None:
            self.profile.event()
        from chatterm.tui.following import show_event

        show_event(self, event)

    def on_trouble(self, error: ChattermError) -> None:
        """Show what can't be done."""
        from chatterm.tui.trouble import TroubleItem

        log.warning("%s (%s)", error.message, error.hint)
        self._troubles += 1
        self.pane.append(TroubleItem(f"trouble/{self._troubles}", self.setting.looks, error))
        if self.welcome is not None:  # that is read from its beginning
            self.pane.follow()

    def on_change(self) -> None:
        """The status, or the queue, has changed."""
        self.queue_view.show(self.talk.waiting, running=self.talk.running)
        self.telling.changed()
        tell_whether_a_model_is_set_up(self)

    async def ask(self, question: Question) -> Reply:
        """Ask the user about a call, under it."""
        return await self.desk.ask(question)

    # --- messages ---

    def send_message(self, message: UserInput, when: When | None = None) -> None:
        """Send a message now, or while a turn is under way at its round's or its own end."""
        from chatterm.agent.queue import When
        from chatterm.tui.moving import send

        send(self, message, when or When.ROUND)

    def on_unsent(self, message: UserInput) -> None:
        """A message wasn't sent, and is nowhere kept."""
        from chatterm.tui.moving import give_back

        give_back(self, message)

    def on_dropped(self, commands: tuple[str, ...]) -> None:
        """Commands hold no more."""
        from chatterm.tui.moving import tell_dropped

        tell_dropped(self, commands)

    async def resume(self, id_: str) -> None:
        """Go on with another conversation."""
        from chatterm.tui.moving import resume

        await resume(self, id_)

    async def begin_anew(self) -> None:
        """Begin another conversation."""
        from chatterm.tui.moving import begin_anew

        await begin_anew(self)

    def show_found(self, words: str, *, back: bool = False, beside: bool = False) -> None:
        """Show the next place where words stand."""
        number, count = self.pane.find(words, back=back, beside=beside)
        if words:
            self.say(f"{number:,} of {amounts.count(count, 'step')}" if count else "not found")

    async def show_text(self, title: str, text: str, *, prose: bool = False) -> None:
        """A text in full; prose has its words whole."""
        from chatterm.tui.screens.pager import Pager

        await self.app.push_screen_wait(Pager(self.palette, title, text, prose=prose))

    def set_palette(self, palette: Palette) -> None:
        """Look different from now on."""
        self.palette = self.setting.palette = palette
        for widget in (self.suggestions, self.queue_view, self.bottom.sign, self.status):
            widget.palette = palette
            widget.refresh()
        self.pane.palette = palette
        self.pane.repaint()

    @property
    def directory(self) -> Path:
        """Where commands run now."""
        return self.talk.directory
