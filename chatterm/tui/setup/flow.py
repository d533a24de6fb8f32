"""The setup, step by step: who is asked, a try, the model, the colours, what is written where.

Nothing is sent before the try, and nothing is written before the last step but a key, which goes
into the system keyring as soon as it is given.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from chatterm.agent.trying import Trial, try_out
from chatterm.config import (
    config_path,
    default_model,
    delete_key,
    keyring_state,
    load_config,
    store_key,
)
from chatterm.config.editing import save_choices
from chatterm.config.keys import why_no_key
from chatterm.errors import ChattermError, ConfigError, ErrorKind, Failure
from chatterm.providers.listing import listed, merged
from chatterm.render.lines import Line, Span
from chatterm.tui.choosing_themes import pick_from_list
from chatterm.tui.screens.choices import Choice
from chatterm.tui.screens.painting import ERROR, MUTED, STRONG, as_line, shown
from chatterm.tui.setup import candidates
from chatterm.tui.setup.candidates import GIVEN, HERE, KEYS, Candidate
from chatterm.tui.setup.panels import KeyEntry, Move, StepPicker, Told, Trying
from chatterm.tui.setup.summary import Chosen, summary, without_keyring
from chatterm.tui.short_path import whole_path

if TYPE_CHECKING:
    from textual.screen import Screen

    from chatterm.providers.base import ModelInfo
    from chatterm.tui.app import ChattermApp
    from chatterm.tui.chat import Chat

LISTING_S = 6.0
"""How long a provider may take to list its models."""
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a setup came to.

    Attributes:
        said: That, in a sentence; a second line where it is said in a shell.
        written: Something was written.
    """

    said: str
    written: bool = False


async def set_up(chat: Chat, typed: str = "", *, unasked: bool = False) -> Outcome:
    """Lead through the setup; what is chosen counts from now on.

    Must be run in a worker. Leaving it changes nothing, except that a key that was given stays in
    the keyring.

    Args:
        chat: Where to ask.
        typed: What was typed for the first step already.
        unasked: Nobody asked for it: a key may still be meant for what was there before.
    """
    return await Setup(chat, typed, unasked=unasked).run()


