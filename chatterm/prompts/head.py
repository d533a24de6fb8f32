"""What may stand in the head of a template: TOML between two lines of `+++`.

The annotations are read like those of `config/schema.py`, so this module keeps them as objects.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from chatterm.config.schema import Effort, ToolName

ALL = "arguments"
"""The placeholder of everything that was given."""

_NAME = r"[A-Za-z][A-Za-z0-9_-]*"


def _argument_name(value: str) -> str | None:
    if not re.fullmatch(_NAME, value):
        return "must be letters, digits, - and _, a letter first"
    return f"is what stands for all else that is given: {{{{{ALL}}}}}" if value == ALL else None


def _filled(value: str) -> str | None:
    return None if value.strip() else "must not be empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """Something that is given to a template.

    Attributes:
        name: What its placeholder is called.
        default: What stands for it when it isn't given; None: it has to be.
        about: What it is, for people.
    """

    name: Annotated[str, _argument_name]
    default: str | None = None
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a template.

    Attributes:
        description: What it is for.
        arguments: What is given to it, in order.
        system: The system prompt that goes with it.
        model: Who is asked.
        effort: How hard to think.
        tools: The only tools that its turn has; None leaves them as they are.
    """

    description: str = ""
    arguments: tuple[Argument, ...] = ()
    system: Annotated[str | None, _filled] = None
    model: Annotated[str | None, _filled] = None
    effort: Effort | None = None
    tools: tuple[ToolName, ...] | None = None
