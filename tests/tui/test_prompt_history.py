"""Prompts that were sent, and those that weren't yet, survive the process."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chatterm.talking import past_prompts as history
from chatterm.talking.drafts import Draft, Drafts
from chatterm.talking.past_prompts import PromptHistory


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "prompts.jsonl"


def sent(file: Path, directory: str, *texts: str) -> None:
    kept = PromptHistory(file, directory)
    for text in texts:
        kept.add(text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_there_at_first(file: Path) -> None:
    kept = PromptHistory(file, "/a")
    assert kept.older("draft") is None
    assert kept.newer() is None
    assert kept.search("") == []
    assert not file.parent.exists()


def test_walking_back_and_forth_ends_at_the_draft(file: Path) -> None:
    sent(file, "/a", "one", "two\nlines", "three")
    kept = PromptHistory(file, "/a")
    assert [kept.older("draft") for _ in range(4)] == ["three", "two\nlines", "one", None]
    assert kept.walking
    assert [kept.newer() for _ in range(4)] == ["two\nlines", "three", "draft", None]
    assert not kept.walking


def test_walking_shows_each_prompt_of_this_directory_once(file: Path) -> None:
    sent(file, "/a", "one", "two", "one")
    sent(file, "/b", "elsewhere")
    kept = PromptHistory(file, "/a")
    assert [kept.older("") for _ in range(3)] == ["one", "two", None]


def test_what_is_in_the_prompt_already_is_not_offered(file: Path) -> None:
    sent(file, "/a", "one", "two")
    assert PromptHistory(file, "/a").older("two") == "one"


def test_sending_begins_anew(file: Path) -> None:
    kept = PromptHistory(file, "/a")
    kept.add("one")
    kept.add("two")
    kept.older("")
    kept.older("")
    kept.add("three")
    assert kept.older("") == "three"


def test_blank_prompts_and_the_newest_again_are_not_kept(file: Path) -> None:
    sent(file, "/a", "one", "", " \n ", "one", "one\n", "two")
    assert file.read_text().count("\n") == 2
    sent(file, "/b", "one")
    sent(file, "/a", "two")
    assert PromptHistory(file, "/a").search("") == ["two", "one"]


def test_search_finds_all_words_in_this_directory_first(file: Path) -> None:
    sent(file, "/a", "Fix the parser", "other", "fix parser tests")
    sent(file, "/b", "why does the PARSER fix nothing", "fix the parser again")
    kept = PromptHistory(file, "/a")
    assert kept.search("parser FIX") == [
        "fix parser tests",
        "Fix the parser",
        "fix the parser again",
        "why does the PARSER fix nothing",
    ]
    assert kept.search("nowhere") == []


def test_what_another_process_sends_is_seen(file: Path) -> None:
    kept = PromptHistory(file, "/a")
    kept.add("mine")
    sent(file, "/a", "theirs")
    assert [kept.older("") for _ in range(2)] == ["theirs", "mine"]


def test_damaged_lines_are_passed_over(file: Path) -> None:
    sent(file, "/a", "one")
    with file.open("ab") as damaged:
        damaged.write(b'\xff\xfe{"no\n[1]\n{"directory": 1, "text": "x"}\n\n')
        damaged.write(b'{"directory": "/a", "te')
    sent(file, "/a", "two")
    assert PromptHistory(file, "/a").search("") == ["two", "one"]


def test_any_text_is_kept_as_it_is(file: Path) -> None:
    text = "ä\u2028 \ud800 \x1b[31m \U0001f600\ttab"
    sent(file, "/a", text)
    assert PromptHistory(file, "/a").older("") == text


def test_files_are_for_the_owner_alone(file: Path) -> None:
    sent(file, "/a", "one")
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)


def test_the_newest_are_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_ENTRIES", 10)
    monkeypatch.setattr(history, "_SLACK", 5)
    early = PromptHistory(file, "/a")
    sent(file, "/a", *(f"prompt {n}" for n in range(100)))
    assert file.read_text().count("\n") <= 15
    assert early.search("")[:10] == [f"prompt {n}" for n in range(99, 89, -1)]
    assert mode(file) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["prompts.jsonl"]


def test_the_file_stays_small(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MOST_BYTES", 20_000)
    sent(file, "/a", *(f"{n} " + "x" * 1000 for n in range(100)))
    assert file.stat().st_size < 25_000
    assert PromptHistory(file, "/a").older("").startswith("99 ")


def test_a_prompt_that_is_very_long_is_remembered_for_the_session_only(file: Path) -> None:
    kept = PromptHistory(file, "/a")
    kept.add("x" * (history.LONGEST + 1))
    assert kept.older("") == "x" * (history.LONGEST + 1)
    assert PromptHistory(file, "/a").older("") is None


def test_a_prompt_is_remembered_though_the_file_cannot_be_written(file: Path) -> None:
    file.parent.write_text("in the way")
    kept = PromptHistory(file, "/a")
    kept.add("one")
    assert "prompts.jsonl" in str(kept.problem)
    assert kept.older("") == "one"


def test_many_processes_write_at_once(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from chatterm.talking import past_prompts as history;"
        "history.MOST_ENTRIES, history._SLACK = 130, -100;"
        "kept = history.PromptHistory(Path(sys.argv[1]), '/a');"
        "[kept.add(f'{sys.argv[2]} {n}') for n in range(40)]; sys.exit(bool(kept.problem))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(file), name]) for name in ("x", "y", "z")
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    lines = [json.loads(line)["text"] for line in file.read_text().splitlines()]
    assert len(set(lines)) == len(lines) == 120
    for name in "xyz":
        assert [line for line in lines if line[0] == name] == [f"{name} {n}" for n in range(40)]


DRAFT = Draft(
    "half a tho\n",
    (Path("/a/b c.png"),),
    ("next", "and then"),
    "ab12",
    ("a key", 3),
    ("/system You\nrhyme.",),
)


def ended(folder: Path, directory: str, draft: Draft) -> None:
    """A process had a draft, and has ended."""
    drafts = Drafts(folder)
    drafts.save(directory, draft)
    drafts.close()


def test_a_draft_is_kept_for_each_directory(tmp_path: Path) -> None:
    folder = tmp_path / "drafts"
    ended(folder, "/a", DRAFT)
    ended(folder, "/b", Draft("other"))
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    drafts = Drafts(folder)
    assert drafts.load("/a") == DRAFT
    assert drafts.load("/b") == Draft("other")
    assert drafts.load("/c") is None
    drafts.close()


WRITES = (
    "import sys, time; from pathlib import Path;"
    "from chatterm.talking.drafts import Draft, Drafts;"
    "drafts = Drafts(Path(sys.argv[1])); drafts.save('/a', Draft('first'));"
    "drafts.save('/a', Draft('theirs')); print('saved', flush=True); time.sleep(60)"
)


def test_the_draft_of_a_process_that_runs_is_its_own_and_one_that_was_killed_leaves_it(
    tmp_path: Path,
) -> None:
    argv = [sys.executable, "-c", WRITES, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "saved\n"
        mine = Drafts(tmp_path)
        assert mine.load("/a") is None
        mine.save("/a", Draft("mine"))
        mine.clear("/a")
        assert mine.load("/a") is None
        running.kill()
        running.wait()
    assert mine.load("/a") == Draft("theirs")
    assert mine.problem is None
    mine.close()


def test_what_several_processes_left_comes_back_one_after_the_other(tmp_path: Path) -> None:
    kept = [Drafts(tmp_path) for _ in range(3)]
    for drafts, text in zip(kept, ("one", "two", ""), strict=True):
        drafts.save("/a", Draft(text, conversation="ab12", place=("key", 3)))
    for drafts in kept:
        drafts.close()
    texts = []
    for _ in range(3):
        drafts = Drafts(tmp_path)
        found = drafts.load("/a")
        texts.append(found.text if found is not None else None)
        drafts.clear("/a")
    assert texts == ["two", "one", None]
    assert list(tmp_path.iterdir()) == []


def test_what_was_brought_back_is_there_until_it_is_forgotten(tmp_path: Path) -> None:
    ended(tmp_path, "/a", DRAFT)
    killed = Drafts(tmp_path)
    assert killed.load("/a") == DRAFT
    killed.close()
    drafts = Drafts(tmp_path)
    assert drafts.load("/a") == DRAFT
    drafts.close()


def test_a_draft_replaces_the_one_before(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    drafts.save("/a", DRAFT)
    drafts.save("/a", Draft("later"))
    assert drafts.load("/a") == Draft("later")
    assert len(list(tmp_path.iterdir())) == 1
    drafts.close()


@pytest.mark.parametrize("end", ["clear", "save"])
def test_an_empty_draft_is_none(tmp_path: Path, end: str) -> None:
    drafts = Drafts(tmp_path)
    drafts.save("/a", DRAFT)
    if end == "clear":
        drafts.clear("/a")
    else:
        drafts.save("/a", Draft(" \n", conversation="ab12"))
    assert drafts.load("/a") is None
    assert list(tmp_path.iterdir()) == []
    drafts.clear("/a")
    assert drafts.problem is None


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b'{"text": 1}', b"\xff"])
def test_a_damaged_draft_is_moved_aside_and_named(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    drafts = Drafts(tmp_path)
    drafts.save("/a", DRAFT)
    (file,) = tmp_path.iterdir()
    drafts.close()
    file.write_bytes(content)
    assert drafts.load("/a") is None
    (aside,) = tmp_path.iterdir()
    assert aside.name == f"{file.name}.damaged"
    assert aside.read_bytes() == content
    assert str(aside) in caplog.text
    drafts.save("/a", DRAFT)
    drafts.close()
    assert Drafts(tmp_path).load("/a") == DRAFT


def test_a_draft_that_cannot_be_saved_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    drafts = Drafts(tmp_path / "file")
    drafts.save("/a", DRAFT)
    assert "can't be saved" in str(drafts.problem)