class Setup:
    """One way through the setup.

    Args:
        chat: Where to ask; what is chosen counts there.
        typed: What was typed for the first step already.
        unasked: It has come of itself.
    """

    def __init__(self, chat: Chat, typed: str = "", *, unasked: bool = False) -> None:
        self._chat = chat
        self._typed = typed
        self._unasked = unasked
        self._config = chat.talk.config
        self._who: Candidate | None = None
        self._tried: Trial | None = None
        self._given = False  # the key of who is asked was given here
        self._model: str | None = None
        self._theme: str | None = None
        self._way = Move.ON
        # What is told is left on the terminal there, where no /setup is known.
        in_shell = chat.options.set_up
        self._repeats = "\n`chatterm config init` repeats it" if in_shell else "; /setup repeats it"

    async def run(self) -> Outcome:
        """Go through the steps."""
        app = cast("ChattermApp", self._chat.app)
        before = app.worn
        steps: tuple[Callable[[], Awaitable[Move | None]], ...] = (
            self._choose_who,
            self._try,
            self._choose_model,
            self._choose_theme,
        )
        at = 0
        while True:
            if at == len(steps):
                done = await self._end()
                if isinstance(done, Outcome):
                    return done
                move: Move | None = done
            else:
                move = await steps[at]()
            if move is None:
                app.use_theme(before)
                kept = "; the key stays in the keyring" if self._given else ""
                return Outcome(f"nothing was changed{kept}{self._repeats}")
            self._way = Move.BACK if move is Move.BACK else Move.ON
            at = max(0, at + (-1 if move is Move.BACK else 1))

    # --- who is asked ---

    async def _choose_who(self) -> Move | None:
        """Find out who is to be asked; a key that is missing is asked for."""
        while True:
            picked = await self._pick_who()
            if not isinstance(picked, Candidate):
                if picked is Move.SKIP:
                    self._who = self._model = None
                return picked
            given = picked.group == GIVEN
            if given:
                move = await self._take_key(picked)
                if move is Move.BACK:
                    continue
                if move is not Move.ON:
                    return move
            if picked != self._who:
                self._model = None
            self._who, self._given, self._tried = picked, given, None
            return Move.ON

    async def _pick_who(self) -> Candidate | Move | None:
        found = _Found(self)
        typed, self._typed = self._typed, ""
        picker = StepPicker(
            self._chat.palette,
            self._title(1, "Which model?"),
            found.choices(),
            current=self._who.name if self._who else None,
            query=typed,
            placeholder="type to find a provider",
            about=[
                as_line("Keys are shown by where they are, and never written to a file.", MUTED)
            ],
            unasked=self._unasked,
        )
        self._unasked = False
        looking = asyncio.create_task(found.look(picker))
        try:
            picked = await self._chat.app.push_screen_wait(picker)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        if picked is None:
            return None
        if picked.action:
            return Move(picked.action)
        return found.by_key[picked.choice.key]

    async def _take_key(self, who: Candidate) -> Move | None:
        """Ask for a key and keep it."""
        state = await asyncio.to_thread(keyring_state)
        title = self._title(1, f"A key for {who.name}")
        if not state.usable:
            lines = without_keyring(who, state.reason)
            move = await self._ask(Told(self._chat.palette, title, lines, on="choose another"))
            return Move.BACK if move is Move.ON else move
        wrong = ""
        while True:
            about = [as_line("It goes into the system keyring, and is not shown.", MUTED)]
            about += [as_line(wrong, ERROR)] if wrong else []
            entry = KeyEntry(
                self._chat.palette,
                title,
                about=about,
                validate=_wrong_key,
                placeholder="paste it here",
            )
            key = await self._chat.app.push_screen_wait(entry)
            if key is None:
                return Move.BACK
            try:
                await asyncio.to_thread(store_key, who.name, key)
            except ConfigError as error:
                wrong = f"{error.message}; {error.hint}" if error.hint else error.message
            else:
                return Move.ON

    # --- a try ---

    async def _try(self) -> Move | None:
        """Ask once, and tell how that went."""
        who = self._who
        if who is None:
            return self._way
        self._tried = None
        asking = [as_line(f"asking {_named(who)} for one word")]
        if who.group == HERE:
            asking.append(as_line("the first answer takes longer: the model is loaded", MUTED))

        async def work() -> Sequence[Line]:
            self._tried = trial = await self._try_once(who)
            return _how_it_went(_named(self._who or who), trial, given=self._given)

        move = await self._ask(Trying(self._chat.palette, self._title(2, "Try it"), asking, work))
        rejected = self._tried is not None and _is_rejected(self._tried.failure)
        if self._given and rejected:
            with suppress(ChattermError):
                await asyncio.to_thread(delete_key, who.name)
            self._who, self._given = None, False
            if move is Move.ON:
                return Move.BACK
        return move

    async def _try_once(self, who: Candidate) -> Trial:
        """Ask for a word; where no model is known yet, one that is listed."""
        limits = self._config.stream
        if who.model is None:
            try:
                async with asyncio.timeout(LISTING_S):
                    found = await listed(who.name, who.settings, limits)
            except TimeoutError:
                return Trial(LISTING_S, Failure(ErrorKind.TIMEOUT, f"{who.name} doesn't answer"))
            except ChattermError as error:
                return Trial(0.0, error.as_failure())
            self._who = who = replace(who, models=tuple(each.id for each in found))
        if who.model is None:
            return Trial(0.0, Failure(ErrorKind.NOT_FOUND, f"{who.name} lists no models"))
        return await try_out(who.name, who.settings, who.model, limits)

    # --- the model ---

    async def _choose_model(self) -> Move | None:
        """Choose what is asked unless something else is wanted."""
        who = self._who
        if who is None:
            return self._way
        usual = default_model(who.name, who.settings)
        own = [*who.settings.models, *filter(None, [usual]), *who.models]
        picker = StepPicker(
            self._chat.palette,
            self._title(3, "The default model"),
            _models(own, []),
            current=self._model or (f"{who.name}/{who.model}" if who.model else None),
            placeholder="type to find a model",
            nothing="no such model is listed; skip, and /model PROVIDER/MODEL takes any",
        )
        listing = asyncio.create_task(self._list(who, own, picker))
        try:
            picked = await self._chat.app.push_screen_wait(picker)
        finally:
            listing.cancel()
            await asyncio.gather(listing, return_exceptions=True)
        if picked is None:
            return None
        if picked.action:
            self._model = None if picked.action == Move.SKIP else self._model
            return Move(picked.action)
        self._model = f"{who.name}/{picked.choice.key}"
        return Move.ON

    async def _list(self, who: Candidate, own: Sequence[str], picker: StepPicker) -> None:
        note = ""
        found: list[ModelInfo] = []
        picker.renew(_models(own, found), f"asking {shown(who.name)}")
        try:
            async with asyncio.timeout(LISTING_S):
                found = await listed(who.name, who.settings, self._config.stream)
        except TimeoutError:
            note = f"{shown(who.name)} doesn't answer"
        except (ChattermError, OSError):
            note = "the others aren't known"  # the try has told why
        picker.renew(_models(own, found), note)

    # --- the colours ---

    async def _choose_theme(self) -> Move | None:
        """Choose the colours, which are worn at once."""
        if os.environ.get("NO_COLOR"):
            return self._way
        picked = await pick_from_list(self._chat, self._title(4, "The colours"), StepPicker)
        if picked is None:
            return None
        if picked.action:
            return Move(picked.action)
        self._theme = picked.choice.key
        return Move.ON

    # --- the end ---

    async def _end(self) -> Outcome | Move | None:
        """Tell what is kept where, and write what was chosen."""
        wrong: ConfigError | None = None
        while True:
            lines = partial(summary, self._chosen(), self._config, wrong)
            panel = Told(self._chat.palette, self._title(5, "What is kept"), lines, on="write")
            move = await self._ask(panel)
            if move is None or move is Move.BACK:
                return move
            if move is Move.SKIP:
                await self._take_effect()
                return Outcome(f"nothing was written{self._repeats}")
            try:
                await asyncio.to_thread(self._write)
            except ConfigError as error:
                wrong = error
                continue
            await self._take_effect()
            where = whole_path(config_path().path)
            return Outcome(f"written: {where}{self._repeats}", written=True)

    def _chosen(self) -> Chosen:
        return Chosen(self._who, self._given, self._model, self._theme)

    def _write(self) -> None:
        who = self._who
        new = {who.name: who.settings} if who is not None and who.is_new else {}
        where = config_path().path
        save_choices(where, model=self._model, theme=self._theme, providers=new)
        load_config(where)

    async def _take_effect(self) -> None:
        """Have what was chosen count in the conversation that is open."""
        talk, who = self._chat.talk, self._who
        config = talk.config
        if who is not None and who.is_new:
            config = replace(config, providers={**config.providers, who.name: who.settings})
        talk.config = replace(
            config, model=self._model or config.model, theme=self._theme or config.theme
        )
        if self._model is not None:
            try:
                await talk.choose(self._model)
            except ChattermError as error:
                self._chat.on_trouble(error)

    # --- all steps ---

    async def _ask(self, panel: Screen[Move | None]) -> Move | None:
        return await self._chat.app.push_screen_wait(panel)

    @staticmethod
    def _title(number: int, text: str) -> Line:
        return (Span(shown(text), STRONG), Span(f"  setup {number}/{_STEPS}", MUTED))


