"""What in `docs/` is made from the code is what the code makes of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/making", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    hint = "`python docs/making` makes them anew"
    assert (done.stdout.split("\n")[0], done.stderr) == ("all is current", ""), hint


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man here")
def test_the_manual_page_is_one_that_man_reads_without_a_complaint() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", "docs/chatterm.1"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "EXIT STATUS" in done.stdout
