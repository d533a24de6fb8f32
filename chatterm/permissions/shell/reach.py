"""What a command's paths lead to: patterns spelled out, places looked up, trees walked."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from chatterm.permissions.ignoring import Ignored
from chatterm.permissions.places import Places, real
from chatterm.permissions.rules import choices
from chatterm.permissions.shell.options import Depth, RefusedError, Use
from chatterm.permissions.shell.words import Word

MOST_NAMES = 5000
MOST_ENTRIES = 60_000
# Names that secrets have in most places, whether there are such files here yet or not.
_SECRETS = (
    *(".env", ".env.local", ".netrc", ".npmrc", ".pypirc", ".pgpass", ".htpasswd", ".ssh", ".aws"),
    *(".git-credentials", ".bash_history", ".zsh_history", ".python_history", ".gnupg", ".kube"),
    *(".azure", "id_rsa", "id_ed25519", "x.pem", "x.key", "x.env"),
)


class SensitiveError(RefusedError):
    """A command may give a secret away, or write where something runs later."""


class Reach:
    """Judges the paths of one line's commands.

    Args:
        places: Which files are whose.
        closed: What tells whether a rule denies reading a path, or asks about it.
    """

    def __init__(self, places: Places, closed: Callable[[Path], bool]) -> None:
        self._places = places
        self._closed = closed
        self._walked = 0
        self._secrets: set[tuple[int, int]] | None = None

    def check(self, use: Use, directory: Path) -> None:
        """See to it that a path may be read unasked.

        Args:
            use: The path.
            directory: What it is relative to.

        Raises:
            SensitiveError: Something sensitive is there.
            RefusedError: It is outside of the workspace, or not what a plain file is.
        """
        if use.depth is not Depth.NAMES:
            for pattern in use.only:
                for each in choices(pattern):
                    self._check_pattern(each, dots=True)
            if use.word is not None and use.word.pattern is not None:
                self._check_pattern(use.word.pattern, dots=False)
        if use.word is None:
            self._check_path(directory, use)
            return
        for path in self._paths(use.word, directory):
            self._check_path(path, use)

    def _check_pattern(self, pattern: str, *, dots: bool) -> None:
        """See to it that a pattern of what is read doesn't look for secrets.

        What fits it now is judged file by file; this is about what may be there when it runs.
        """
        for part in pattern.split("/"):
            if self._places.sensitive_name(Path("/", part)) or seeks_secret(part, dots=dots):
                raise SensitiveError(f"the pattern {pattern!a} fits the names of secrets")

    def check_directory(self, path: Path) -> Path:
        """See to it that a directory may be gone to; returns its real path.

        Raises:
            RefusedError: It is outside, or reached through a link.
        """
        written = Path(os.path.normpath(path))
        if Path(os.path.realpath(path)) != written:
            raise RefusedError(f"{path} leads through a link")
        if not self._places.inside(written):
            raise RefusedError(f"{path} is outside of the workspace")
        try:
            os.stat(written)  # noqa: PTH116 - only what it says is wanted
        except FileNotFoundError:
            pass
        except OSError as error:  # too long for a name, for one
            raise RefusedError(f"it can't go to {_shown(path)}: {error.strerror}") from None
        return written

    def _paths(self, word: Word, directory: Path) -> Iterator[Path]:
        if "\0" in word.text:
            raise RefusedError("it holds a zero byte")
        if word.pattern is None:
            yield directory / word.text
            return
        for found, path in enumerate(_expand(word.pattern, directory, self._looked_through)):
            if found >= MOST_NAMES:
                raise RefusedError(f"a pattern fits more than {MOST_NAMES:,} files")
            yield path
        if not word.literal:
            self._check_names(word.pattern, directory)
        yield directory / word.text  # bash leaves a pattern that fits nothing as it is

    def _looked_through(self, entries: int) -> None:
        """Count what was looked through for a pattern, whether it fits or not."""
        self._walked += entries
        if self._walked > MOST_ENTRIES:
            raise RefusedError("there are too many files to tell what its patterns fit")

    def _check_names(self, pattern: str, directory: Path) -> None:
        """See to it that no name a pattern stands for looks like an option."""
        for path in _expand(pattern.split("/", 1)[0], directory, self._looked_through):
            if path.name.startswith("-"):
                raise RefusedError(f"a pattern fits {_shown(path)}, which may be an option")

    def _check_path(self, path: Path, use: Use) -> None:
        if str(path) == os.devnull:
            return
        self._check_place(path, use)
        if use.depth is Depth.NAMES:
            return
        try:
            found = os.stat(path)  # noqa: PTH116 - follows links on purpose: it is inside
        except (OSError, ValueError):
            return  # nothing there: nothing is read
        if stat.S_ISDIR(found.st_mode):
            if use.depth is not Depth.CONTENT:
                self._walk(path, use)
            return
        if not stat.S_ISREG(found.st_mode):
            raise RefusedError(f"{_shown(path)} is not a regular file")
        if reason := self._places.linked_status(found):
            raise SensitiveError(reason)
        if found.st_nlink > 1 and self._is_secret(found):
            raise SensitiveError(f"{_shown(path)} is a sensitive file, too")

    def _check_place(self, path: Path, use: Use) -> None:
        """See to it that a path is where it may be read."""
        places = self._places
        if reason := places.unreal(path):
            raise RefusedError(reason)
        if use.depth is not Depth.NAMES and (reason := places.sensitive(path)):
            raise SensitiveError(reason)
        written = Path(os.path.normpath(path))
        if use.depth is not Depth.NAMES and (self._closed(written) or self._closed(real(path))):
            raise RefusedError(f"a rule is about reading {_shown(path)}")
        if not places.inside(path):
            if reason := places.sensitive(path):
                raise SensitiveError(reason)
            raise RefusedError(f"{_shown(path)} is outside of the workspace")

    def _is_secret(self, found: os.stat_result) -> bool:
        """Whether a file with several names is a sensitive one of the workspace, however deep."""
        if self._secrets is None:
            self._secrets = set()
            top = self._places.workspace
            for directory, _, names in os.walk(top) if top is not None else ():
                self._walked += len(names)
                if self._walked > MOST_ENTRIES:
                    raise RefusedError("it has several names, and too many files may be the same")
                for name in names:
                    path = Path(directory, name)
                    if self._places.sensitive_name(path):
                        with suppress(OSError):
                            status = path.lstat()
                            self._secrets.add((status.st_dev, status.st_ino))
        return (found.st_dev, found.st_ino) in self._secrets

    def _walk(self, top: Path, use: Use) -> None:
        """Look for something sensitive in everything below a directory that would be read."""
        ignored = self._ignored(real(top)) if use.depth.skips_ignored else None
        left = [real(top)]
        seen: set[Path] = set()
        while left:
            directory = left.pop()
            if directory in seen:
                continue
            seen.add(directory)
            try:
                entries = list(os.scandir(directory))
            except OSError:
                continue
            self._walked += len(entries)
            if self._walked > MOST_ENTRIES:
                raise RefusedError("there is too much below it to look through")
            for entry in entries:
                path = Path(entry.path)
                hidden = use.depth is Depth.VISIBLE and entry.name.startswith(".")
                if hidden and ignored is not None and ignored.shows(path):
                    hidden = False
                if entry.is_dir(follow_symlinks=False):
                    # A pattern that fits the directory itself shows what is in it.
                    skips = all(pattern.startswith("*.") for pattern in use.only) and not any(
                        _may_fit(entry.name, pattern) for pattern in use.only
                    )
                    skipped = (hidden and skips) or entry.name in use.without
                    if skipped or (skips and ignored and _left_out(ignored, path, directory=True)):
                        continue
                    left.append(path)
                    continue
                self._check_entry(entry, path, use, ignored, hidden=hidden)
                if use.depth is Depth.FOLLOWED and entry.is_dir():
                    left.append(real(path))

    def _ignored(self, top: Path) -> Ignored | None:
        """What is ignored below a directory: nothing where it is ignored itself, but named."""
        ignored = Ignored(self._places.workspace)
        named = any(ignored.skips(each, directory=True) for each in (top, *top.parents))
        return None if named else ignored

    def _check_entry(
        self,
        entry: os.DirEntry[str],
        path: Path,
        use: Use,
        ignored: Ignored | None,
        *,
        hidden: bool,
    ) -> None:
        if use.only:
            if not any(_may_fit(entry.name, pattern) for pattern in use.only):
                return
        elif hidden:
            return
        reason = self._places.sensitive_name(path)
        if reason is None and self._closed(path):
            raise RefusedError(f"a rule is about reading {_shown(path)}")
        if reason is None and entry.is_symlink():
            if use.depth is not Depth.FOLLOWED:
                return
            reason = self._places.sensitive(path)
            if reason is None and not self._places.inside(path):
                raise RefusedError(f"{_shown(path)} leads outside of the workspace")
        if reason is None:
            if entry.stat(follow_symlinks=False).st_nlink < 2:
                return
            reason = self._places.linked(path)
        if reason and not use.only and ignored and _left_out(ignored, path, directory=False):
            return
        if reason:
            raise SensitiveError(reason)


def _left_out(ignored: Ignored, path: Path, *, directory: bool) -> bool:
    """Whether a path is ignored for sure: no rule, of git's or of the program's own, says else."""
    return ignored.skips(path, directory=directory) and not ignored.shows(path)


def _may_fit(name: str, pattern: str) -> bool:
    """Whether a name may fit a pattern, in any of the programs' ways of reading patterns."""
    last = pattern.rsplit("/", 1)[-1].rstrip()
    if pattern.startswith("#"):
        return True  # to some a comment, which leaves nothing out
    if re.search(r"[{}\[\]\\]", last) or not last:
        return True
    return fnmatchcase(name.lower(), last.lower())


