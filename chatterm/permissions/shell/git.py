"""git: which of its subcommands only read, and when a repository's configuration lets them.

git runs what a repository's configuration names: a file system monitor, external diffs, text
conversions, filters, signature programs. Without trust only a handful of subcommands that run none
of them are allowed. In the repository of a trusted directory the reading subcommands are, when git
runs hardened (`HARDENED`) and the configuration names nothing that `HARDENED` can't switch off.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from chatterm.permissions.shell.options import (
    Depth,
    Operands,
    Parsed,
    Reader,
    RefusedError,
    Use,
    sort_words,
)
from chatterm.permissions.shell.words import Word

# What git is run with for lines that are allowed because it only reads.
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.pager": "cat",
    "core.editor": "true",
    "core.sshCommand": "false",
    "core.askPass": "true",
    "credential.helper": "",
    "protocol.allow": "never",
    "log.showSignature": "false",
    "diff.ignoreSubmodules": "all",
    "status.submoduleSummary": "false",
    "submodule.recurse": "false",
    "maintenance.auto": "false",
    "gc.auto": "0",
}
# Where a section or a key of a repository's configuration is one of these, something may be run or
# reached.
_RISKY = re.compile(
    rb"include|external|textconv|command|clean|smudge|process|driver|alias|program|\bworktree\b|pretty"
    rb"|\bformat\b|showsignature|promisor|partialclone|attributesfile|fsmonitor|\bcmd\b|gitproxy"
    rb"|worktreeconfig",
    re.IGNORECASE,
)
_SUBSECTION = re.compile(rb'"(?:[^"\\\n]|\\.)*"')
_MOST_BYTES = 50_000_000
_GITLINK = b"\x00\x00\xe0\x00"  # the mode of a submodule in the index

# Without trust: exactly these words, or revisions where the last is None.
_EVERYWHERE = frozenset(
    {
        ("--version",),
        ("version",),
        ("branch", "--show-current"),
        ("branch", "-a"),
        ("remote", "-v"),
        ("tag", "-l"),
        ("worktree", "list"),
    }
)
_REV_PARSE = Reader(
    short="q",
    long="show-toplevel git-dir git-common-dir absolute-git-dir show-prefix show-cdup "
    "is-inside-work-tree is-inside-git-dir is-bare-repository abbrev-ref? short? verify quiet "
    "symbolic symbolic-full-name all branches? tags? remotes? revs-only no-revs show-object-format",
    operands=Operands.TEXT,
)

_DIFF = (
    "stat? name-only name-status cached staged numstat shortstat dirstat? summary check color? "
    "no-color word-diff? color-words? unified= patch no-patch raw minimal patience histogram "
    "diff-algorithm= ignore-all-space ignore-space-change ignore-blank-lines ignore-space-at-eol "
    "find-renames? find-copies? no-renames diff-filter= exit-code quiet no-ext-diff no-textconv "
    "relative? merge-base full-index binary abbrev? inter-hunk-context= function-context "
    "submodule? pickaxe-all pickaxe-regex text color-moved? compact-summary src-prefix= "
    "dst-prefix= no-prefix ignore-submodules? cc combined-all-paths"
)
_LOG = (
    "oneline graph decorate? no-decorate all branches? tags? remotes? max-count= skip= since= "
    "after= until= before= author= committer= grep= all-match invert-grep regexp-ignore-case "
    "extended-regexp fixed-strings perl-regexp format= pretty? abbrev-commit no-abbrev-commit "
    "first-parent reverse merges no-merges follow date= relative-date topo-order date-order "
    "author-date-order full-history simplify-merges ancestry-path left-right cherry-pick "
    "cherry-mark name-status name-only source no-walk? walk-reflogs count parents children "
    "no-notes notes? min-parents= max-parents= left-only right-only no-expand-tabs"
)
_LOGS = Reader(
    short="pswbRzaWciEFPguM",
    short_values="nUSGLMlC",
    long=f"{_DIFF} {_LOG}",
    operands=Operands.PATHS,
    numbers=True,
)
_TRUSTED = {
    "status": Reader(
        short="sbvz",
        short_values="u",
        long="short branch show-stash porcelain? long verbose untracked-files? ignored? null "
        "ahead-behind no-ahead-behind renames no-renames find-renames? column? no-column",
    ),
    "diff": Reader(short="pswbRzaWcu", short_values="USGMCl", long=_DIFF, numbers=True),
    "log": _LOGS,
    "show": _LOGS,
    "whatchanged": _LOGS,
    "rev-list": _LOGS,
    "reflog": _LOGS,
    "diff-tree": Reader(
        short="rtpszmcR", short_values="USGMC", long=f"{_DIFF} root stdin no-commit-id"
    ),
    "shortlog": Reader(
        short="snec", short_values="w", long=f"summary numbered email group= {_LOG}", numbers=True
    ),
    "blame": Reader(
        short="wlsefnptbc",
        short_values="LMCS",
        long="date= porcelain line-porcelain incremental root show-name show-number show-email "
        "abbrev= since= reverse first-parent ignore-rev= score-debug show-stats",
    ),
    "annotate": Reader(short="wlt", short_values="L"),
    "ls-files": Reader(
        short="cdmosutzkvf",
        long="cached deleted modified others stage unmerged killed exclude-standard full-name "
        "error-unmatch directory no-empty-directory eol deduplicate ignored abbrev?",
    ),
    "ls-tree": Reader(
        short="rdtlz", long="name-only name-status long full-name full-tree abbrev? format="
    ),
    "grep": Reader(
        short="nilLcwEFPGvhHqIaopW",
        short_values="eABCm",
        long="line-number ignore-case files-with-matches files-without-match count word-regexp "
        "extended-regexp fixed-strings perl-regexp basic-regexp invert-match name-only heading "
        "break quiet text and or not all-match context= after-context= before-context= color? "
        "no-color show-function function-context untracked cached max-depth= max-count= "
        "only-matching column full-name null",
        operands=Operands.PATTERN,
        patterns=frozenset({"-e"}),
        numbers=True,
    ),
    "describe": Reader(
        long="tags always long abbrev= all exact-match match= exclude= candidates= contains "
        "first-parent dirty? broken?",
        operands=Operands.TEXT,
    ),
    "cat-file": Reader(short="ptse"),
    "show-ref": Reader(
        short="qsd", long="heads tags head branches hash? abbrev? verify quiet dereference"
    ),
    "for-each-ref": Reader(
        long="count= sort= format= points-at= merged? no-merged? contains? ignore-case"
    ),
    "name-rev": Reader(long="name-only tags refs= all always", operands=Operands.TEXT),
    "merge-base": Reader(
        short="a", long="all octopus independent is-ancestor fork-point", operands=Operands.TEXT
    ),
    "cherry": Reader(short="v", operands=Operands.TEXT),
    "count-objects": Reader(short="vH", operands=Operands.NONE),
    "check-ignore": Reader(short="vnq", long="verbose non-matching quiet no-index"),
    "rev-parse": _REV_PARSE,
    "branch": Reader(
        short="arvl",
        long="list all remotes verbose show-current contains= no-contains= merged? no-merged? "
        "sort= format= points-at= column? no-column color? no-color abbrev= ignore-case",
        operands=Operands.TEXT,
    ),
    "tag": Reader(
        short="ln",
        long="list contains= no-contains= merged? no-merged? sort= format= points-at= column? "
        "ignore-case",
        operands=Operands.TEXT,
        numbers=True,
    ),
    "remote": Reader(short="v", long="verbose", operands=Operands.TEXT),
    "worktree": Reader(long="porcelain", short="v", operands=Operands.TEXT),
    "stash": Reader(short="pu", short_values="U", long=_DIFF, operands=Operands.TEXT),
    "config": Reader(
        short="lz",
        long="list get= get-all= show-origin show-scope name-only null local includes "
        "no-includes type=",
        operands=Operands.NONE,
    ),
}


def hardened(repository: Path) -> dict[str, str]:
    """The environment that keeps git from running what configurations name.

    Args:
        repository: The trusted directory, whoever owns it.
    """
    settings = [*_SETTINGS.items(), ("safe.directory", str(repository))]
    environment = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_PAGER": "cat",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def git_uses(
    words: Sequence[Word], directory: Path, trusted: Path | None
) -> tuple[list[Use], bool]:
    """What a git command reads, the program left out; and whether git has to be hardened for it.

    Args:
        words: The words after `git`.
        directory: Where it runs.
        trusted: The real path of the trusted directory; None without trust.

    Raises:
        RefusedError: It may do more than read.
    """
    rest = list(words)
    while rest and rest[0].text in {"--no-pager", "-P"}:
        rest.pop(0)
    texts = tuple(word.text for word in rest)
    if any(word.globs and not word.literal for word in rest):
        raise RefusedError("a pattern may become an option")
    if texts in _EVERYWHERE:
        return [], False
    if texts[:1] == ("rev-parse",):
        sort_words(_REV_PARSE, rest[1:])
        return [], False
    if not texts:
        return [], False
    if trusted is None:
        raise RefusedError("git runs what the repository's configuration names")
    reader = _TRUSTED.get(texts[0])
    if reader is None:
        raise RefusedError(f"git {texts[0]} isn't known to only read")
    parsed = sort_words(reader, rest[1:])
    _check_subcommand(texts[0], parsed)
    _check_formats(parsed)
    _check_repository(directory, trusted)
    return _paths(reader, parsed), True


def _check_subcommand(name: str, parsed: Parsed) -> None:
    operands = [word.text for word in parsed.operands]
    match name:
        case "branch" | "tag":
            listing = {"--list", "-l", "-n", "--contains", "--merged", "--no-merged", "--points-at"}
            if operands and not parsed.has(*listing):
                raise RefusedError(f"git {name} makes a {name} when it is given a name")
        case "remote" if operands[:1] not in ([], ["get-url"]):
            raise RefusedError("it changes remotes, or reaches one")
        case "worktree" if operands[:1] != ["list"]:
            raise RefusedError("it changes worktrees")
        case "stash" if operands[:1] not in (["list"], ["show"]):
            raise RefusedError("it changes stashes")
        case "reflog" if operands[:1] in (["expire"], ["delete"], ["exists"]):
            raise RefusedError("it changes the reflog")
        case "config" if not parsed.has("--list", "-l", "--get", "--get-all"):
            raise RefusedError("it may change the configuration")
        case "diff-tree" if parsed.has("--stdin"):
            raise RefusedError("it reads what to do from its input")


def _check_formats(parsed: Parsed) -> None:
    """A format may ask for a signature to be checked, which runs a program."""
    for name in ("--format", "--pretty", "--sort"):
        for word in parsed.options.get(name, ()):
            text = (word.text if word else "").lower()
            if "%g" in text.replace("%gd", "").replace("%gs", "") or "signature" in text:
                raise RefusedError("its format may run a program that checks signatures")


def _check_repository(directory: Path, trusted: Path) -> None:
    """See to it that git's repository is the trusted one, and names nothing that would run."""
    top = next((each for each in (directory, *directory.parents) if _has_git(each)), None)
    if top != trusted:
        raise RefusedError("the repository isn't the trusted directory's")
    git = trusted / ".git"
    if git.is_symlink() or not git.is_dir():
        raise RefusedError("the repository is kept elsewhere")
    for name in ("config", "config.worktree"):
        if _names_risk(_content(git / name)):
            raise RefusedError("the repository's configuration may run programs")
    if _GITLINK in _content(git / "index"):
        raise RefusedError("the repository has submodules, which have configurations of their own")


def _names_risk(configuration: bytes) -> bool:
    """Whether a configuration has a section or key of `_RISKY`; values don't count."""
    for line in configuration.splitlines():
        names, *_ = _SUBSECTION.sub(b'""', line).partition(b"=")
        if _RISKY.search(names):
            return True
    return False


def _has_git(directory: Path) -> bool:
    return os.path.lexists(directory / ".git") or (
        (directory / "HEAD").is_file() and (directory / "objects").is_dir()
    )


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError:
        raise RefusedError(f"{path} can't be read") from None
    if len(content) > _MOST_BYTES:
        raise RefusedError(f"{path} is too large to look through")
    return content


def _paths(reader: Reader, parsed: Parsed) -> list[Use]:
    """The operands as paths: any may be one, and what is after a colon is one of a revision."""
    if reader.operands is Operands.TEXT:
        return []
    uses = []
    for word in parsed.operands:
        _, colon, inside = word.text.rpartition(":")
        if colon and inside:
            uses.append(Use(Word(inside, word.start, word.end, quoted=True), Depth.CONTENT))
        uses.append(Use(word, Depth.CONTENT))
    return uses
