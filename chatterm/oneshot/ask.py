"""`ask` from its options to its exit status."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatterm.agent.interrupt import Interrupt
from chatterm.config import (
    EFFORTS,
    Config,
    ResolvedModel,
    config_path,
    load_config,
)
from chatterm.errors import (
    ChattermError,
    ErrorKind,
    ExitStatus,
    OutputError,
    StoreError,
    UsageError,
)
from chatterm.events import Event, StepFinished, TurnFinished
from chatterm.oneshot.answer import answer_text, first_code_block, json_in_reply, misfit
from chatterm.oneshot.gather import gather_input
from chatterm.oneshot.guiding import guide, with_template
from chatterm.oneshot.narrator import Narrator
from chatterm.oneshot.options import AskOptions, Format
from chatterm.oneshot.output import FileOutput, Output, standard_output
from chatterm.oneshot.printers import (
    CollectingPrinter,
    JsonLinesPrinter,
    JsonPrinter,
    PlainSink,
    Printer,
    Sink,
    TextPrinter,
)
from chatterm.oneshot.run import Result, exit_status, run_ask
from chatterm.providers.base import Provider, Settings
from chatterm.providers.naming import model_for
from chatterm.providers.registry import open_provider
from chatterm.render.console import (
    is_terminal,
    print_error,
    wants_colour,
    wants_styles,
    write_error,
)
from chatterm.render.wordwrap import width_of
from chatterm.session import Prompt, Session
from chatterm.steps import FinishReason, NoticeStep, TurnStatus, UserInput

if TYPE_CHECKING:
    from chatterm.agent.pricing import Price
    from chatterm.oneshot.tooling import AskTooling
    from chatterm.prompts.standing import Guidance
    from chatterm.store import Store

_INCOMPLETE = {
    FinishReason.LENGTH: "the answer was cut off at the token limit",
    FinishReason.CONTENT_FILTER: "the provider's content filter stopped the answer",
    FinishReason.REFUSAL: "the model declined",
}
# Fields of a request by which a provider may be given tools that want the user's approval.
_OF_TOOLS = frozenset({"tools", "prompt"})
_SCHEMA_REQUEST = (
    "Reply with one JSON value that fits this JSON Schema, and nothing else: "
    "no explanation and no code fence.\n\n"
)


def ask(options: AskOptions) -> int:
    """Ask, print the answer, and return the exit status.

    Raises:
        ChattermError: The turn couldn't begin. In the JSON formats that was printed as well.
    """
    options = _anchored(options)
    output = FileOutput(options.output) if options.output else standard_output()
    keep = False
    try:
        with _told_in_json(options, output):
            keep = True
            prepared = _Prepared(options, output)
        status, keep = prepared.run()
        return status
    finally:
        output.close(keep=keep and output.written)


class _Prepared:
    """Everything that can be wrong before the turn begins, found out."""

    def __init__(self, options: AskOptions, output: Output) -> None:
        self._options = options
        self._output = output
        self._on_terminal = os.isatty(output.number)
        self._format = _chosen_format(options, output)
        self._schema = _read_schema(options.schema) if options.schema else None
        if options.effort is not None and options.effort not in EFFORTS:
            raise UsageError(
                f"there is no effort {options.effort!a}", hint=f"there are {', '.join(EFFORTS)}"
            )
        config = _load()
        self._narrator = _narrator(options, config)
        templated = with_template(options, config, self._narrator.warn)
        options = self._options = templated.options
        self._keep_days = config.store.keep_days
        self._store = _open_store(options, config)
        self._session = _session(options, self._store)
        model = options.model or _model_before(self._session)
        chosen = model_for(model, config, os.environ)
        user_input = gather_input(
            options.words, options.files, read_stdin=options.read_stdin, warn=self._narrator.warn
        )
        self._provider: Provider = open_provider(
            chosen,
            config,
            capture_dir=options.capture,
            pace=1.0 if self._on_terminal else 0.0,
        )
        self._tooling = _open_tooling(options, config, self._store, self._narrator, chosen)
        wish = _SCHEMA_REQUEST + json.dumps(self._schema, ensure_ascii=False)
        guidance = guide(
            templated, config, self._session, self._tooling, wish if self._schema else None
        )
        self._prompt = _prompt(
            options, config, chosen, self._provider, user_input, self._schema, guidance
        )
        self._context = config.context

    def run(self) -> tuple[int, bool]:
        """Run the turn; the exit status, and whether what was written is whole."""
        result = asyncio.run(self._ask())
        if self._session.branched:
            self._narrator.warn(
                "another process went on with this conversation meanwhile: this turn is a branch"
            )
        status = exit_status(result)
        if result.output_error is None and result.end is not None:
            status = self._print_extract(result, status)
        self._explain(result, status)
        return status, result.output_error is None

    async def _ask(self) -> Result:
        interrupt = Interrupt()
        try:
            return await run_ask(
                self._turn(interrupt),
                interrupt,
                self._printer(),
                self._output,
                timeout_s=self._options.timeout_s,
            )
        finally:
            await self._provider.aclose()
            if self._tooling is not None:
                self._tooling.close()
            if self._store is not None:
                self._forget_old(self._store)
                self._store.close()

    def _forget_old(self, store: Store) -> None:
        """Remove what the configuration doesn't keep any longer, now that nobody waits."""
        if self._keep_days:
            with suppress(StoreError):  # it is tried again the next time
                store.expire(self._keep_days)

    async def _turn(self, interrupt: Interrupt) -> AsyncGenerator[Event, None]:
        """The turn's events; room for it is made first, which is only told on standard error."""
        room = self._session.make_room(self._prompt, self._context, interrupt)
        async with aclosing(room) as events:
            async for event in events:
                if isinstance(event, StepFinished) and isinstance(event.step, NoticeStep):
                    self._narrator.warn(event.step.text)
        calls = self._tooling.tooling.toolbox if self._tooling else None
        running = self._session.run(self._prompt, calls=calls, interrupt=interrupt)
        async with aclosing(running) as events:
            async for event in events:
                yield event

    def _printer(self) -> Printer:
        ascii_only = self._on_terminal or self._options.sanitize
        match self._format:
            case Format.JSONL:
                return JsonLinesPrinter(self._output, ascii_only=ascii_only)
            case Format.JSON:
                return JsonPrinter(self._output, self._narrator, ascii_only=ascii_only)
        if self._collects:
            return CollectingPrinter(self._narrator)
        if self._format is Format.PRETTY:
            from chatterm.oneshot.pretty import PrettySink

            return self._text_printer(PrettySink(self._output))
        if ascii_only:
            from chatterm.render.sanitize import Sanitizer

            sanitizer = Sanitizer()
            return self._text_printer(PlainSink(self._output, sanitizer.feed, sanitizer.finish))
        return self._text_printer(PlainSink(self._output))

    def _text_printer(self, sink: Sink) -> TextPrinter:
        same_screen = self._on_terminal and is_terminal(sys.stderr)
        return TextPrinter(sink, self._narrator, same_screen=same_screen)

    @property
    def _collects(self) -> bool:
        return self._options.extract or self._schema is not None

    def _print_extract(self, result: Result, status: ExitStatus) -> ExitStatus:
        """Print what `--extract` or `--schema` want of the answer; only they do that."""
        if not self._collects:
            return status
        text = answer_text(result.steps)
        whole = result.end is not None and result.end.status is TurnStatus.COMPLETED
        try:
            wanted = self._wanted(text, whole=whole)
        except ValueError as problem:
            if whole:
                print_error(str(problem))
            if text and not self._options.quiet:
                write_error(_clean(text))  # what came is not lost
            return status or ExitStatus.SCHEMA
        try:
            clean = self._on_terminal or self._options.sanitize
            self._output.write(_clean(wanted) if clean else wanted.rstrip("\n") + "\n")
        except OutputError as error:
            result.output_error = error
            return exit_status(result)
        return status

    def _wanted(self, text: str, *, whole: bool) -> str:
        if self._schema is None:
            block = first_code_block(text, closed=not whole)
            if block is None:
                raise ValueError("there is no code block in the reply")
            return block
        value, source = json_in_reply(text)
        problem = misfit(value, self._schema)
        if problem is not None:
            raise ValueError(f"the reply doesn't fit the schema {self._options.schema}: {problem}")
        return source

    def _explain(self, result: Result, status: ExitStatus) -> None:
        """Say on standard error what went wrong."""
        if result.output_error is not None:
            if status is ExitStatus.OUTPUT:
                print_error(result.output_error.message, result.output_error.hint)
            return
        if result.store_error is not None:
            print_error(result.store_error.message, result.store_error.hint)
        if result.stopped_by is not None:
            return
        end = result.end
        if end is None:
            return
        if end.error is not None:
            request_id = f" (request {end.error.request_id})" if end.error.request_id else ""
            hint = end.error.hint
            if end.error.kind is ErrorKind.TOO_LONG and len(self._session.turns) > 1:
                hint = f"`chatterm history compact {self._session.id}` has older turns summarised"
            print_error(f"{end.error.message}{request_id}", hint)
        elif status is ExitStatus.INCOMPLETE and end.finish_reason in _INCOMPLETE:
            print_error(_INCOMPLETE[end.finish_reason])
        elif status is ExitStatus.COMPLETED and not _said_anything(result):
            self._narrator.warn("the model answered with nothing")
        elif status is ExitStatus.DENIED:
            print_error("a tool call was denied because nobody could be asked")