class _Found:
    """Who can be asked, as far as that is known by now."""

    def __init__(self, setup: Setup) -> None:
        self._config = setup._config  # noqa: SLF001 - a part of it
        self._all = candidates.with_keys(self._config, os.environ)
        self._has_chosen = setup._who is not None  # noqa: SLF001
        self.by_key: dict[str, Candidate] = {}

    def choices(self) -> list[Choice]:
        """All of them, by how they came to be some."""
        names = {each.name for each in self._all}
        every = [*self._all, *candidates.to_be_given(self._config, names)]
        self.by_key = {each.name: each for each in every}
        ordered = [each for group in (KEYS, HERE, GIVEN) for each in every if each.group == group]
        return [_choice(each) for each in ordered]

    async def look(self, picker: StepPicker) -> None:
        """Look at this machine and into its keyring, and show what is found as it comes."""
        self._show(picker, "looking at this machine")
        names = {each.name for each in self._all}
        for search in asyncio.as_completed(
            [
                candidates.on_this_machine(self._config),
                candidates.in_keyring(self._config, names),
            ]
        ):
            for each in await search:
                self._add(each)
            self._show(picker, "looking at this machine")
        self._show(picker)

    def _show(self, picker: StepPicker, note: str = "") -> None:
        """Show who there is, with the cursor on the best of what was found."""
        choices = self.choices()
        picker.renew(choices, note)
        found = (each for each in choices if each.group in {KEYS, HERE} and not each.blocked)
        best = next(found, None)
        if best is not None and not self._has_chosen:
            picker.prefer(best.key)

    def _add(self, found: Candidate) -> None:
        """Add one; of a server that is configured it is better known what it offers."""
        self._all = [each for each in self._all if each.name != found.name]
        self._all.append(found)


def _choice(who: Candidate) -> Choice:
    blocked = ""
    if who.group == HERE and who.model is None:
        blocked = f"{shown(who.name)} has no models yet"
    count = len(who.models)
    amount = f", {count} models" if count > 1 else ""
    detail, search = f"{shown(who.why)}{amount}", " ".join((who.why, *who.models))
    return Choice(who.name, who.name, detail, who.group, search, blocked, shown(who.where))


def _named(who: Candidate) -> str:
    return f"{who.name}/{who.model}" if who.model else who.name


def _models(own: Sequence[str], found: Sequence[ModelInfo]) -> list[Choice]:
    return [Choice(each.id, each.id, "", "", each.name) for each in merged(own, found)]


def _wrong_key(text: str) -> str | None:
    problem = why_no_key(text.strip())
    return None if problem is None else f"that isn't a key: it {problem}"


def _is_rejected(failure: Failure | None) -> bool:
    return failure is not None and failure.kind is ErrorKind.KEY_REJECTED


def _how_it_went(name: str, trial: Trial, *, given: bool) -> list[Line]:
    """How a try went, in words."""
    failure = trial.failure
    if failure is None:
        return [
            (Span("it works", ("success",)), Span(f": {name} answered in {trial.seconds:.1f} s"))
        ]
    lines: list[Line] = [(Span(shown(failure.message), ERROR),)]
    if given and _is_rejected(failure):
        lines.append(as_line("it isn't kept: Enter goes back to give another one", MUTED))
    elif failure.hint:
        lines.append(as_line(failure.hint, MUTED))
    return lines
