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
    "diff.submodule": "short",
    "status.submoduleSummary": "false",
    "submodule.recurse": "false",
    "maintenance.auto": "false",
    "gc.auto": "0",
}
# Where a section or a key of a repository's configuration is one of these, something may be run or
# reached.
_RISKY = re.compile(
    rb"include|external|textconv|command|clean|smudge|process|driver|alias|program|worktree\s*=|pretty"
    rb"|\bformat\b|signature|promisor|partialclone|attributesfile|fsmonitor|\bcmd\b|sshcommand|gitproxy"
    rb"|extensions\]?[^\n]*worktreeconfig",
    re.IGNORECASE,
)
# What is never run, and often named like what is.
_HARMLESS = re.compile(
    rb'^[ \t]*(?:\[(?:branch|remote) "[^"\\\n]*"\]'
    rb'|(?:url|pushurl|fetch|merge|remote|rebase)[ \t]*=[^"\\#;\n]*)[ \t]*$',
    re.MULTILINE,
)
_MOST_BYTES = 50_000_000
_GITLINK = b"\x00\x00\xe0\x00"  # the mode of a submodule in the index

# Subcommands whose first word says what they do; after an option it may be taken for a file.
_NESTED = frozenset({"stash", "reflog", "remote", "worktree"})
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
# Of these, those that the configuration may have sorted by signatures, which runs a program.
_SORTED = frozenset({("branch", "-a"), ("tag", "-l")})
# Any other revision makes git look at objects, which it fetches where the configuration says so.
_PLAIN_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_RISKY_UNTRUSTED = re.compile(rb"sort|include|promisor|partialclone", re.IGNORECASE)
_REV_PARSE = Reader(
    short="q",
    long="show-toplevel git-dir git-common-dir absolute-git-dir show-prefix show-cdup "
    "is-inside-work-tree is-inside-git-dir is-bare-repository abbrev-ref? short? verify quiet "
    "symbolic symbolic-full-name all branches? tags? remotes? revs-only no-revs show-object-format",
    operands=Operands.TEXT,
)

