r"""A template: a Markdown file that becomes a message, once it is given what it asks for.

Its text has placeholders: `{{name}}` is an argument, `{{arguments}}` what was given and no argument
took, as it was written. `\{{` is two plain braces; braces around anything but a name stay as they
are. What is put in isn't looked at again, and nothing in a template is ever run or included.

Arguments are declared in the head. Where none is, those that the text names are asked for, in the
order in which it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatterm.config.load import nearest, parse_table
from chatterm.config.paths import ConfigFileError, KeyPath, Problem, line_of, lines_of_keys
from chatterm.errors import UsageError
from chatterm.prompts.head import ALL, Argument, Head

_PLACEHOLDER = re.compile(r"\\(?P<plain>\{\{)|\{\{[ \t]*(?P<name>[A-Za-z][A-Za-z0-9_-]*)[ \t]*\}\}")
_FENCE = re.compile(r"\+\+\+[ \t]*\n")
_WORD = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"(?=\s|$)|(?P<plain>\S+)')
_ESCAPED = re.compile(r'\\(["\\])')
# A stranger's file says what is asked; who is asked, and what that costs, is the user's to say.
_FOR_THE_USER = ("model", "effort")


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        name: What it is called by.
        path: Its file.
        project: It came with the project: a stranger may have written it.
        head: What its head says.
        arguments: What is given to it, in order.
        text: The text with its placeholders.
    """

    name: str
    path: Path
    project: bool
    head: Head
    arguments: tuple[Argument, ...]
    text: str

    @property
    def qualified(self) -> str:
        """Its name, with whose it is: `project:review`."""
        return f"{'project' if self.project else 'user'}:{self.name}"

    @property
    def takes(self) -> str:
        """What may follow its name, for people: `LANGUAGE [STYLE]`."""
        named = (
            each.name.upper() if each.default is None else f"[{each.name.upper()}]"
            for each in self.arguments
        )
        return " ".join(named) or "[TEXT]"

    def needs(self) -> bool:
        """Whether it can't be used with nothing given."""
        return any(each.default is None for each in self.arguments)

    def filled(self, given: Words) -> str:
        """The message.

        Raises:
            UsageError: An argument is missing, or there is more than it takes.
        """
        values = _bound(self, given)
        if not self.uses(ALL) and not self.arguments and given.text:
            return "\n\n".join(filter(None, (self.text, given.text)))
        return _PLACEHOLDER.sub(
            lambda found: found["plain"] or values.get(found["name"], found[0]), self.text
        )

    def uses(self, name: str) -> bool:
        """Whether the text has a placeholder of that name."""
        return any(found["name"] == name for found in _PLACEHOLDER.finditer(self.text))


class Words:
    """What is given to a template: words, and all of it as it was written.

    Attributes:
        words: The words; quotes around one are gone.
        text: The whole.
    """

    def __init__(self, words: Sequence[str], text: str, starts: Sequence[int] | None) -> None:
        self.words = tuple(words)
        self.text = text
        self._starts = starts

    @staticmethod
    def of(words: Sequence[str]) -> Words:
        """Words that a shell has told apart."""
        return Words(words, " ".join(words).strip(), None)

    @staticmethod
    def typed(text: str) -> Words:
        """A text: double quotes around a word keep its blanks."""
        text = text.strip()
        words, starts = [], []
        for found in _WORD.finditer(text):
            quoted = found["quoted"]
            words.append(found["plain"] if quoted is None else _ESCAPED.sub(r"\1", quoted))
            starts.append(found.start())
        return Words(words, text, starts)

    def rest(self, indices: Sequence[int]) -> str:
        """The words of these places, together; the last ones as they were written."""
        first = indices[0]
        to_the_end = list(indices) == list(range(first, len(self.words)))
        if self._starts is None or not to_the_end or len(indices) == 1:
            return " ".join(self.words[each] for each in indices)
        return self.text[self._starts[first] :]