def seeks_secret(part: str, *, dots: bool = False) -> bool:
    """Whether a name's pattern fits a secret's: by its dot, or by two other characters or more.

    Args:
        part: The pattern.
        dots: Whether `*` and `?` at the beginning stand for a dot, too.
    """
    expression = _expression(part.casefold())
    if expression is None:
        return False
    plain = re.sub(r"\[[^\]]*\]|[*?]", "", part)
    if not part.startswith(".") and len(plain) < 2:
        return False  # it fits nearly everything
    fitting = (name for name in _SECRETS if expression.fullmatch(name))
    return any(dots or part[0] == "." or name[0] != "." for name in fitting)


def _expand(pattern: str, directory: Path, looked_through: Callable[[int], None]) -> Iterator[Path]:
    """The paths that fit a pattern of bash, or more: what begins with a dot may fit as well."""
    parts = [part for part in pattern.split("/") if part]
    start = Path("/") if pattern.startswith("/") else directory
    yield from _fitting(start, parts, looked_through)


def _fitting(
    at: Path, parts: Sequence[str], looked_through: Callable[[int], None]
) -> Iterator[Path]:
    if not parts:
        yield at
        return
    expression = _expression(parts[0])
    if expression is None:
        name = re.sub(r"\[(.)\]", r"\1", parts[0])
        yield from _fitting(at / name, parts[1:], looked_through)
        return
    dots = not parts[0].startswith("*")
    try:
        names = sorted(os.listdir(at))  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return
    looked_through(len(names) + 1)
    if parts[0].startswith("."):
        names = [".", "..", *names]  # which older versions of bash take for names that fit
    for name in names:
        if expression.fullmatch(name) and (dots or not name.startswith(".")):
            yield from _fitting(at / name, parts[1:], looked_through)


def _expression(part: str) -> re.Pattern[str] | None:
    """A name's pattern as a regular expression; None where it has no pattern characters.

    A bracket stands for any character: that is more than bash takes it for, never less.
    """
    out, at, plain = "", 0, True
    while at < len(part):
        if re.match(r"\[[*?\[]\]", part[at:]):
            out, at = out + re.escape(part[at + 1]), at + 3
            continue
        character = part[at]
        if character == "[":
            negated = part[at + 1 : at + 2] in {"!", "^"}
            if (end := part.find("]", at + 2 + negated)) > 0:
                out, at, plain = out + ".", end + 1, False
                continue
        if character in "*?":
            plain = False
        out += {"*": ".*", "?": "."}.get(character) or re.escape(character)
        at += 1
    return None if plain else re.compile(out, re.DOTALL)


def _shown(path: Path) -> str:
    text = str(path)
    return text if text.isprintable() else ascii(text)
