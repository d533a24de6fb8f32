"""What .gitignore leaves out: as pathspec has it, and soon, whatever a stranger writes into one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from chatterm.permissions.ignoring import Ignored, _read
from fuzz.target import no_hang

NAMES = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6)
PARTS = ["a", "b", "/", "*", "**", "/**/", "?", "[ab]"]


@given(st.lists(st.sampled_from(PARTS), min_size=3, max_size=9), NAMES, st.booleans())
def test_lines_with_many_wildcards_mean_what_they_meant(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], names: list[str], directory: bool
) -> None:
    line, path = "".join(parts), "/".join(names) + "/" * directory
    file = tmp_path_factory.getbasetemp() / ".gitignore"
    file.write_text(f"{line}\n!b\n")
    try:
        plain = GitIgnoreSpec.from_lines([line, "!b"])
    except ValueError:
        assume(False)
    read = _read(file)
    assert read is not None
    assert read.check_file(path).include is plain.check_file(path).include


@pytest.mark.parametrize("wild", ["*a", "a*", "**/", "a/**/", "**/*a*/"])
def test_any_number_of_wildcards_is_soon_looked_at(tmp_path: Path, wild: str) -> None:
    (tmp_path / ".gitignore").write_text(f"{wild * 30}z\n")
    ignored = Ignored(tmp_path, everywhere=True)
    with no_hang():
        for name in ("a" * 200, "/".join(["a" * 100] * 30), "a/" * 90 + "a"):
            assert not ignored.skips(tmp_path / name, directory=False)
