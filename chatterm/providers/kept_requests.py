"""The requests for conversations that a server keeps, each at its own address below that of all."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from chatterm.providers.wire import Endpoint, HttpRequest, request_headers


class ConversationRequests:
    """The part of `KeepsConversations` that asks; what differs is said by who inherits it."""

    title_field: ClassVar[str]
    """In which field a new title goes to the server."""

    def address(self, endpoint: Endpoint) -> str:
        """Where all conversations are."""
        return f"{endpoint.base_url}/conversations"

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """What goes with each request."""
        return request_headers(endpoint)

    def conversations_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the conversations."""
        return HttpRequest("GET", self.address(endpoint), self.headers(endpoint))

    def turns_request(self, conversation: str, endpoint: Endpoint) -> HttpRequest:
        """The request for what was said in a conversation."""
        return HttpRequest("GET", self._at(conversation, endpoint), self.headers(endpoint))

    def renaming_request(self, conversation: str, title: str, endpoint: Endpoint) -> HttpRequest:
        """The request that calls a conversation something else."""
        address, body = self._at(conversation, endpoint), {self.title_field: title}
        return HttpRequest("PUT", address, self.headers(endpoint), body)

    def deleting_request(self, conversation: str, endpoint: Endpoint) -> HttpRequest:
        """The request that deletes a conversation."""
        return HttpRequest("DELETE", self._at(conversation, endpoint), self.headers(endpoint))

    def _at(self, conversation: str, endpoint: Endpoint) -> str:
        return f"{self.address(endpoint)}/{quote(conversation, safe='')}"