def _said_anything(result: Result) -> bool:
    return any(not isinstance(step, NoticeStep) for step in result.steps)


def _prompt(
    options: AskOptions,
    config: Config,
    chosen: ResolvedModel,
    provider: Provider,
    user_input: UserInput,
    schema: Mapping[str, Any] | None,
    guidance: Guidance,
) -> Prompt:
    generation = config.generation
    return Prompt(
        input=user_input,
        provider=provider,
        model=chosen.model,
        system=guidance.system,
        noted=guidance.noted,
        notices=guidance.notices,
        settings=Settings(
            temperature=generation.temperature,
            max_output_tokens=generation.max_output_tokens,
            effort=options.effort or generation.effort,
            thinking=None if generation.thinking else False,
            schema=schema,
        ),
        max_rounds=options.max_rounds or config.limits.max_rounds,
        max_cost_usd=config.limits.max_cost_usd,
        price=_price(chosen, config),
    )


def _price(chosen: ResolvedModel, config: Config) -> Price | None:
    """What works out costs; only for a limit that needs it, because its list loads slowly."""
    if config.limits.max_cost_usd is None:
        return None
    from chatterm.agent.pricing import price_for

    return price_for(chosen.model, chosen.provider)


def _open_tooling(
    options: AskOptions,
    config: Config,
    store: Store | None,
    narrator: Narrator,
    chosen: ResolvedModel,
) -> AskTooling | None:
    named = options.tools or options.allow or options.deny or options.yes or options.sandbox
    remote = chosen.provider.protocol == "responses" and not _OF_TOOLS.isdisjoint(
        chosen.provider.body
    )
    if not named and not remote:
        return None
    from chatterm.oneshot.tooling import open_ask_tooling  # an ask without tools loads none of it

    return open_ask_tooling(options, config, store, narrator, remote=remote)


