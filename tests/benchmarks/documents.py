"""The documents that benchmarks render: realistic answers, and what breaks renderers."""

from __future__ import annotations

import random
from collections.abc import Iterator

_PROSE = (
    "the parser keeps a partial event in its buffer until a blank line ends it so a stream that "
    "closes early loses what was there and nothing tells the reader which is why finish has to be "
    "called when the body ends whether or not the server said that it was done"
)
_WORDS = _PROSE.split()


def answer(characters: int, seed: int = 1) -> str:
    """A realistic answer of about so many characters: prose, lists, code, tables, quotes."""
    chance = random.Random(seed)
    parts: list[str] = []
    length = 0
    while length < characters:
        part = chance.choices((_prose, _list, _code, _table, _quote, _heading), (8, 4, 3, 1, 1, 2))
        parts.append(part[0](chance))
        length += len(parts[-1]) + 2
    return "\n\n".join(parts)[:characters]


def pathological() -> Iterator[tuple[str, str]]:
    """Names and texts of documents of which one part is as large as a document."""
    chance = random.Random(2)
    yield "a fence of 5,000 lines", "```python\n" + _lines(chance, 5000) + "\n```\n"
    items = (f"- {_sentence(chance)}" for _ in range(2000))
    yield "a list of 2,000 items", "\n".join(items)
    row = "| {} | {} | {} |"
    rows = (row.format(n, _sentence(chance, 4), _sentence(chance, 3)) for n in range(500))
    yield "a table of 500 rows", "\n".join([row.format("a", "b", "c"), "|---|---|---|", *rows])
    yield "a paragraph of 200 kB", " ".join(_sentence(chance) for _ in range(3500))[:200_000]
    yield "100 kB without a blank", "x" * 100_000
    nested = (f"{'  ' * (n % 40)}- {_sentence(chance, 6)}" for n in range(2000))
    yield "a deeply nested list", "\n".join(nested)
    quoted = (f"{'> ' * (n % 50 + 1)}{_sentence(chance, 6)}" for n in range(1000))
    yield "deeply nested quotes", "\n".join(quoted)
    yield "brackets that nothing closes", "[" * 50_000
    yield "emphasis that nothing closes", "**a _b " * 10_000
    wide = ("日本語の文章と👩‍👩‍👧‍👦 の絵文字 " for _ in range(4000))
    yield "wide characters and emoji", "".join(wide)


def coloured_lines(count: int) -> str:
    """Output of a tool in colours, a line a test."""
    line = "\x1b[32mPASSED\x1b[0m tests/test_\x1b[1mpart{0}\x1b[0m.py::test_{0} \x1b[38;5;{1}m{1}%"
    return "".join(f"{line.format(n, n % 100)}\x1b[0m [{'=' * (n % 30)}]\n" for n in range(count))


def _sentence(chance: random.Random, words: int = 12) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


def _prose(chance: random.Random) -> str:
    sentences = []
    for _ in range(chance.randint(2, 6)):
        words = chance.choices(_WORDS, k=chance.randint(6, 20))
        at = chance.randrange(len(words))
        words[at] = chance.choice(("**{}**", "*{}*", "`{}`", "[{}](https://example.org/a)")).format(
            words[at]
        )
        sentences.append(" ".join(words).capitalize() + ".")
    return " ".join(sentences)


def _list(chance: random.Random) -> str:
    mark = chance.choice(("- {}", "{n}. {}", "- [ ] {}"))
    items = []
    for number in range(1, chance.randint(3, 9)):
        items.append(mark.format(_sentence(chance), n=number))
        if chance.random() < 0.3:
            items.append(f"   - {_sentence(chance, 6)}")
    return "\n".join(items)


def _code(chance: random.Random) -> str:
    return f"```python\n{_lines(chance, chance.randint(4, 25))}\n```"


def _lines(chance: random.Random, count: int) -> str:
    made = []
    for number in range(count):
        name, value = chance.choice(_WORDS), chance.randrange(1000)
        made.append(
            chance.choice(
                (
                    f"    {name}_{number} = {value} + len('{_sentence(chance, 3)}')",
                    f"    if {name} > {value}:  # {_sentence(chance, 5)}",
                    f"        return self._{name}({value}, '{name}')",
                    "",
                )
            )
        )
    return f"def {chance.choice(_WORDS)}(self):\n" + "\n".join(made)


def _table(chance: random.Random) -> str:
    rows = [
        f"| {chance.choice(_WORDS)} | {chance.randrange(9999)} | {_sentence(chance, 4)} |"
        for _ in range(chance.randint(3, 10))
    ]
    return "\n".join(["| name | count | what |", "|---|---:|---|", *rows])


def _quote(chance: random.Random) -> str:
    return "\n".join(f"> {_sentence(chance)}" for _ in range(chance.randint(1, 4)))


def _heading(chance: random.Random) -> str:
    return f"{'#' * chance.randint(1, 4)} {_sentence(chance, 4).capitalize()}"
