"""An hour's work in a trusted repository: few questions, each understood, every edit undone."""

from __future__ import annotations

import subprocess
from pathlib import Path

from chatterm.permissions.opening import Ground
from chatterm.talking.undoing import Edits
from chatterm.tui.steps.call import CallItem
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

_WORK = r"""
call list_files: {"path": "."}
call read_file: {"path": "calc.py"}
call search: {"pattern": "def ", "path": "."}
round
call shell: {"command": "git status --short && git log --oneline -3"}
round
call edit_file: {"path": "calc.py", "old": "a - b", "new": "a + b"}
round
call shell: {"command": "python3 -m pytest -q"}
round
call edit_file: {"path": "calc.py", "old": "return a + b", "new": "return a + b  # sum"}
call write_file: {"path": "test_more.py", "content": "def test_more():\n    assert True\n"}
round
call shell: {"command": "python3 -m pytest -q"}
call shell: {"command": "git diff --stat"}
call shell: {"command": "grep -rn sum calc.py | head -5; wc -l calc.py"}
round
call shell: {"command": "git add calc.py test_more.py"}
call shell: {"command": "git commit -q -m 'Add, not subtract'"}
round
call edit_file: {"path": "calc.py", "old": "  # sum", "new": ""}
call shell: {"command": "python3 -m pytest -q"}
call shell: {"command": "git status --short"}
round
text: The sum is a sum now.
"""


def repository(work: Path) -> None:
    """A small repository with a bug and a test."""
    (work / ".git").rmdir()
    (work / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (work / "test_calc.py").write_text(
        "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    )

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=work, check=True, capture_output=True)

    git("init", "-q")
    git("config", "user.name", "somebody")
    git("config", "user.email", "somebody@example.org")
    git("add", ".")
    git("commit", "-qm", "begin")


async def answers(app: Driver) -> list[str]:
    """Answer each question with the widest yes on offer; what was asked."""
    asked: list[str] = []
    while app.chat.talk.running:
        await app.until(lambda: app.chat.asking.open or not app.chat.talk.running)
        if not app.chat.asking.open:
            break
        app.chat.asking.forget_grace()
        item = app.chat.asking.item
        assert item is not None
        asked.append(item.question.summary)
        keys = {choice.key for choice in item.choices}
        before = len(asked)
        await app.press("a" if "a" in keys else "y")
        if app.chat.asking.open and item.rules:
            await app.press("p")
        await app.until(
            lambda item=item: app.chat.asking.item is not item or not app.chat.talk.running
        )
        assert before == len(asked)
    return asked


async def test_an_hours_work_asks_three_times_at_most(place: Place) -> None:
    repository(place.work)
    place.configure(_WORK)
    ground = Ground.of(place.work)
    ground.memory.trust(place.work)
    async with place.app(mode="accept-edits") as app:
        await app.send("make the tests pass, and commit")
        asked = await answers(app)
        await app.idle()
        assert app.says("The sum is a sum now.")
        assert len(asked) <= 3, asked
        calls = [item for item in app.chat.pane.items if isinstance(item, CallItem)]
        assert all(call.result is not None and call.result.ok for call in calls), [
            (call.call.name, call.result and call.result.content)
            for call in calls
            if call.result is None or not call.result.ok
        ]
        edits = [call for call in calls if call.result is not None and call.result.edits]
        for undone in range(len(edits)):
            app.chat.do("undo")
            await app.until(
                lambda undone=undone: sum(call.edits is Edits.UNDONE for call in edits) > undone
            )
        assert (place.work / "calc.py").read_text() == "def add(a, b):\n    return a - b\n"
        assert not (place.work / "test_more.py").exists()