def _open_store(options: AskOptions, config: Config) -> Store | None:
    """The store, when the turn is to be kept or goes on with one that is."""
    goes_on = options.go_on or options.resume is not None
    if not goes_on and not (options.save and config.store.save_ask):
        return None
    from chatterm.config import data_dir
    from chatterm.store import Store

    try:
        store = Store.open(
            data_dir(),
            persist_interval_ms=config.stream.persist_interval_ms,
            persist_min_chars=config.stream.persist_min_chars,
        )
    except StoreError as error:
        way_out = "" if goes_on else "--no-save asks without keeping the answer"
        hint = "; ".join(filter(None, (error.hint, way_out)))
        raise StoreError(error.message, hint=hint) from error
    for warning in store.warnings:
        print_error(warning)
    return store


def _session(options: AskOptions, store: Store | None) -> Session:
    here = str(Path.cwd())
    if store is None or not (options.go_on or options.resume is not None):
        return Session(store, origin="ask", directory=here)
    if options.resume is not None:
        return Session.resume(store, store.find(options.resume))
    newest = store.newest(directory=here, origin="ask")
    if newest is None:
        raise UsageError(
            f"no conversation was begun with `ask` in {here}",
            hint="`chatterm history list` lists all; `ask -r ID` goes on with any of them",
        )
    return Session.resume(store, newest)


