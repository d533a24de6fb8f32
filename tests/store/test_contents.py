"""Attachments are kept apart from the log, and have their content again when they are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.errors import StoreError
from chatterm.steps import Attachment, Status, ToolResultStep, Turn, UserInput
from chatterm.store import Store
from chatterm.store.contents import with_content


@pytest.mark.parametrize("kept", [True, False])
def test_a_result_has_its_picture_again_as_long_as_it_is_kept(tmp_path: Path, kept: bool) -> None:
    store = Store.open(tmp_path)
    digest = store.put_blob(b"picture") if kept else "00" * 32
    picture = Attachment("p.png", "image/png", 7, digest)
    step = ToolResultStep(id="t.0", index=0, round=0, status=Status.DONE, attachments=(picture,))
    turn = with_content(Turn("t", UserInput("look"), "p/m", (step,)), store)
    store.close()
    found = turn.steps[0]
    assert isinstance(found, ToolResultStep)
    assert found.attachments is not None
    assert found.attachments[0].data == (b"picture" if kept else None)


def test_what_the_user_sent_has_to_be_there(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    missing = Attachment("p.png", "image/png", 7, "00" * 32)
    with pytest.raises(StoreError):
        with_content(Turn("t", UserInput("look", (missing,)), "p/m"), store)
    store.close()
