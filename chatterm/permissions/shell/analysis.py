"""The verdict on a shell line: what its commands are, and whether they only read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.permissions.shell.checks import check_printf
from chatterm.permissions.shell.expressions import check_test, find_uses
from chatterm.permissions.shell.git import git_uses
from chatterm.permissions.shell.mentions import mentions_sensitive
from chatterm.permissions.shell.options import Depth, RefusedError, Use, sort_words, uses_of
from chatterm.permissions.shell.programs import check_program, program_name
from chatterm.permissions.shell.reach import Reach, SensitiveError
from chatterm.permissions.shell.readers import BUILTINS, reader_of
from chatterm.permissions.shell.salvage import inner_commands, salvaged
from chatterm.permissions.shell.structure import (
    Grouped,
    Joined,
    Negated,
    Piped,
    Redirect,
    Simple,
    Statement,
    commands_of,
)
from chatterm.permissions.shell.syntax import parse
from chatterm.permissions.shell.versions import asks_version
from chatterm.permissions.shell.words import NotUnderstoodError, Word
from chatterm.permissions.verdicts import Argv, NeedsApproval, ReadOnly, Unknown, Verdict

MOST_DIRECTORIES = 8
# Of these no word that isn't a pattern is opened as a file.
_NO_FILES = frozenset({"echo", "printf", "test", "[", "[["})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a line's meaning depends on beside its text.

    Attributes:
        places: Which files are whose.
        search: The directories of PATH.
        trusted: The real path of the trusted directory; None without trust.
        closed: What tells whether a rule denies reading a path, or asks about it.
    """

    places: Places
    search: tuple[str, ...]
    trusted: Path | None = None
    closed: Callable[[Path], bool] = lambda _path: False


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is found out about a line.

    Attributes:
        verdict: What it is.
        readers: Those of its commands that only read, wherever in the line they stand.
        inner: Commands that its commands run in turn, as far as can be told.
        hardened: It only reads as long as git runs hardened.
        searched: All of its commands were looked for; else a rule may be about one that wasn't.
    """

    verdict: Verdict
    readers: tuple[Argv, ...] = ()
    inner: tuple[Argv, ...] = ()
    hardened: bool = False
    searched: bool = True


def analyse(line: str, directory: Path, surroundings: Surroundings) -> Analysis:
    """What a line would do if it were run in a directory. Runs nothing and raises nothing.

    It takes bounded time: there are bounds on the line's length, its commands and their nesting, on
    the names a pattern stands for, and on the files that a recursive search would come by.
    """
    try:
        statement = parse(line)
    except NotUnderstoodError as error:
        return _unknown(line, directory, surroundings, str(error))
    except RecursionError:
        return _unknown(line, directory, surroundings, "it is nested too deeply")
    watch = _Watch(surroundings)
    watch.run(statement, frozenset({directory}), piped=False)
    commands = tuple(_argv(command) for command in commands_of(statement))
    within = [inner_commands(argv) for argv in commands]
    inner = tuple(found for each in within for found in each.commands)
    searched = all(each.whole for each in within)
    if watch.reason is None:
        return Analysis(ReadOnly(commands), tuple(watch.readers), inner, watch.hardened, searched)
    readers = tuple(argv for argv in watch.readers if argv not in watch.refused)
    sensitive = watch.sensitive or mentions_sensitive(line, directory, surroundings.places)
    if watch.redirects:
        # What is redirected isn't in a command's words, which is all that a rule can be about.
        verdict: Verdict = Unknown(watch.reason, commands, sensitive)
    else:
        verdict = NeedsApproval(commands, watch.reason, sensitive)
    return Analysis(verdict, readers, inner, searched=searched)


def _unknown(line: str, directory: Path, surroundings: Surroundings, reason: str) -> Analysis:
    found = salvaged(line)
    sensitive = mentions_sensitive(line, directory, surroundings.places)
    return Analysis(Unknown(reason, found.commands, sensitive), searched=found.whole)


def _argv(command: Simple) -> Argv:
    return tuple(word.text for word in command.words)


def _redirects_input(redirects: Sequence[Redirect]) -> bool:
    return any(redirect.operator.startswith("<") for redirect in redirects)


Directories = frozenset[Path]


@dataclass(slots=True)
class _Watch:
    """Follows a statement through the directories it may be in, and notes why it would ask.

    Attributes:
        reason: The first reason to ask; None when there is none.
        sensitive: Something sensitive would be read.
        redirects: A redirection does more than read what may be read.
        lost: A `cd` may lead anywhere, so what later commands read isn't known.
        hardened: git has to run hardened.
        readers: The commands that only read.
        refused: The commands that don't, or only when git runs hardened, which it can't beside a
            command that does more. The same words may read in one directory and not in another.
        unpiped: What is followed may have another input than a pipe.
    """

    surroundings: Surroundings
    reason: str | None = None
    sensitive: bool = False
    redirects: bool = False
    lost: bool = False
    hardened: bool = False
    readers: list[Argv] = field(default_factory=list)
    refused: set[Argv] = field(default_factory=set)
    unpiped: bool = False
    reach: Reach = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Reach(self.surroundings.places, self.surroundings.closed)

    def run(
        self, statement: Statement, at: Directories, *, piped: bool
    ) -> tuple[Directories, Directories]:
        """Follow a statement; the directories after it when it succeeds, and when it fails."""
        match statement:
            case Simple():
                return self._simple(statement, at, piped=piped)
            case Joined(parts, operators):
                return self._joined(parts, operators, at, piped=piped)
            case Piped(parts):
                for number, part in enumerate(parts):
                    self.run(part, at, piped=piped or number > 0)
                return at, at
            case Grouped(body, redirects):
                self._redirected(redirects, at)
                before, self.unpiped = self.unpiped, self.unpiped or _redirects_input(redirects)
                self.run(body, at, piped=piped)
                self.unpiped = before
                return at, at
            case Negated(body):
                succeeded, failed = self.run(body, at, piped=piped)
                return failed, succeeded

    def _joined(
        self,
        parts: Sequence[Statement],
        operators: Sequence[str],
        at: Directories,
        *,
        piped: bool,
    ) -> tuple[Directories, Directories]:
        succeeded, failed = self.run(parts[0], at, piped=piped)
        for operator, part in zip(operators, parts[1:], strict=True):
            before = {"&&": succeeded, "||": failed}.get(operator, succeeded | failed)
            if len(before) > MOST_DIRECTORIES:
                self._ask("it may be in too many directories to tell")
                before = at
            then, otherwise = self.run(part, before, piped=piped)
            match operator:
                case "&&":
                    succeeded, failed = then, failed | otherwise
                case "||":
                    succeeded, failed = succeeded | then, otherwise
                case _:
                    succeeded, failed = then, otherwise
        return succeeded, failed

    def _simple(
        self, command: Simple, at: Directories, *, piped: bool
    ) -> tuple[Directories, Directories]:
        argv = _argv(command)
        self._redirected(command.redirects, at)
        if command.words[0].text == "cd" and not command.words[0].globs:
            went: Directories = frozenset()

            def go() -> None:
                nonlocal went
                went = frozenset(self._gone(command.words[1:], directory) for directory in at)

            self.lost = not self._reads(argv, go) or self.lost
            return went or at, at
        # With another input than the pipe, a search may take the directory instead.
        piped = piped and not (self.unpiped or _redirects_input(command.redirects))
        self._reads(argv, lambda: self._read(command.words, at, piped=piped))
        return at, at

    def _gone(self, words: Sequence[Word], directory: Path) -> Path:
        rest = [word for word in words if word.text != "--"]
        plain = len(rest) == 1 and not (rest[0].globs or rest[0].expands)
        if not plain or rest[0].text.startswith("-") or not rest[0].text:
            raise RefusedError("it isn't known where cd goes")
        return self.reach.check_directory(directory / rest[0].text)

    def _reads(self, argv: Argv, check: Callable[[], None]) -> bool:
        """Note whether a command only reads."""
        passed = self._note(check) and not self.lost
        if passed:
            self.readers.append(argv)
        else:
            self.refused.add(argv)
        return passed

    def _redirected(self, redirects: Sequence[Redirect], at: Directories) -> None:
        if not self._note(lambda: self._check_redirects(redirects, at)):
            self.redirects = True

    def _check_redirects(self, redirects: Sequence[Redirect], at: Directories) -> None:
        for redirect in redirects:
            target = redirect.target
            if target.expands:
                raise RefusedError(f"it redirects to {target.text!a}")
            match redirect.operator:
                case ">" | ">>" | "&>" | ">|" if target.text == "/dev/null" and not target.globs:
                    continue
                case ">&" if target.text in {"1", "2", "-"} and not target.quoted:
                    continue
                case "<" if not target.globs and redirect.descriptor in {"", "0"}:
                    for directory in at:
                        self.reach.check(Use(target, Depth.CONTENT), directory)
                    continue
            if redirect.operator != "<":
                raise RefusedError(f"it writes {target.text!a}")
            raise RefusedError("it redirects its input in an unusual way")

    def _read(self, words: tuple[Word, ...], at: Directories, *, piped: bool) -> None:
        """See to it that a command only reads what it may."""
        if words[0].globs:
            raise RefusedError("the program's name is a pattern")
        argv = tuple(word.text for word in words)
        name = program_name(argv[0])
        for directory in sorted(at):
            for use in self._uses((name, *argv[1:]), words, directory, piped=piped):
                self.reach.check(use, directory)
        places = self.surroundings.places
        outside = None if places.workspace is None else str(places.workspace)
        builtin = name in BUILTINS
        check_program(argv[0], name, self.surroundings.search, outside, builtin=builtin)

    def _uses(
        self, argv: Argv, words: tuple[Word, ...], directory: Path, *, piped: bool
    ) -> list[Use]:
        name, rest = argv[0], words[1:]
        if name not in _NO_FILES and any(word.expands for word in words):
            raise RefusedError("$? may stand for the name of a file")
        if not any(word.globs for word in words) and asks_version(argv):
            return []
        if name == "git":
            rest, place = self._git_place(rest, directory)
            uses, hardened = git_uses(rest, place, self.surroundings.trusted)
            if hardened:
                self.hardened = True
                self.refused.add(tuple(word.text for word in words))
            for use in uses:
                self.reach.check(use, place)
            return []
        if name == "find":
            return find_uses(rest)
        if name == "printf":
            check_printf(rest)
        if name in {"echo", "printf"}:
            return [Use(word, Depth.NAMES) for word in rest if word.globs]
        if name in {"test", "[", "[["}:
            check_test(words)
            return []
        reader = reader_of(name)
        if reader is None:
            raise RefusedError(f"{name} isn't known to only read")
        parsed = sort_words(reader, rest)
        if reader.check is not None:
            reader.check(parsed)
        uses = uses_of(reader, parsed, piped=piped)
        text = [word for word in rest if word.globs and not any(use.word is word for use in uses)]
        return uses + [Use(word, Depth.CONTENT) for word in text if not word.text.startswith("-")]

    def _git_place(self, words: tuple[Word, ...], directory: Path) -> tuple[tuple[Word, ...], Path]:
        """What is after `-C DIRECTORY` at the beginning, and where git goes by it."""
        if len(words) < 3 or words[0].text != "-C" or any(word.globs for word in words[:2]):
            return words, directory
        target = words[1].text
        if not target or target.startswith("-"):
            raise RefusedError("it isn't known where git goes")
        return words[2:], self.reach.check_directory(directory / target)

    def _note(self, check: Callable[[], None]) -> bool:
        """Whether a check passes; why not is noted."""
        try:
            check()
        except RefusedError as error:
            self.sensitive = self.sensitive or isinstance(error, SensitiveError)
            self._ask(str(error))
            return False
        return True

    def _ask(self, reason: str) -> None:
        self.reason = self.reason or reason
