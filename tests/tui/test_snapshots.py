"""What the screen looks like in each of the app's main states."""

from __future__ import annotations

import pytest

from tui.scenes import SCENES
from tui.snapshots import DIRECTORY, check, check_svg, snapshot
from tui.stage import Theatre, theatre

__all__ = ["theatre"]

REMEMBERED = (
    ("a1b2c3d4e5f60718", "Tests for the wire format", "2025-12-30T09:12:00.000Z"),
    ("0f9e8d7c6b5a4938", "Why is the start slow?", "2025-12-31T16:40:00.000Z"),
    ("ab12cd34ef567890", "Parser drops the last event", "2025-12-31T18:05:00.000Z"),
)


@pytest.mark.parametrize("name", SCENES)
async def test_a_state_looks_as_it_did(theatre: Theatre, name: str) -> None:
    scene = SCENES[name]
    await theatre.remember(*REMEMBERED)
    async with theatre.play(scene.size, scene.theme, plain=scene.plain) as stage:
        await stage.until(lambda: stage.chat.talk.tooling is not None)
        await scene.play(stage)
        await stage.settle()
        check(name, snapshot(stage.app, rows=scene.rows))
        check_svg(stage.app.export_screenshot())


def test_no_snapshot_is_left_of_a_state_that_is_gone() -> None:
    assert {path.stem for path in DIRECTORY.glob("*.txt")} == set(SCENES)
