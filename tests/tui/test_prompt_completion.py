"""What `@` and `/` complete, and which paths are offered."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.permissions.places import Places
from chatterm.talking.mention import mentions
from chatterm.tui.prompt.completion import (
    Completion,
    Kind,
    best,
    completion_at,
    fuzzy,
    replaced,
)
from chatterm.tui.prompt.path_index import Bounds, PathIndex

PATHS = [
    "chatterm/tui/prompt/history.py",
    "chatterm/tui/prompt/prompt.py",
    "chatterm/providers/history.py",
    "chatterm/cli/history_table.py",
    "tests/providers/test_history.py",
    "docs/the_history_of_it.md",
    "README.md",
    "chatterm/render/markdown.py",
]


def ranked(query: str, candidates: list[str] = PATHS) -> list[str]:
    return [match.text for match in best(query, candidates, 10)]


def test_all_characters_fit_in_order() -> None:
    assert fuzzy("hsty", "history") is not None
    assert fuzzy("yh", "history") is None
    assert fuzzy("historyy", "history") is None
    assert fuzzy("[a]^-\\", "x[x]a[ ]^-\\") is not None


def test_case_counts_only_with_capitals() -> None:
    assert fuzzy("readme", "README.md") is not None
    assert fuzzy("README", "README.md") is not None
    assert fuzzy("Readme", "README.md") is None


def test_the_name_counts_more_than_what_leads_to_it() -> None:
    assert ranked("prompt")[0] == "chatterm/tui/prompt/prompt.py"
    assert ranked("history")[:2] == [
        "chatterm/providers/history.py",
        "chatterm/tui/prompt/history.py",
    ]
    assert ranked("md")[0] == "README.md"


def test_starts_of_words_count() -> None:
    assert ranked("ht")[0] == "chatterm/cli/history_table.py"
    assert ranked("tuihis")[0] == "chatterm/tui/prompt/history.py"
    assert ranked("tui/h")[0] == "chatterm/tui/prompt/history.py"
    camel = ["src/formbar.ts", "src/FooBar.ts"]
    assert ranked("fb", camel)[0] == "src/FooBar.ts"


def test_characters_in_a_row_count() -> None:
    assert ranked("mark", ["m/a/r/k.py", "some_mark.py"])[0] == "some_mark.py"


def test_short_candidates_come_first() -> None:
    assert ranked("a", ["abcdef/a_long_name.py", "a.py", "deep/er/a.py"])[0] == "a.py"
    assert ranked("", ["deep/er/a.py", "b.py", "x/"]) == ["x/", "b.py", "deep/er/a.py"]


def test_what_fits_is_told_for_highlighting() -> None:
    found = fuzzy("hist", "a/h/history.py")
    assert found is not None
    assert found[1] == (4, 5, 6, 7)


@given(st.text(max_size=6), st.text(max_size=30))
def test_the_positions_are_those_of_the_query(query: str, candidate: str) -> None:
    found = fuzzy(query, candidate)
    if found is None:
        return
    positions = found[1]
    assert list(positions) == sorted(set(positions))
    exact = "".join(candidate[at] for at in positions)
    assert query in (exact, exact.lower()) or query == "".join(
        each.lower() if len(each.lower()) == 1 else each for each in exact
    )


@given(st.text("abA/_.", max_size=4), st.text("abA/_.", max_size=12))
def test_it_fits_exactly_when_it_is_a_subsequence(query: str, candidate: str) -> None:
    text = candidate if query != query.lower() else candidate.lower()
    rest = iter(text)
    assert (fuzzy(query, candidate) is not None) == all(each in rest for each in query)


def test_the_best_of_very_many_is_found() -> None:
    many = [f"src/part{n % 100}/module_{n}.py" for n in range(50_000)]
    many[31_415] = "src/part15/main.py"
    assert ranked("main", many) == ["src/part15/main.py"]
    assert len(best("mod", many, 20)) == 20
    assert ranked("module31416", many)[0] == "src/part16/module_31416.py"


def at(marked: str) -> Completion | None:
    """What is completed in a text whose cursor is at the `|`."""
    cursor = marked.index("|")
    return completion_at(marked.replace("|", ""), cursor)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("@|", (Kind.PATH, 0, 1, "")),
        ("see @src/ma| now", (Kind.PATH, 4, 11, "src/ma")),
        ("see @src/ma|in.py now", (Kind.PATH, 4, 16, "src/ma")),
        ("line\n(@a|", (Kind.PATH, 6, 8, "a")),
        ('@"a b|', (Kind.PATH, 0, 5, "a b")),
        ('@"a b|c" d', (Kind.PATH, 0, 7, "a b")),
        ('@"a| and say "hi"', (Kind.PATH, 0, 3, "a")),
        ("me@example|", None),
        ('@"a b" |', None),
        ("@a |", None),
        ("|@a", None),
        ("/|", (Kind.COMMAND, 0, 1, "")),
        ("/mod|", (Kind.COMMAND, 0, 4, "mod")),
        ("/mo|del gpt", (Kind.COMMAND, 0, 6, "mo")),
        ("/model gpt|", None),
        (" /mod|", None),
        ("a\n/mod|", None),
        ("/usr/bin|", None),
        ("|/mod", None),
        ("|", None),
    ],
)
def test_what_is_completed(marked: str, expected: tuple[Kind, int, int, str] | None) -> None:
    assert at(marked) == (None if expected is None else Completion(*expected))


@pytest.mark.parametrize(
    ("marked", "value", "after"),
    [
        ("see @ma|", "src/main.py", "see @src/main.py |"),
        ("see @ma| now", "src/main.py", "see @src/main.py |now"),
        ("@ma|\nnext", "main.py", "@main.py|\nnext"),
        ("@ma|", "a b.md", '@"a b.md" |'),
        ('@"a| now', "a b.md", '@"a b.md" |now'),
        ("@sr|", "src/", "@src/|"),
        ("@sr|", "my files/", '@"my files/|"'),
        ('@"my files/|"', "my files/a.txt", '@"my files/a.txt" |'),
        ("@q|", 'say "hi"', r'@"say \"hi\"" |'),
        ("/mo|", "model", "/model |"),
        ("/mo| gpt", "model", "/model |gpt"),
    ],
)
def test_what_a_completion_becomes(marked: str, value: str, after: str) -> None:
    found = at(marked)
    assert found is not None
    text, cursor = replaced(marked.replace("|", ""), found, value)
    assert f"{text[:cursor]}|{text[cursor:]}" == after


@given(st.text("ab \"'\\./,@", min_size=1, max_size=8))
def test_a_completed_path_is_a_mention_of_it(path: str) -> None:
    text, _ = replaced("see @x", Completion(Kind.PATH, 4, 6, "x"), path)
    assert mentions(text) == [path]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "work"
    for name in (
        ".git/config",
        ".gitignore",
        ".github/ci.yml",
        ".env",
        "src/main.py",
        "src/deep/er.py",
        "src/.gitignore",
        "src/made.gen",
        "build/out.o",
        "a b.md",
        "id_rsa",
        ".ssh/config",
        "bad\nname",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / ".gitignore").write_text("/build\n")
    (root / "src/.gitignore").write_text("*.gen\n")
    (root / "link").symlink_to("/")
    return root


def indexed(index: PathIndex) -> list[str]:
    index.paths()
    assert index.wait(30)
    return list(index.paths())


def test_a_workspaces_files_are_offered_without_ignored_and_sensitive_ones(tree: Path) -> None:
    assert indexed(PathIndex(tree, tree)) == [
        ".github/",
        ".gitignore",
        "a b.md",
        "src/",
        ".github/ci.yml",
        "src/.gitignore",
        "src/deep/",
        "src/main.py",
        "src/deep/er.py",
    ]


def test_paths_are_relative_to_the_directory(tree: Path) -> None:
    found = indexed(PathIndex(tree, tree / "src/deep"))
    assert found[0] == "er.py"
    assert "../main.py" in found
    assert "../../.github/ci.yml" in found
    assert not {"", "./", "../"} & set(found)


def test_what_the_user_keeps_secret_is_not_offered(tree: Path) -> None:
    (tree / "own").mkdir()
    (tree / "own/prompts.jsonl").touch()
    places = Places.of(tree, tree.parent, [tree / "own"])
    assert "own/prompts.jsonl" not in indexed(PathIndex(tree, tree, places=places))


def test_without_a_workspace_only_the_directory_itself_is_listed(tree: Path) -> None:
    assert indexed(PathIndex(None, tree / "src")) == [".gitignore", "deep/", "main.py"]


def test_a_directory_that_is_gone_offers_nothing(tmp_path: Path) -> None:
    assert indexed(PathIndex(tmp_path / "gone", tmp_path / "gone")) == []


def test_it_is_gathered_anew_when_it_is_old(tree: Path) -> None:
    now = [0.0]
    index = PathIndex(tree, tree, clock=lambda: now[0], bounds=Bounds(stale_s=10))
    indexed(index)
    (tree / "new.py").touch()
    now[0] = 10.0
    assert "new.py" not in indexed(index)
    now[0] = 10.1
    assert "new.py" in indexed(index)


def test_it_tells_when_there_are_others(tree: Path) -> None:
    now, told = [0.0], threading.Semaphore(0)
    index = PathIndex(tree, tree, clock=lambda: now[0], changed=told.release)
    index.paths()
    assert told.acquire(timeout=30)
    assert "src/main.py" in index.paths()
    now[0] = 60.0
    indexed(index)
    assert not told.acquire(blocking=False)
    index.close()
    now[0] = 600.0
    (tree / "new.py").touch()
    assert "new.py" not in indexed(index)


def test_no_more_is_gathered_than_is_allowed(tree: Path) -> None:
    assert len(indexed(PathIndex(tree, tree, bounds=Bounds(most=3)))) == 3
    ticks = iter(range(1000))
    slow = PathIndex(tree, tree, bounds=Bounds(seconds=4), clock=lambda: float(next(ticks)))
    assert 0 < len(indexed(slow)) < 5