def parse(text: str, name: str, path: Path, *, project: bool) -> Template:
    """Read a template.

    Args:
        text: The text of its file.
        name: What it is called by.
        path: Its file, for messages.
        project: It came with the project, and may say less.

    Raises:
        ConfigFileError: Something in it is wrong.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    opening = _FENCE.match(text)
    if opening is None:
        if re.match(r"---[ \t]*\n[ \t]*[\w-]+[ \t]*:", text):
            what = "a template's head is TOML between two lines of +++, not YAML between ---"
            raise ConfigFileError(path, [Problem("", what, 1)])
        head, body, above, toml = Head(), text, 0, ""
    else:
        closing = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE).search(text, opening.end())
        if closing is None:
            what = "the head that begins with +++ has no +++ at its end"
            raise ConfigFileError(path, [Problem("", what, 1)])
        toml = "\n" + text[opening.end() : closing.start()]  # lines are counted from the file's top
        body, above = text[closing.end() :], text.count("\n", 0, closing.end())
        head = parse_table(Head, toml, path)
    arguments = head.arguments or tuple(_named(body))
    problems = [*_wrong_head(head, toml, project), *_wrong_body(head, body, above)]
    if not body.strip() and head.system is None:
        problems.append(Problem("", "has neither a text nor a system prompt"))
    if problems:
        raise ConfigFileError(path, sorted(problems, key=lambda each: each.line or 0))
    return Template(name, path, project, head, arguments, body.strip())


def _named(body: str) -> Iterator[Argument]:
    """The arguments that a text names and no head declares."""
    names = (found["name"] for found in _PLACEHOLDER.finditer(body))
    for name in dict.fromkeys(names):
        if name not in (None, ALL):
            yield Argument(name=name)


def _wrong_head(head: Head, toml: str, project: bool) -> Iterator[Problem]:
    lines = lines_of_keys(toml)

    def problem(where: KeyPath, shown: str, what: str) -> Problem:
        return Problem(shown, what, line_of(lines, where))

    if project:
        for key in _FOR_THE_USER:
            if getattr(head, key) is not None:
                what = "is not for a project's template: the user chooses who is asked, and how"
                yield problem((key,), key, what)
    seen: list[str] = []
    optional = ""
    for number, argument in enumerate(head.arguments):
        where: KeyPath = ("arguments", number, "name")
        shown = f"arguments[{number}].name"
        if argument.name in seen:
            yield problem(where, shown, f"there are two arguments named {argument.name}")
        if optional and argument.default is None:
            yield problem(where, shown, f"has no default, and follows {optional}, which has one")
        optional = optional or (argument.name if argument.default is not None else "")
        seen.append(argument.name)


def _wrong_body(head: Head, body: str, above: int) -> Iterator[Problem]:
    """Placeholders that no argument is declared for, and arguments that are used nowhere."""
    if not head.arguments:
        return
    declared = [each.name for each in head.arguments]
    used = set()
    for found in _PLACEHOLDER.finditer(body):
        name = found["name"]
        used.add(name)
        if name is not None and name not in (*declared, ALL):
            line = above + body.count("\n", 0, found.start()) + 1
            what = f"no argument is named {name}{nearest(name, (*declared, ALL))}"
            yield Problem("", what, line)
    for name in declared:
        if name not in used:
            yield Problem("arguments", f"{name} isn't used in the text: {{{{{name}}}}} would be it")


def _bound(template: Template, given: Words) -> dict[str, str]:
    """The value of each argument, and of `{{arguments}}`.

    `name=value` gives a declared argument wherever it stands. The other words are taken in order,
    and what is left of them is all the last one's; where the text has `{{arguments}}`, each takes
    one word, and what is left stands there.
    """
    names = [each.name for each in template.arguments]
    values: dict[str, str] = {}
    left: list[int] = []
    for index, word in enumerate(given.words):
        name, equals, value = word.partition("=")
        if equals and name in names and name not in values:
            values[name] = value
        else:
            left.append(index)
    open_ = [name for name in names if name not in values]
    while left and open_:
        name = open_.pop(0)
        one = open_ or template.uses(ALL)
        taken, left = (left[:1], left[1:]) if one else (left, [])
        values[name] = given.rest(taken)
    values[ALL] = given.rest(left) if names and left else "" if names else given.text
    if left and names and not template.uses(ALL):
        over = " ".join(given.words[index] for index in left)
        raise UsageError(
            f"{template.name} takes {template.takes}, and {over[:40]!a} is more",
            hint='quotes keep words together: name="several words"',
        )
    for argument in template.arguments:
        if argument.name not in values:
            if argument.default is None:
                about = f" ({argument.about})" if argument.about else ""
                raise UsageError(
                    f"{template.name} needs {argument.name}{about}",
                    hint=f"it takes {template.takes}; {argument.name}=… gives it by its name",
                )
            values[argument.name] = argument.default
    return values