def _model_before(session: Session) -> str | None:
    """The model that a conversation was held with last."""
    return session.turns[-1].model if session.turns else None


def _clean(text: str) -> str:
    from chatterm.render.sanitize import sanitize

    return sanitize(text).rstrip("\n") + "\n"


def _load() -> Config:
    where = config_path()
    return load_config(where.path, required=where.explicit)


def _anchored(options: AskOptions) -> AskOptions:
    """Paths on the command line are relative to the shell's directory, whatever `--cwd` says."""
    if options.directory is None:
        return options
    try:
        here = Path.cwd()
        anchored = replace(
            options,
            files=tuple(here / path for path in options.files),
            schema=here / options.schema if options.schema else None,
            output=here / options.output if options.output else None,
            capture=here / options.capture if options.capture else None,
        )
        os.chdir(options.directory)
    except OSError as error:
        raise UsageError(f"can't work in {options.directory}: {error.strerror or error}") from error
    return anchored


def _chosen_format(options: AskOptions, output: Output) -> Format:
    if (options.extract or options.schema) and options.format not in (None, Format.TEXT):
        name = "--extract" if options.extract else "--schema"
        raise UsageError(f"{name} and --format {options.format} don't go together")
    if options.extract and options.schema:
        raise UsageError("--extract and --schema don't go together")
    if options.format is not None:
        return options.format
    pretty = options.output is None and wants_styles(sys.stdout) and os.isatty(output.number)
    return Format.PRETTY if pretty else Format.TEXT


def _narrator(options: AskOptions, config: Config) -> Narrator:
    talkative = is_terminal(sys.stderr) and not options.quiet
    thinking = talkative and config.generation.thinking
    if options.thinking is not None:
        thinking = options.thinking and not options.quiet
    return Narrator(
        write_error,
        talkative=talkative,
        quiet=options.quiet,
        thinking=thinking,
        styles=wants_styles(sys.stderr),
        colour=wants_colour(sys.stderr),
        width=width_of(sys.stderr) if is_terminal(sys.stderr) else None,
    )


def _read_schema(path: Path) -> Mapping[str, Any]:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"can't read the schema {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the schema {path} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise UsageError(f"the schema {path} is not a JSON object")
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise UsageError(
            f"the schema {path} is not a JSON Schema: at {error.json_path}: {error.message:.300}"
        ) from error
    except RecursionError as error:
        raise UsageError(f"the schema {path} is nested too deeply") from error
    return schema


@contextmanager
def _told_in_json(options: AskOptions, output: Output) -> Iterator[None]:
    """In the JSON formats an error before the turn begins is printed as one that ended it."""
    try:
        yield
    except ChattermError as error:
        end = TurnFinished(TurnStatus.FAILED, FinishReason.ERROR, error=error.as_failure())
        narrator = Narrator(write_error, talkative=False, quiet=True)
        with suppress(OutputError):  # the error itself is told on standard error all the same
            if options.format is Format.JSONL:
                JsonLinesPrinter(output).event(end)
            elif options.format is Format.JSON:
                JsonPrinter(output, narrator).event(end)
        raise
