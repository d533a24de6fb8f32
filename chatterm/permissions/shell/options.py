"""Options as programs read them: which of a command's words are options, values and operands.

Only what a `Reader` lists is taken for an option; any other word that begins with a dash is
refused. So a bundle of short options is read letter by letter, and an abbreviated long option,
which may stand for one that isn't listed, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from chatterm.permissions.shell.words import Word

_NUMBER = re.compile(r"[-+]?[0-9]+[kKmMgGbB]?")
# Types of files by which ripgrep chooses, as far as none of their names may be a sensitive one's.
_TYPES = {
    "c": ("*.c", "*.h", "*.cats", "*.H"),
    "cpp": ("*.cpp", "*.cc", "*.cxx", "*.C", "*.h", "*.hh", "*.hpp", "*.hxx", "*.inl", "*.H"),
    "css": ("*.css", "*.scss"),
    "go": ("*.go",),
    "html": ("*.htm", "*.html", "*.ejs"),
    "java": ("*.java", "*.jsp", "*.jspx", "*.properties"),
    "js": ("*.js", "*.jsx", "*.cjs", "*.mjs", "*.vue"),
    "markdown": ("*.markdown", "*.md", "*.mdown", "*.mdwn", "*.mdx", "*.mkd", "*.mkdn"),
    "md": ("*.markdown", "*.md", "*.mdown", "*.mdwn", "*.mdx", "*.mkd", "*.mkdn"),
    "py": ("*.py", "*.pyi"),
    "python": ("*.py", "*.pyi"),
    "rust": ("*.rs",),
    "swift": ("*.swift",),
    "ts": ("*.ts", "*.tsx", "*.cts", "*.mts"),
    "typescript": ("*.ts", "*.tsx", "*.cts", "*.mts"),
}


class RefusedError(Exception):
    """A command may do more than read; the message says why, as a clause for people."""


class Operands(Enum):
    """What the words that are no options stand for."""

    PATHS = auto()  # files whose content is read
    NAMES = auto()  # files of which only names and attributes are read
    TEXT = auto()  # no files
    PATTERN = auto()  # a pattern, unless an option gives it, then files whose content is read
    NAME_PATTERN = auto()  # a pattern, then directories whose names are read
    NONE = auto()


_READ = frozenset({Operands.PATHS, Operands.PATTERN})


class Depth(Enum):
    """How far reading a path goes."""

    CONTENT = auto()  # the file itself
    NAMES = auto()  # names and attributes, of what is below as well
    TREE = auto()  # the content of everything below
    VISIBLE = auto()  # of everything below that is neither hidden nor ignored
    UNHIDDEN = auto()  # of everything below that isn't ignored
    FOLLOWED = auto()  # of everything below, links followed

    @property
    def skips_ignored(self) -> bool:
        """Whether what a repository ignores is left out."""
        return self in {Depth.VISIBLE, Depth.UNHIDDEN}


@dataclass(frozen=True, slots=True)
class Use:
    """A path that a command reads.

    Attributes:
        word: The path; None for the current directory.
        depth: How far it is read.
        only: Of what is below, only files whose names fit one of these patterns; empty for all.
        without: The names of directories below that are left out.
    """

    word: Word | None
    depth: Depth
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(slots=True)
class Parsed:
    """A command's words, sorted.

    Attributes:
        options: The options given, each with its dashes, and its values.
        operands: What is no option.
        doubtful: Values of options that come after an operand. For a program that reads no option
            there, as those of BSD do, they are operands.
    """

    options: dict[str, list[Word | None]] = field(default_factory=dict)
    operands: list[Word] = field(default_factory=list)
    doubtful: list[Word] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether one of these options is given."""
        return any(name in self.options for name in names)


