"""Everything that can be done, done: with a conversation, and with none."""

from __future__ import annotations

import pytest
from textual.screen import ModalScreen

from chatterm.tui.deeds.every import TYPED
from tui.app_driver import Place, place

__all__ = ["place"]

_ELSEWHERE = {"quit", "suspend", "editor", "open_editor", "demo"}  # these leave, or take long
_SCRIPT = """
think: hm
text:
  Hello.

  ```sh
  ls
  ```
usage input=1 output=2
"""


@pytest.mark.parametrize("begun", [True, False])
async def test_no_command_breaks_the_app(place: Place, begun: bool) -> None:
    place.configure(_SCRIPT)
    async with place.app() as app:
        for deed in TYPED if begun else TYPED[::3]:  # most of them say that there is nothing
            if deed.name in _ELSEWHERE:
                continue
            if begun and not app.chat.talk.session.turns:
                await app.ask("hi")
            await app.send(f"/{deed.slash}")
            await app.pilot.pause(0.1)
            for _ in range(4):
                if app.app.screen is not app.chat or app.chat.pane.has_focus:
                    await app.press("escape")
            assert not isinstance(app.app.screen, ModalScreen), deed.name
            app.chat.bottom.end_line(None)
            app.chat.prompt.take()
            app.chat.editing = None
            await app.idle()
            assert not app.says("an error inside chatterm"), deed.name
            assert app.app.is_running
            if not begun:
                await app.chat.begin_anew()
