"""Asking a server for the conversations it keeps: list, get, rename, delete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure, ProviderError, UsageError
from chatterm.events import StepFinished
from chatterm.providers.base import ModelRequest, Provider, RoundEnd
from chatterm.providers.kept import KeptConversation, KeptTurn
from chatterm.providers.server_threads import KEEPING
from chatterm.providers.wire import Endpoint, HttpRequest, KeepsConversations, WireProtocol
from chatterm.steps import Step

MOST_PAGES = 200
Ask = Callable[[HttpRequest, str], Awaitable[Any]]


class Keeper:
    """A server that keeps conversations.

    Every method raises a ProviderError where the server can't be asked, or says no.

    Args:
        wire: How it is asked.
        protocol: How its answers are read; the same object, for all else that it does.
        endpoint: Where it is.
        ask: Sends a request, and gives the answer's data; is told what doesn't happen otherwise.
    """

    def __init__(
        self, wire: KeepsConversations, protocol: WireProtocol, endpoint: Endpoint, ask: Ask
    ) -> None:
        self._wire = wire
        self._protocol = protocol
        self._endpoint = endpoint
        self._ask = ask

    @property
    def name(self) -> str:
        """The user's name for the provider."""
        return self._endpoint.name

    @property
    def address(self) -> str:
        """Where it is."""
        return self._endpoint.base_url

    async def conversations(self) -> list[KeptConversation]:
        """The conversations that the server keeps, newest first."""
        doing = "list its conversations"
        wire = self._wire
        request = wire.conversations_request(self._endpoint)
        try:
            pages = await self._pages(request, doing, wire.next_conversations)
        except ProviderError as error:
            raise _without_model(error, f"{self.name} doesn't {doing}") from None
        return wire.read_conversations(pages)

    async def find(self, prefix: str) -> KeptConversation:
        """The one conversation whose id is this, or begins with it.

        Raises:
            ProviderError: The server can't be asked, or keeps no such conversation.
            UsageError: There are several.
        """
        listed = await self.conversations()
        found = [each for each in listed if each.id.startswith(prefix)] if prefix else []
        whole = [each for each in found if each.id == prefix]
        if len(found) == 1 or whole:
            return (whole or found)[0]
        if found:
            names = ", ".join(ascii(each.id)[1:-1] for each in found[:5])
            more = " and more" if len(found) > 5 else ""
            message = f"several conversations of {self.name} begin with {prefix!a}: {names}{more}"
            raise UsageError(message, hint="give more of its id")
        raise ProviderError(
            Failure(
                ErrorKind.NOT_FOUND,
                f"{self.name} keeps no conversation {prefix!a}",
                hint=f"`chatterm history list --server {self.name}` shows what there is",
            )
        )

    async def turns(self, conversation: str) -> list[KeptTurn]:
        """What was said in a conversation, oldest first."""
        request = self._wire.turns_request(conversation, self._endpoint)
        doing = f"tell what was said in the conversation {conversation!a}"
        try:
            pages = await self._pages(request, doing, self._wire.next_turns)
        except ProviderError as error:
            raise _without_model(error, f"{self.name} doesn't {doing}") from None
        return self._wire.read_turns(pages)

    async def rename(self, conversation: str, title: str) -> None:
        """Have the server call a conversation something else."""
        request = self._wire.renaming_request(conversation, title, self._endpoint)
        await self._do(request, f"rename the conversation {conversation!a}")

    async def delete(self, conversation: str) -> None:
        """Have the server delete a conversation for good."""
        request = self._wire.deleting_request(conversation, self._endpoint)
        await self._do(request, f"delete the conversation {conversation!a}")

    def record(self, conversation: str) -> dict[str, Any]:
        """The opaque data of a turn after which the server's conversation goes on."""
        return self._wire.kept_record(conversation)

    def answer(self, turn: KeptTurn, writer: StepWriter) -> tuple[list[Step], RoundEnd]:
        """The steps of a turn's answer, and what it came to; for a turn that was answered."""
        request = ModelRequest("default", ())
        decoder = self._protocol.decoder(request, self._endpoint, writer)
        for name, data in turn.events:
            decoder.event(name, data)
        end = decoder.close()
        steps = [event.step for event in writer.take() if isinstance(event, StepFinished)]
        return sorted(steps, key=lambda step: step.index), end

    async def _do(self, request: HttpRequest, doing: str) -> None:
        try:
            answer = await self._ask(request, doing)
        except ProviderError as error:
            raise _without_model(error, f"{self.name} doesn't {doing}") from None
        if words := self._wire.undone(answer):
            text = f"{self.name} didn't {doing}: {words[:300]}"
            raise ProviderError(Failure(ErrorKind.REFUSED, text))

    async def _pages(
        self,
        first: HttpRequest,
        doing: str,
        following: Callable[[Any, HttpRequest], HttpRequest | None],
    ) -> list[Any]:
        pages: list[Any] = []
        request: HttpRequest | None = first
        while request is not None and len(pages) < MOST_PAGES:
            page = await self._ask(request, doing)
            if pages and page == pages[-1]:
                break  # a server that knows no pages gives the same one for ever
            pages.append(page)
            request = following(page, request)
        return pages


def keeper_of(provider: Provider) -> Keeper:
    """What asks a provider for the conversations that it keeps.

    Raises:
        UsageError: It keeps none that could be listed.
    """
    keeper = getattr(provider, "keeper", None)
    if not isinstance(keeper, Keeper):
        raise keeps_none(provider.name)
    return keeper


def keeps_none(name: str) -> UsageError:
    """The error of asking a provider that keeps no conversations."""
    return UsageError(
        f"{name} keeps no conversations that could be listed",
        hint=f"servers with the protocol {' or '.join(KEEPING)} do",
    )


def _without_model(error: ProviderError, what: str) -> ProviderError:
    """An error that doesn't speak of models, which weren't asked for."""
    failure = error.failure
    if failure.kind is not ErrorKind.NOT_FOUND:
        return error
    text = f"{what}: it doesn't know the address" + (f" ({failure.status})" * bool(failure.status))
    hint = "it may be gone, or the server too old for this; check base_url too"
    return ProviderError(replace(failure, message=text, hint=hint))
