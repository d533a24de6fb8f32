"""Picking up an answer that the server goes on with after the connection broke.

The rest is streamed from where it broke off. A server that doesn't stream it is asked for the whole
answer, again and again, until it is finished.
"""

from __future__ import annotations

from chatterm.errors import ErrorKind, Failure
from chatterm.providers.decoding import Decoder
from chatterm.providers.wire import Endpoint, HttpRequest, Resumes, WireProtocol

_TIMES = 3  # as many attempts in a row as a request has that nothing came of
_MOST = 50  # connections for one answer, however much each of them brought
_POLL_S = 1.0
_LONGEST_POLL_S = 5.0
# Of these the server says all there is to say: nothing else it is asked would change that.
_FINAL = frozenset({ErrorKind.KEY_REJECTED, ErrorKind.QUOTA, ErrorKind.TLS})


class PickUp:
    """What is asked next for an answer that broke off.

    Args:
        protocol: Knows whether there is a rest, and how it is asked for.
        decoder: Reads the answer.
        endpoint: Where it comes from.
        retries: How often the user wants a request to be sent again.

    Attributes:
        failures: How many attempts in a row have brought nothing.
        most: How many there may be.
        words: What is being done, for people; empty where that was said before.
        wait_s: How long to wait at least.
    """

    def __init__(
        self, protocol: WireProtocol, decoder: Decoder, endpoint: Endpoint, retries: int
    ) -> None:
        self._protocol = protocol if isinstance(protocol, Resumes) else None
        self._decoder = decoder
        self._endpoint = endpoint
        self._asked = 0
        self._polls = 0
        self.failures = 0
        self.most = retries * _TIMES
        self.words = ""
        self.wait_s = 0.0

    def rest(self, failure: Failure | None, *, brought: bool) -> HttpRequest | None:
        """What asks for the rest; None: nothing does, and the answer stays as it is.

        Args:
            failure: How the last connection failed; None: it ended before the answer did.
            brought: Whether the last connection brought anything.
        """
        if self._protocol is None or not self.most or self._asked >= _MOST:
            return None
        refused = failure is not None and not failure.retryable
        if failure is not None and refused and (failure.kind in _FINAL or self._polls):
            return None
        self.failures = self.failures + 1 if self._asked and not brought else 0
        request = None
        if not self._polls and not (refused and self._asked):
            request = self._protocol.resumption(self._decoder, self._endpoint)
        self.words, self.wait_s = "the server goes on with the answer: picking it up", 0.0
        if request is None or (failure is None and self._asked and self.failures):
            request = self._protocol.polling(self._decoder, self._endpoint)
            self._poll(failure)
        self._asked += 1
        return request

    def _poll(self, failure: Failure | None) -> None:
        self.words = ""
        if not self._polls:
            self.words = "the server works on the answer: asking for it until it is finished"
        if failure is None:  # it answers, so it works
            self.failures, self._asked = 0, 0
        self.wait_s = min(_LONGEST_POLL_S, _POLL_S * 2 ** min(self._polls, 8))
        self._polls += 1
