"""The parts of the conversation's screen that its first frame waits for none of."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from chatterm.talking.drafts import Drafts
    from chatterm.talking.talk import Talk
    from chatterm.talking.templates import Templates
    from chatterm.tui.asking import Asking
    from chatterm.tui.branches import Branches
    from chatterm.tui.chat_pane import ChatPane
    from chatterm.tui.completing import Completing
    from chatterm.tui.desk import Desk
    from chatterm.tui.looking import LiveTurn
    from chatterm.tui.setting import Setting
    from chatterm.tui.transcript import Transcript
    from chatterm.tui.waiting import Waiting


class LateParts:
    """Loads each part when it is first needed.

    Attributes:
        talk: The conversation.
        pane: Shows it.
        setting: How the screen looks.
        asker: Asks about calls, once one was asked about.
    """

    talk: Talk
    pane: ChatPane
    setting: Setting
    asker: Asking | None

    @cached_property
    def transcript(self) -> Transcript:
        """Makes events into what the pane shows."""
        from chatterm.tui.transcript import Transcript

        return Transcript(self.pane, self.setting.looks)

    @cached_property
    def branches(self) -> Branches:
        """Tells which of several branches a message begins."""
        from chatterm.tui.branches import Branches

        return Branches(cast("Any", self))

    @cached_property
    def waiting(self) -> Waiting:
        """Says that an answer is waited for."""
        from chatterm.tui.waiting import Waiting

        return Waiting(cast("Any", self))

    @cached_property
    def live_turn(self) -> LiveTurn:
        """Where the time of the turn goes that ran last."""
        from chatterm.tui.looking import LiveTurn

        return LiveTurn(self.setting.looks.now)

    @cached_property
    def desk(self) -> Desk:
        """Where questions are asked."""
        from chatterm.tui.desk import Desk

        desk = Desk(cast("Any", self))
        self.asker = desk.asking
        return desk

    @property
    def asking(self) -> Asking:
        """Asks about calls."""
        return self.desk.asking

    @cached_property
    def drafts(self) -> Drafts:
        """What is typed and isn't sent yet, kept."""
        from chatterm.config import data_dir
        from chatterm.talking.drafts import Drafts

        return Drafts(data_dir() / "drafts")

    @cached_property
    def templates(self) -> Templates:
        """The templates there are."""
        from chatterm.talking.templates import Templates
        from chatterm.tui.deeds.every import BY_NAME

        return Templates(self.talk, BY_NAME)

    @cached_property
    def completing(self) -> Completing:
        """Completes what is typed."""
        from chatterm.tui.completing import Completing

        return Completing(cast("Any", self))
