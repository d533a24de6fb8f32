"""Every error chatterm raises on purpose, in one tree.

    ChattermError
    ├── UsageError       the command line doesn't make sense            exit 2
    ├── ConfigError      a configuration file, a key or a name in it    exit 3
    ├── ProviderError    a provider, or the way to it; carries a Failure
    ├── StoreError       the conversation store                         exit 7
    └── OutputError      the answer can't be written                    exit 74

A `Failure` is the plain-data form of a provider's error: it is what `turn.finished` carries, what
the exit status follows, and what the user reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any


class ExitStatus(IntEnum):
    """The exit statuses of the command line (a contract; 1 is never used on purpose)."""

    COMPLETED = 0
    USAGE = 2
    CONFIG = 3
    PROVIDER_REFUSED = 4
    TRY_AGAIN = 5
    DENIED = 6
    STORE = 7
    SCHEMA = 8
    INCOMPLETE = 9
    INTERNAL = 70
    OUTPUT = 74
    HUNG_UP = 129
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


class ErrorKind(StrEnum):
    """What went wrong with a turn, in the words of the event contract."""

    KEY_MISSING = "key_missing"
    KEY_REJECTED = "key_rejected"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    TOO_LONG = "too_long"
    REFUSED = "refused"
    SERVER = "server"
    NETWORK = "network"
    TIMEOUT = "timeout"
    TLS = "tls"
    STREAM_CUT = "stream_cut"
    STREAM_INVALID = "stream_invalid"
    TOOL_LOOP = "tool_loop"
    INTERNAL = "internal"

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status a turn that failed this way ends with."""
        return _EXIT_OF_KIND[self]


_EXIT_OF_KIND = {
    ErrorKind.KEY_MISSING: ExitStatus.CONFIG,
    ErrorKind.KEY_REJECTED: ExitStatus.CONFIG,
    ErrorKind.QUOTA: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.RATE_LIMITED: ExitStatus.TRY_AGAIN,
    ErrorKind.OVERLOADED: ExitStatus.TRY_AGAIN,
    ErrorKind.BAD_REQUEST: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.NOT_FOUND: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.TOO_LONG: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.REFUSED: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.SERVER: ExitStatus.TRY_AGAIN,
    ErrorKind.NETWORK: ExitStatus.TRY_AGAIN,
    ErrorKind.TIMEOUT: ExitStatus.TRY_AGAIN,
    ErrorKind.TLS: ExitStatus.TRY_AGAIN,
    ErrorKind.STREAM_CUT: ExitStatus.TRY_AGAIN,
    ErrorKind.STREAM_INVALID: ExitStatus.TRY_AGAIN,
    ErrorKind.TOOL_LOOP: ExitStatus.INCOMPLETE,
    ErrorKind.INTERNAL: ExitStatus.INTERNAL,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a turn failed: the `error` object of `turn.finished`.

    Attributes:
        kind: What went wrong, for programs.
        message: What went wrong, for people; names the provider's own words where it had any.
        status: The HTTP status, when there was one.
        request_id: The provider's id of the request, to quote in a report.
        retryable: Whether the same request may succeed when it is sent again.
        hint: What to do next, or an empty string.
    """

    kind: ErrorKind
    message: str
    status: int | None = None
    request_id: str | None = None
    retryable: bool = False
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the event contract."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "status": self.status,
            "request_id": self.request_id,
            "retryable": self.retryable,
            "hint": self.hint,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Failure:
        """The failure that `to_json` wrote."""
        return cls(
            kind=ErrorKind(data["kind"]),
            message=data["message"],
            status=data.get("status"),
            request_id=data.get("request_id"),
            retryable=bool(data.get("retryable")),
            hint=data.get("hint") or "",
        )


class ChattermError(Exception):
    """The root of what chatterm raises on purpose.

    Attributes:
        message: What happened and where, in one lower-case sentence without a final stop.
        hint: What to do next, or an empty string.
        exit_status: What a command that ends with this error returns.
        kind: What it is in the words of the event contract, where a turn fails of it.
    """

    exit_status = ExitStatus.INTERNAL
    kind = ErrorKind.INTERNAL

    def __init__(self, message: str, *, hint: str = "", kind: ErrorKind | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind or type(self).kind

    def as_failure(self) -> Failure:
        """The same as plain data, for a turn that failed of it."""
        return Failure(self.kind, self.message, hint=self.hint)


class UsageError(ChattermError):
    """The command line doesn't make sense."""

    exit_status = ExitStatus.USAGE
    kind = ErrorKind.BAD_REQUEST


class ConfigError(ChattermError):
    """A configuration file, a key, or a name that should be in one, is wrong or missing."""

    exit_status = ExitStatus.CONFIG
    kind = ErrorKind.BAD_REQUEST


class StoreError(ChattermError):
    """The conversation store can't be read or written."""

    exit_status = ExitStatus.STORE


class OutputError(ChattermError):
    """The answer can't be written where it was asked to go."""

    exit_status = ExitStatus.OUTPUT


class ProviderError(ChattermError):
    """A provider, or the way to it, failed.

    Attributes:
        failure: The same as plain data, as `turn.finished` carries it.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, hint=failure.hint, kind=failure.kind)
        self.failure = failure
        self.exit_status = failure.kind.exit_status

    def as_failure(self) -> Failure:
        """The failure itself."""
        return self.failure
