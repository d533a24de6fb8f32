"""The app: it holds the theme and the screen of the conversation, and nothing else."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import App
from textual.color import Color
from textual.driver import Driver
from textual.filter import LineFilter

from chatterm.errors import ChattermError
from chatterm.tui.chat import Chat
from chatterm.tui.driver import TerminalDriver
from chatterm.tui.few_colours import suited, use_nearest_colours
from chatterm.tui.keys import keymap, prompt_keys
from chatterm.tui.more_keys import teach
from chatterm.tui.pane.scroll_bar import paint_bars
from chatterm.tui.setting import Setting
from chatterm.tui.signals import on_ending
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.signs import ASCII
from chatterm.tui.sturdy import Sturdy, Unexpected, cause_of, make_sturdy

if TYPE_CHECKING:
    from textual.screen import Screen

    from chatterm.config import Config
    from chatterm.talking.options import AppOptions
    from chatterm.tui.prompt.prompt import Prompt
    from chatterm.tui.theme import Theme

log = logging.getLogger(__name__)


# What counts as printable, is never seen, and can carry a message all the same.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\U000e0100-\U000e01ef]"  # fillers, selectors
)


class _LastDefence(LineFilter):
    """No control character reaches the terminal, whatever a widget shows."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Segments without control characters; the widths stay."""
        if all(_is_fine(text) for text, _, control in segments if not control):
            return segments
        return [
            segment if segment.control or _is_fine(segment.text) else _clean(segment)
            for segment in segments
        ]


def _is_fine(text: str) -> bool:
    return text.isprintable() and (text.isascii() or not _UNSEEN.search(text))


def _clean(segment: Segment) -> Segment:
    from chatterm.render.lines import cells
    from chatterm.render.sanitize import sanitize_line

    text = "".join(
        each if _is_fine(each) or sanitize_line(each) == each else "\ufffd" if cells(each) else ""
        for each in segment.text
    )
    lost = cells(segment.text) - cells(text)
    return Segment(text + " " * max(0, lost), segment.style or Style.null())


class ChattermApp(Sturdy, App[Any]):
    """The interactive program.

    Args:
        options: What was asked for.
        config: The configuration.
        theme: The colours.
        looks: How steps are shown.
        typed: What was typed before it was there.

    Attributes:
        ended_by: The signal that told it to end, if one did.
        unexpected: The errors that were told because nobody expected them.
        terminal_is_dark: Whether the terminal's background is; None where it doesn't tell.
        trouble: What went wrong before it was there, and is told in it.
    """

    ENABLE_COMMAND_PALETTE = False
    TITLE = "chatterm"

    def __init__(
        self, options: AppOptions, config: Config, theme: Theme, looks: Looks, typed: str = ""
    ) -> None:
        teach()
        use_nearest_colours()
        self._begun = False
        make_sturdy()
        self._our_theme = theme  # style sheets are made by what comes next
        super().__init__(ansi_color=theme.ansi or not theme.coloured)
        self._our_theme = theme = suited(theme, self.console)
        self._last_defence = _LastDefence()
        self.unexpected = Unexpected()
        self.terminal_is_dark: bool | None = None
        self.trouble: ChattermError | None = None
        self.config = config
        self.ended_by: int | None = None
        self.keys_in_use = keymap(config.ui.keys)
        self.set_keymap(self.keys_in_use)
        paint_bars(whole_cells=looks.signs is ASCII)
        self.chat = Chat(options, config, Setting(looks, theme.palette()), typed)
        self.chat.bottom.teach(self._teach_keys)
        self._begin_with(theme)
        self.animation_level = "none"

    def _teach_keys(self, prompt: Prompt) -> None:
        keys = self.config.ui.keys
        prompt.send_keys = prompt_keys(keys, "send")
        prompt.newline_keys = prompt_keys(keys, "newline")
        prompt.later_keys = prompt_keys(keys, "send_later")

    def _begin_with(self, theme: Theme) -> None:
        """Have the first frame's theme: no style sheet is parsed for another one before."""
        self.register_theme(theme.textual())
        self.set_reactive(App.theme, theme.name)
        classes = {f"-theme-{theme.name}": True, "-dark-mode": theme.dark}
        self.update_classes(classes | {"-light-mode": not theme.dark}, update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self._begun = True
        self.stylesheet.set_variables(self.get_css_variables())

    def get_css_variables(self) -> dict[str, str]:
        """What the theme gives style sheets; nothing as long as none is chosen."""
        return super().get_css_variables() if self._begun else {}

    def get_driver_class(self) -> type[Driver]:
        """Our own driver."""
        return TerminalDriver

    def get_default_screen(self) -> Screen[Any]:
        """The conversation."""
        return self.chat

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What style sheets may name, whichever theme is in use."""
        return self._our_theme.variables()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The last defence comes after all others."""
        return [*super().get_line_filters(), self._last_defence]

    @property
    def worn(self) -> Theme:
        """The theme in use."""
        return self._our_theme

    def use_theme(self, theme: Theme) -> None:
        """Look different from now on."""
        self._our_theme = theme = suited(theme, self.console)
        self.register_theme(theme.textual())
        self.theme = theme.name
        self.chat.set_palette(theme.palette())

    def on_mount(self) -> None:
        """Leave in order when the system wants it, too: the terminal may outlive the app."""
        if not self.is_headless:
            on_ending(self._told_to_end)
        if self.trouble is not None:
            self.chat.call_after_refresh(self.chat.on_trouble, self.trouble)

    def _told_to_end(self, number: int) -> None:
        self.ended_by = number
        self.chat.leave()

    def watch_app_focus(self, focus: bool) -> None:
        """Begin where a screen begins, where it came up while the window wasn't in front."""
        screen = self.screen
        if focus and screen.focused is None:
            for widget in screen.query(screen.AUTO_FOCUS or "*"):
                if widget.focusable:
                    screen.set_focus(widget, scroll_visible=False)
                    break

    @on(Driver.SignalResume)
    def repaint(self) -> None:
        """Paint everything anew: `fg` has brought the app back to a screen that is empty."""
        self.screen.refresh(layout=True)

    async def action_quit(self) -> None:
        """Leave without losing anything."""
        self.chat.leave()

    def _handle_exception(self, error: Exception) -> None:
        """What nobody expected: it is logged and told, and the conversation stays usable."""
        cause = cause_of(error)
        if not self.unexpected.is_new(cause):
            return
        log.error("unexpected error in the app", exc_info=cause)
        if not self.chat.is_mounted:
            super()._handle_exception(error)
            return
        from chatterm.config import log_dir

        told = ChattermError(
            f"an error inside chatterm: {type(cause).__name__}: {cause}",
            hint=f"the details are in {log_dir() / 'chatterm.log'}; please report it",
        )
        try:
            self.chat.on_trouble(told)
        except Exception:
            log.exception("that can't be shown, either")
