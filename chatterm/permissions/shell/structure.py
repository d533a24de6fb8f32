"""What a line is made of: commands, pipes, lists and groups, bound as bash binds them.

tree-sitter's grammar binds some lines differently: it takes `a && b 2>x` for a list that is
redirected as a whole, and `a || b 2>x | c` for a pipe with a list in it. Of a list in a pipe, only
where it ends counts for bash; so what is put together here is put right, and where `cd` leads is
followed as bash goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatterm.permissions.shell.words import Word


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection: `2>/dev/null` has the descriptor 2, the operator > and a target."""

    operator: str
    descriptor: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple command: its words, the program first, and its redirections."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Statements joined by `&&`, `||` or `;` (a newline is one); `operators` stand between them.

    They are followed from left to right; no part is a `Joined` itself.
    """

    parts: tuple[Statement, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piped:
    """Statements whose output goes into the next one; none is a `Joined`."""

    parts: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """A statement in a subshell, with redirections of the whole."""

    body: Statement
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Negated:
    """A command, a pipe or a group whose success counts as failure."""

    body: Statement


Statement = Simple | Joined | Piped | Grouped | Negated


def joined(parts: Sequence[Statement], operators: Sequence[str]) -> Statement:
    """Statements one after the other; lists in them become part of the whole."""
    flat: list[Statement] = []
    between: list[str] = []
    for part, before in zip(parts, ["", *operators], strict=True):
        inside = part if isinstance(part, Joined) else Joined((part,), ())
        flat += inside.parts
        between += (*filter(None, [before]), *inside.operators)
    return flat[0] if len(flat) == 1 else Joined(tuple(flat), tuple(between))


def piped(parts: Sequence[Statement]) -> Statement:
    """A pipe; of a list in it, the end that is next to a `|` belongs to the pipe and no more."""
    done: list[Statement] = []
    operators: list[str] = []
    current: list[Statement] = []
    for part in parts:
        inside = part if isinstance(part, Joined) else Joined((part,), ())
        first, *rest = inside.parts
        current.append(first)
        for following, operator in zip(rest, inside.operators, strict=True):
            done.append(_pipe(current))
            operators.append(operator)
            current = [following]
    return joined([*done, _pipe(current)], operators)


def negated(body: Statement) -> Statement:
    """A statement after `!`, which is about the first pipe."""
    if isinstance(body, Joined):
        first, *rest = body.parts
        return Joined((Negated(first), *rest), body.operators)
    return Negated(body)


def redirected(body: Statement, redirects: Sequence[Redirect]) -> Statement:
    """A statement with redirections after it, which are the last command's."""
    if not redirects:
        return body
    match body:
        case Simple(words, before):
            return Simple(words, (*before, *redirects))
        case Grouped(inside, before):
            return Grouped(inside, (*before, *redirects))
        case Negated(inside):
            return Negated(redirected(inside, redirects))
        case Piped(parts):
            return Piped((*parts[:-1], redirected(parts[-1], redirects)))
        case Joined(parts, operators):
            return Joined((*parts[:-1], redirected(parts[-1], redirects)), operators)


def commands_of(statement: Statement) -> Iterator[Simple]:
    """The simple commands of a statement, in order."""
    match statement:
        case Simple():
            yield statement
        case Joined(parts=parts) | Piped(parts=parts):
            for part in parts:
                yield from commands_of(part)
        case Grouped(body=body) | Negated(body=body):
            yield from commands_of(body)


def _pipe(parts: Sequence[Statement]) -> Statement:
    return parts[0] if len(parts) == 1 else Piped(tuple(parts))