# A path with no pattern characters, or `*.ending`.
_PLAIN_PATH = re.compile(r"[^*?\[\\]*|(?:[^*?\[\\]*/)?\*\.[A-Za-z0-9]+", re.DOTALL)

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
    short="pswbRzaWciEFPgu",
    short_values="nUSGLl",
    short_maybe="MC",
    long=f"{_DIFF} {_LOG}",
    operands=Operands.PATHS,
    numbers=True,
)
_TRUSTED = {
    "status": Reader(
        short="sbvz",
        short_maybe="u",
        long="short branch show-stash porcelain? long verbose untracked-files? ignored? null "
        "ahead-behind no-ahead-behind renames no-renames find-renames? column? no-column",
    ),
    "diff": Reader(
        short="pswbRzaWcu", short_values="USGl", short_maybe="MC", long=_DIFF, numbers=True
    ),
    "log": _LOGS,
    "show": _LOGS,
    "whatchanged": _LOGS,
    "rev-list": _LOGS,
    "reflog": _LOGS,
    "diff-tree": Reader(
        short="rtpszmcR",
        short_values="USG",
        short_maybe="MC",
        long=f"{_DIFF} root no-commit-id",
    ),
    "shortlog": Reader(
        short="snec", short_maybe="w", long=f"summary numbered email group= {_LOG}", numbers=True
    ),
    "blame": Reader(
        short="wlsefnptbc",
        short_values="L",
        short_maybe="MC",
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
        if texts in _SORTED:
            _check_untrusted(directory)
        return [], False
    if texts[:1] == ("rev-parse",):
        names = [word.text for word in sort_words(_REV_PARSE, rest[1:]).operands]
        if not all(_PLAIN_REVISION.fullmatch(name) and ".." not in name for name in names):
            _check_untrusted(directory)
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
    if texts[0] in _NESTED and parsed.operands and parsed.operands[0] is not rest[1]:
        raise RefusedError(f"an option stands before what git {texts[0]} does")
    _check_formats(parsed)
    _check_repository(directory, trusted)
    return _paths(reader, parsed, directory), True


def _check_subcommand(name: str, parsed: Parsed) -> None:
    operands = [word.text for word in parsed.operands]
    match name:
        case "branch" | "tag":
            listing = {"--list", "-l", "-n", "--contains", "--merged", "--no-merged", "--points-at"}
            if operands and not parsed.has(*listing):
                raise RefusedError(f"git {name} makes a {name} when it is given a name")
        case "remote" if operands[:1] not in ([], ["get-url"]):
            raise RefusedError("it changes remotes, or reaches one")
        case "worktree" if operands != ["list"]:
            raise RefusedError("it changes worktrees")
        case "stash" if operands[:1] not in (["list"], ["show"]):
            raise RefusedError("it changes stashes")
        case "reflog" if operands[:1] not in ([], ["show"], ["list"], ["HEAD"]):
            raise RefusedError("it changes the reflog")
        case "config" if operands or not parsed.has("--list", "-l", "--get", "--get-all"):
            raise RefusedError("it may change the configuration")


def _check_formats(parsed: Parsed) -> None:
    """A format may ask for a signature to be checked, or for a submodule's own git to be run."""
    if any(word and word.text == "diff" for word in parsed.options.get("--submodule", ())):
        raise RefusedError("git runs in submodules, which have configurations of their own")
    for name in ("--format", "--pretty", "--sort", "--group"):
        for word in parsed.options.get(name, ()):
            text = word.text if word else ""
            if re.search(r"%[-+ ]?G", text) or "signature" in text.lower():
                raise RefusedError("its format may run a program that checks signatures")


def _check_repository(directory: Path, trusted: Path) -> None:
    """See to it that git's repository is the trusted one, and names nothing that would run."""
    top = next((each for each in (directory, *directory.parents) if _has_git(each)), None)
    if top != trusted:
        raise RefusedError("the repository isn't the trusted directory's")
    git = trusted / ".git"
    if git.is_symlink() or not git.is_dir() or os.path.lexists(git / "commondir"):
        raise RefusedError("the repository is kept elsewhere")
    if not _is_repository(git):
        raise RefusedError("it is no whole repository: git looks for one further up")
    for name in ("config", "config.worktree"):
        if _risky(_content(git / name)):
            raise RefusedError("the repository's configuration may run programs")
    if _GITLINK in _content(git / "index"):
        raise RefusedError("the repository has submodules, which have configurations of their own")


def _check_untrusted(directory: Path) -> None:
    """See to it that a repository's configuration lets git look at references and objects."""
    for top in (directory, *directory.parents):
        if _has_git(top):
            _check_kept(top)
            if _is_repository(top / ".git"):
                return  # where one isn't whole, git looks for another further up


def _check_kept(top: Path) -> None:
    kept = top / ".git"
    if kept.is_symlink() or (kept.exists() and not kept.is_dir()):
        raise RefusedError("the repository is kept elsewhere")
    if any(os.path.lexists(git / "commondir") for git in (kept, top)):
        raise RefusedError("the repository's configuration is kept elsewhere")
    for git in (kept, top):
        for name in ("config", "config.worktree"):
            path = git / name
            if (path.exists() or path.is_symlink()) and not path.is_file():
                continue  # a directory of that name beside a repository
            if _RISKY_UNTRUSTED.search(_HARMLESS.sub(b"", _content(path))):
                raise RefusedError("the repository's configuration may run programs")


def _risky(configuration: bytes) -> bool:
    return _RISKY.search(_HARMLESS.sub(b"", configuration)) is not None


def _has_git(directory: Path) -> bool:
    return os.path.lexists(directory / ".git") or (
        (directory / "HEAD").is_file() and (directory / "objects").is_dir()
    )


def _is_repository(git: Path) -> bool:
    return (git / "HEAD").is_file() and (git / "objects").is_dir() and (git / "refs").is_dir()


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


def _paths(reader: Reader, parsed: Parsed, directory: Path) -> list[Use]:
    """The operands as paths: any may be one, and what is after a colon is one of a revision."""
    if reader.operands is Operands.TEXT:
        return []
    # What isn't ignored may be found, whether it is kept in the repository or not.
    depth = Depth.UNHIDDEN if reader.operands is Operands.PATTERN else Depth.CONTENT
    uses = []
    ranges = [word for word in parsed.options.get("-L", ()) if word is not None]
    for word in (*parsed.operands, *ranges):
        _, colon, inside = word.text.rpartition(":")
        if colon and inside:
            uses.append(Use(Word(inside, word.start, word.end, quoted=True), Depth.CONTENT))
        uses.append(Use(word, depth))
    for word in parsed.operands:
        _check_magic(word)
    if reader.operands is Operands.PATTERN:
        # What is no path is a revision, which is searched whole.
        named = parsed.operands[1:]
        if not named or not all(os.path.lexists(directory / word.text) for word in named):
            uses.append(Use(None, depth))
    return uses


def _check_magic(word: Word) -> None:
    """See to it that git expands a path only where it is clear to what: it has its own patterns."""
    text = word.text
    if text.startswith((":(", ":!", ":^")) or (not word.globs and not _PLAIN_PATH.fullmatch(text)):
        raise RefusedError(f"{text!a} may stand for files that it doesn't name")
