"""What an `ask` sends beside its question: a template's text, and the system text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatterm.config import TOOLS, Config
from chatterm.oneshot.options import AskOptions
from chatterm.prompts.standing import Guidance, Standing, guidance

if TYPE_CHECKING:
    from chatterm.oneshot.tooling import AskTooling
    from chatterm.prompts.template import Template
    from chatterm.session import Session


@dataclass(frozen=True, slots=True)
class Templated:
    """Options with what a template makes of them.

    Attributes:
        options: The options.
        template: The template; None where none was named.
    """

    options: AskOptions
    template: Template | None = None


def with_template(options: AskOptions, config: Config, warn: Callable[[str], None]) -> Templated:
    """The options as the template has them that they name. What they say themselves goes first.

    Raises:
        UsageError: There is no such template, or an argument of it is missing.
        ConfigFileError: Something in it is wrong.
    """
    if options.template is None:
        return Templated(options)
    from chatterm.prompts.opening import open_library
    from chatterm.prompts.template import Words

    template = open_library().find(options.template)
    given = () if options.words == ("-",) else options.words
    message = template.filled(Words.of(given))
    made = replace(
        options,
        words=(message,) if message else (),
        model=options.model or template.head.model,
        effort=options.effort or template.head.effort,
        tools=_tools(options, config, template),
    )
    if options.tools and not made.tools:
        warn(f"the template {template.name} leaves none of these tools")
        made = replace(made, allow=(), deny=(), yes=False, sandbox=None)
    return Templated(made, template)


def guide(
    templated: Templated,
    config: Config,
    session: Session,
    tooling: AskTooling | None,
    wish: str | None,
) -> Guidance:
    """The system text, and what is recorded and told of it.

    Of system prompts the first counts: the command line's, the conversation's own, the template's,
    what is configured. The first three are the conversation's own from then on.

    Args:
        templated: The options.
        config: The configuration.
        session: The conversation.
        tooling: The tools; None where there are none.
        wish: What the model is told of the form of its answer.

    Raises:
        StoreError: What the conversation holds can't be read.
    """
    options, template = templated.options, templated.template
    standing = Standing.of(session.last_settings)
    if options.system is not None:
        standing = replace(standing, system=options.system)
    elif standing.system is None and template is not None:
        standing = replace(standing, system=template.head.system)
    if options.instructions is not None:
        standing = replace(standing, instructions=options.instructions)
    found = None
    if _wants_instructions(standing, config, has_tools=tooling is not None):
        from chatterm.prompts.opening import open_instructions

        places = tooling.tooling.ground.places if tooling is not None else None
        found = open_instructions(config, places).look()
    made = guidance(
        standing,
        configured=config.generation.system,
        found=found,
        place=tooling.tooling.system if tooling is not None else None,
        wish=wish,
    )
    if template is None:
        return made
    return replace(made, noted=made.noted | {"template": template.qualified})


def _tools(options: AskOptions, config: Config, template: Template) -> tuple[str, ...]:
    """The tools of the turn: the user's template may name them, a project's only leave some out."""
    wanted = template.head.tools
    if wanted is None or (options.tools and not template.project):
        return options.tools
    if not template.project:
        return wanted
    named: list[str] = []
    for name in options.tools:
        named += config.tools.enabled if name == "all" else [name]
    return tuple(name for name in named if name in wanted or name not in TOOLS)


def _wants_instructions(standing: Standing, config: Config, *, has_tools: bool) -> bool:
    if standing.instructions is not None:
        return standing.instructions
    settings = config.instructions
    return settings.enabled and (
        settings.ask == "always" or (settings.ask == "tools" and has_tools)
    )
