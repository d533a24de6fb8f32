"""Temporary directories of commands: removed in the end, and by others when their process died."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from chatterm.tools.scratch import Scratch, clear_left

LONG_AGO = (1_000_000_000, 1_000_000_000)
DYING = """
import os, signal
from chatterm.tools.scratch import Scratch
scratch = Scratch()
(scratch.path / "tmp").mkdir()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def killed(temporary: Path) -> Path:
    """What a process left that was killed a while ago."""
    before = set(temporary.iterdir())
    subprocess.run([sys.executable, "-c", DYING], check=False)
    (left,) = set(temporary.iterdir()) - before
    os.utime(left / ".alive", LONG_AGO)
    return left


def clear(temporary: Path) -> None:
    thread = clear_left(temporary)
    if thread is not None:
        thread.join(30)


def test_it_is_its_owners_alone_and_gone_in_the_end(temporary: Path) -> None:
    scratch = Scratch()
    assert scratch.path.parent == temporary
    assert scratch.path.stat().st_mode & 0o777 == 0o700
    (scratch.path / "a").write_text("a")
    scratch.close()
    scratch.close()
    assert not [*temporary.iterdir()]


def test_what_a_killed_process_left_is_cleared_away(temporary: Path) -> None:
    left = killed(temporary)
    assert (left / "tmp").is_dir()
    clear(temporary)
    assert not left.exists()


def test_what_a_living_process_has_stays(temporary: Path) -> None:
    scratch = Scratch()
    os.utime(scratch.path / ".alive", LONG_AGO)
    clear(temporary)
    assert scratch.path.exists()
    scratch.close()


def test_what_was_made_just_now_stays(temporary: Path) -> None:
    left = killed(temporary)
    os.utime(left / ".alive")
    clear(temporary)
    assert left.exists()


def test_what_is_not_ours_stays(temporary: Path, tmp_path: Path) -> None:
    elsewhere = killed(temporary).rename(tmp_path / "elsewhere")
    (temporary / "chatterm-link").symlink_to(elsewhere)
    (temporary / "chatterm-file").write_text("a file")
    (temporary / "chatterm-message").mkdir()  # an editor's: its text may be all that is left of it
    (temporary / "chatterm-linked").mkdir()
    (temporary / "chatterm-linked" / ".alive").symlink_to(elsewhere / ".alive")
    (temporary / "chatterm-pipe").mkdir()
    os.mkfifo(temporary / "chatterm-pipe" / ".alive")
    os.utime(temporary / "chatterm-pipe" / ".alive", LONG_AGO)
    (temporary / "other").mkdir()
    before = {*temporary.iterdir()}
    clear(temporary)
    assert {*temporary.iterdir()} == before
    assert (elsewhere / "tmp").is_dir()


def test_links_inside_are_not_followed(temporary: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "precious").touch()
    left = killed(temporary)
    (left / "tmp" / "link").symlink_to(kept)
    clear(temporary)
    assert not left.exists()
    assert (kept / "precious").exists()


def test_what_another_user_owns_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = killed(temporary)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    clear(temporary)
    assert left.exists()


def test_what_cannot_be_locked_is_not_left(temporary: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            Scratch()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not list(temporary.iterdir())
