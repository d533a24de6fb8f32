"""What `@path` in a message means, and what becomes of the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.permissions.places import Places
from chatterm.talking.attachments import attach, mentioned_files, mentions
from chatterm.talking.mention import written

PNG = b"\x89PNG\r\n\x1a\n rest"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("look at @src/a.py please", ["src/a.py"]),
        ("@a", ["a"]),
        ("first @a,\nthen (@b), and @c.", ["a", "b", "c"]),
        ('the file @"a b.txt" has blanks', ["a b.txt"]),
        (r'@"say \"hi\"\\now"', [r"say \"hi\"\now".replace(r"\"", '"')]),
        ("@a and @b and @a", ["a", "b"]),
        ("mail me@example.org", []),
        ("an @ alone, and @, too", []),
        ('@"never closed', []),
        ("@~/notes.md @../up.md @/etc/hosts", ["~/notes.md", "../up.md", "/etc/hosts"]),
    ],
)
def test_a_mention_begins_a_word(text: str, found: list[str]) -> None:
    assert mentions(text) == found


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1))
def test_what_is_written_for_a_path_mentions_it(path: str) -> None:
    assert mentions(f"see {written(path)}, and more") == [path]


def test_mentions_that_are_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "b c.md").write_text("# b")
    (tmp_path / "folder").mkdir()
    text = 'in @a.py. Not @property, not @folder, but @"b c.md" and @./a.py'
    assert mentioned_files(text, tmp_path) == [tmp_path / "a.py", tmp_path / "b c.md"]


def test_files_become_attachments_with_their_content(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 'ä'")
    (tmp_path / "p.png").write_bytes(PNG)
    names = [tmp_path / "a.py", tmp_path / "p.png", tmp_path / "a.py"]
    sent, problems = attach(names)
    assert [(a.name, a.media_type, a.data) for a in sent] == [
        ("a.py", "text/x-python", "x = 'ä'".encode()),
        ("p.png", "image/png", PNG),
    ]
    assert problems == []


def test_a_file_that_cannot_be_sent_is_a_problem_and_the_others_are_sent(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("good")
    (tmp_path / "program").write_bytes(b"\x7fELF\0\0")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    os.mkfifo(tmp_path / "pipe")
    names = ["missing", "program", "pipe", ".", "latin.txt", "good.txt"]
    sent, problems = attach([tmp_path / name for name in names])
    assert [a.name for a in sent] == ["latin.txt", "good.txt"]
    assert [problem.removeprefix(f"can't attach {tmp_path}") for problem in problems] == [
        "/missing: No such file or directory",
        "/program: it is neither text nor an image nor a PDF",
        "/pipe: it isn't a regular file",
        ": Is a directory",
        f"{tmp_path}/latin.txt isn't UTF-8; what can't be read is sent as �",
    ]


def test_a_sensitive_file_is_not_sent_because_a_pasted_text_mentions_it(tmp_path: Path) -> None:
    secret = tmp_path / ".env"
    secret.write_text("KEY=1")
    (tmp_path / "plain").symlink_to(secret)
    sent, problems = attach([secret, tmp_path / "plain"], Places.of(tmp_path, None))
    assert sent == []
    assert all("sensitive by its name" in problem for problem in problems)
    assert len(problems) == 2


def test_a_problem_has_no_control_characters_of_a_name(tmp_path: Path) -> None:
    _, (problem,) = attach([tmp_path / "a\x1b[31mb"])
    assert problem == f"can't attach {tmp_path}/ab: No such file or directory"