@dataclass(frozen=True, slots=True)
class Reader:
    """A program that only reads when it is given nothing but these options.

    Attributes:
        short: Its short options without a value.
        short_values: Its short options with a value.
        short_maybe: Its short options with a value only where it is attached, as in `-w16`.
        long: Its long options, in full, separated by blanks: `name` takes no value, `name=` one,
            `name?` one after an equals sign or none.
        operands: What its operands stand for.
        most: How many operands it may have: the next one would be written.
        paths: Options whose value is a file that is read.
        patterns: Options that give the pattern.
        globs: Whether no option of it does harm at all, listed or not, so that a pattern of file
            names may become one.
        numbers: Whether a number may be an option, as in `head -20`.
        here: Whether it reads the current directory when no file is named; `first`: only where its
            input isn't a pipe.
        depth: How far it reads below a directory.
        deeper: Options that make it read further.
        only: Options that name patterns of the files that are read below a directory.
        without: Options that name directories that are left out.
        types: Options that name a type of the files that are read below a directory.
        twice: Options with two values.
        attached: Whether a value other than a number may follow its option in one word.
        bundles: Whether short options may stand together in a word: where not, the program would
            read the word as another option than its letters.
        endings: What it adds to a name that no file has.
        first: Whether options end at the first operand, so that one after it is a file or another
            program's.
        check: A further look at the sorted words.
    """

    short: str = ""
    short_values: str = ""
    short_maybe: str = ""
    long: str = ""
    operands: Operands = Operands.PATHS
    most: int | None = None
    paths: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    globs: bool = False
    numbers: bool = False
    here: str = ""
    depth: Depth = Depth.CONTENT
    deeper: tuple[tuple[str, Depth], ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    twice: frozenset[str] = frozenset()
    attached: bool = True
    bundles: bool = True
    endings: tuple[str, ...] = ()
    first: bool = False
    check: Callable[[Parsed], None] | None = None


def sort_words(reader: Reader, words: Sequence[Word]) -> Parsed:
    """Sort a command's words, the program left out.

    Raises:
        RefusedError: A word may be an option that isn't listed.
    """
    parsed = Parsed()
    longs = _longs(reader.long)
    left = list(reversed(words))
    only_operands = False
    while left:
        word = left.pop()
        if only_operands or not word.text.startswith("-") or word.text == "-":
            _check_glob(reader, word, only_operands=only_operands)
            parsed.operands.append(word)
        elif word.text == "--":
            only_operands = True
        elif reader.first and parsed.operands:
            raise RefusedError(f"{word.text} may be no option where it stands")
        elif reader.numbers and not word.globs and _NUMBER.fullmatch(word.text):
            parsed.options.setdefault("-#", []).append(word)
        elif word.text.startswith("--"):
            _long(reader, word, longs, left, parsed)
        else:
            _bundle(reader, word, left, parsed)
    return parsed


def uses_of(reader: Reader, parsed: Parsed, *, piped: bool) -> list[Use]:
    """What a command reads.

    Raises:
        RefusedError: It has an operand too many.
    """
    operands = list(parsed.operands)
    if reader.most is not None and len(operands) > reader.most:
        raise RefusedError("one of its operands may be written")
    if reader.most is not None and any(word.globs for word in operands):
        raise RefusedError("a pattern may become more operands than one")
    named = [
        value
        for name in sorted(reader.paths)
        for value in parsed.options.get(name, ())
        if value is not None
    ]
    if any(value.globs for value in named):
        raise RefusedError("a pattern in an option's value may become more than one")
    uses = [Use(value, Depth.CONTENT) for value in named if value.text != "-"]
    if reader.operands in _READ:
        uses += [Use(value, Depth.CONTENT) for value in parsed.doubtful]
    placed = bool(operands)
    depth = next((deep for name, deep in reader.deeper if parsed.has(name)), reader.depth)
    match reader.operands:
        case Operands.NONE if operands:
            raise RefusedError("it may do more with operands")
        case Operands.TEXT | Operands.NONE:
            return uses
        case Operands.PATTERN | Operands.NAME_PATTERN:
            if operands and not parsed.has(*reader.patterns):
                placed = len(operands) > 1
                if not operands[0].globs:  # else it may become files as well as what is sought
                    operands = operands[1:]
    if reader.operands in {Operands.NAMES, Operands.NAME_PATTERN}:
        depth = Depth.NAMES
    # What an option leaves out may come before what others let in: then the rest is let in, too.
    let_in = () if parsed.has("--exclude", "--exclude-from") else reader.only
    only = tuple(text for text in _texts(parsed, let_in) if not text.startswith("!"))
    only += _patterns_of_types(_texts(parsed, reader.types))
    without = tuple(name for name in _texts(parsed, reader.without) if name.isidentifier())
    uses += [Use(word, depth, only, without) for word in operands if word.text != "-"]
    uses += [
        Use(Word(f"{word.text}{ending}", word.start, word.end, quoted=word.quoted), depth)
        for word in operands
        for ending in reader.endings
        if not word.globs
    ]
    here = reader.here == "always" or (reader.here == "first" and not piped)
    if here and not placed and depth is not Depth.CONTENT:
        uses.append(Use(None, depth, only, without))
    return uses


def _patterns_of_types(types: Sequence[str]) -> tuple[str, ...]:
    """What files of these types are called; nothing where one isn't known."""
    if any(name not in _TYPES for name in types):
        return ()
    return tuple(pattern for name in types for pattern in _TYPES[name])


def _texts(parsed: Parsed, names: tuple[str, ...]) -> list[str]:
    return [word.text for name in names for word in parsed.options.get(name, ()) if word]


def _longs(names: str) -> dict[str, str]:
    found = {}
    for name in names.split():
        bare = name.rstrip("=?")
        found[f"--{bare}"] = name[len(bare) :]
    return found


def _long(
    reader: Reader, word: Word, longs: dict[str, str], left: list[Word], parsed: Parsed
) -> None:
    name, equals, value = word.text.partition("=")
    if name in reader.twice and not equals:
        values = [_value(name, left, parsed), _value(name, left, parsed)]
        parsed.options.setdefault(name, []).extend(values)
        return
    kind = longs.get(name)
    if kind is None:
        raise RefusedError(f"the option {name} isn't known to only read")
    if word.globs and (not equals or word.literal <= len(name)):
        raise RefusedError(f"a pattern in {word.text} may become another option")
    if equals:
        if not kind:
            raise RefusedError(f"the option {name} takes no value")
        parsed.options.setdefault(name, []).append(_part(word, len(name) + 1))
    elif kind == "=":
        parsed.options.setdefault(name, []).append(_value(name, left, parsed))
    else:
        parsed.options.setdefault(name, []).append(None)
    if equals and not value and kind == "=":
        parsed.options[name][-1] = None


def _bundle(reader: Reader, word: Word, left: list[Word], parsed: Parsed) -> None:
    """Short options, which may stand together; the last may have a value."""
    for at, letter in enumerate(word.text[1:], 1):
        name = f"-{letter}"
        if word.globs and at >= word.literal:
            raise RefusedError(f"a pattern in {word.text} may become another option")
        if at > 1 and not reader.bundles:
            raise RefusedError(f"{word.text} isn't read letter by letter")
        whole = at + 1 == len(word.text)
        if letter in reader.short_maybe and not whole:
            parsed.options.setdefault(name, []).append(_part(word, at + 1))
            return
        if letter in reader.short_values:
            if not whole and not (reader.attached or word.text[at + 1 :].isdigit()):
                raise RefusedError(f"what follows {name} may be options, too")
            value = _value(name, left, parsed) if whole else _part(word, at + 1)
            parsed.options.setdefault(name, []).append(value)
            return
        if letter not in reader.short and letter not in reader.short_maybe:
            raise RefusedError(f"the option {name} isn't known to only read")
        parsed.options.setdefault(name, []).append(None)


def _value(name: str, left: list[Word], parsed: Parsed) -> Word | None:
    if not left:
        return None
    word = left.pop()
    if word.globs:
        raise RefusedError(f"a pattern after {name} may become more words than one")
    if word.text.startswith("-") and not _NUMBER.fullmatch(word.text) and word.text != "-":
        raise RefusedError(f"what follows {name} may be another option")
    if parsed.operands:
        parsed.doubtful.append(word)
    return word


def _part(word: Word, start: int) -> Word:
    """The rest of a word, as a word; one with pattern characters stays known as such."""
    return Word(word.text[start:], word.start, word.end, word.pattern, quoted=word.quoted)


def _check_glob(reader: Reader, word: Word, *, only_operands: bool) -> None:
    """A pattern at the beginning of a word may become an option of any kind."""
    if word.globs and not word.literal and not reader.globs and not only_operands:
        raise RefusedError("a pattern may become an option")
