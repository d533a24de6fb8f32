"""What providers say when they fail, in all their shapes, as one `Failure`. Pure.

An answer with an error status, and an error object inside a stream, are read alike: the provider's
own words, wherever it put them, become the message; its codes, types and status decide the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatterm.errors import ErrorKind, Failure
from chatterm.providers.decoding import text_of
from chatterm.providers.error_words import Said, read_body, read_error, request_id_of, says
from chatterm.providers.retrying import should_retry

RETRYABLE_KINDS = frozenset(
    {ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED, ErrorKind.SERVER}
    | {ErrorKind.NETWORK, ErrorKind.TIMEOUT, ErrorKind.STREAM_CUT}
)

# --- what an error is: codes first, then the status, then the words --------------------------

# Where codes disagree, the first of these kinds wins: `invalid_request_error` is also the type of
# errors whose code says it better, and a prompt too long may come as a rate limit.
_CODES = {
    ErrorKind.QUOTA: (
        "insufficient_quota insufficient_balance insufficient_credits insufficient_funds "
        "billing_error billing_not_active billing_hard_limit_reached budget_exceeded "
        "exceeded_current_quota_error payment_required quota_exhausted quota_exceeded"
    ),
    ErrorKind.TOO_LONG: (
        "context_length_exceeded too_many_tokens too_many_prompt_tokens request_too_large "
        "exceed_context_size_error prompt_too_long model_context_window_exceeded "
        "max_tokens_exceeded"
    ),
    ErrorKind.KEY_REJECTED: (
        "invalid_api_key api_key_invalid authentication_error unauthenticated unauthorized "
        "invalid_authentication_error incorrect_api_key_error expired_api_key "
        "invalid_x_api_key token_expired"
    ),
    ErrorKind.NOT_FOUND: (
        "model_not_found not_found_error not_found deploymentnotfound invalid_model "
        "model_not_available resource_not_found_error"
    ),
    ErrorKind.OVERLOADED: (
        "overloaded_error overloaded engine_overloaded_error server_is_overloaded slow_down "
        "service_unavailable unavailable server_overloaded"
    ),
    ErrorKind.RATE_LIMITED: (
        "rate_limit_error rate_limit_exceeded ratelimitreached rate_limited rate_limit "
        "too_many_requests resource_exhausted rate_limit_reached_error tokens requests"
    ),
    ErrorKind.REFUSED: (
        "permission_error permission_denied content_filter content_policy_violation "
        "responsibleaipolicyviolation moderation_blocked forbidden "
        "image_content_policy_violation cyber_policy_violation"
    ),
    ErrorKind.TIMEOUT: (
        "timeout_error timeout deadline_exceeded request_timeout vector_store_timeout"
    ),
    ErrorKind.SERVER: "api_error server_error internal internal_error internal_server_error",
    ErrorKind.BAD_REQUEST: (
        "invalid_request_error bad_request invalid_argument failed_precondition tool_use_failed "
        "invalid_prompt invalid_image invalid_image_format invalid_base64_image invalid_image_url "
        "invalid_image_mode image_too_large image_too_small image_parse_error empty_image_file "
        "image_file_too_large image_file_not_found unsupported_image_media_type "
        "failed_to_download_image"
    ),
}
_CODE_ORDER = tuple(_CODES)
_KIND_OF_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
_SURE_CODES = _CODE_ORDER[:4]  # these say more than any status does

_KIND_OF_STATUS = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.KEY_REJECTED,
    402: ErrorKind.QUOTA,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.TOO_LONG,
    422: ErrorKind.BAD_REQUEST,
    429: ErrorKind.RATE_LIMITED,
    504: ErrorKind.TIMEOUT,
    529: ErrorKind.OVERLOADED,
}

# Patterns are kept as text, so that nobody pays for compiling them who has no failure to read.
_QUOTA_WORDS = (
    r"insufficient (account )?(balance|credits?|funds|quota)|credit balance is too low"
    r"|exceeded your (current|monthly) (quota|spend)|out of credits|more credits|no credits"
    r"|(used|spent) all (of )?(your |the )?(available )?credits|spending limit|billing hard limit"
    r"|quota has been exceeded|no available tokens"  # Lightspeed's
    r"|budget( has been)? exceeded|exceeded( its| your| the)? budget|free tier .{0,40}exhausted"
)
_TOO_LONG_WORDS = (
    r"\b(prompt|input|request|messages?|conversation)\b.{0,40}\btoo (long|large|many tokens)\b"
    r"|too many (input )?tokens|maximum context|max(imum)? (prompt|input) length"
    r"|context (length|window|size)\b.{0,60}\bexceed|exceed\w*\b.{0,60}\bcontext\b"
    r"|token count.{0,60}\bexceeds|reduce the length"
)
_KEY_WORDS = (
    r"(incorrect|invalid|wrong|missing|expired|no|unregistered) (api|access|subscription)[ _-]?key"
    r"|api[ _-]?key\b.{0,20}\b(not valid|is invalid|invalid|expired|not found|missing|reported)"
    r"|invalid x-api-key|callers without established identity"
)
_MODEL_WORDS = (
    r"\bmodel\b.{0,120}\b(does not exist|not found|doesn't exist|is not available)|invalid model\b"
)
_BUSY_WORDS = r"overload|capacity|unavailable|busy|high demand"
_SOON_WORDS = r"(retry|try again) in \d|per[ _-]?(minute|second)"
_PER_DAY_WORDS = r"per[ _-]?(day|month)"


def failure_of_response(
    status: int, headers: Mapping[str, str], body: bytes, *, provider: str
) -> Failure:
    """The failure that an answer with an error status is.

    Args:
        status: The HTTP status.
        headers: The answer's headers; their names in any case.
        body: As much of the body as was read, of any content type.
        provider: The user's name for the provider, for the message and the hint.
    """
    said = read_body(body)
    request_id = request_id_of(headers) or said.request_id
    failure = _failure(said, status, status, request_id, provider)
    retryable = should_retry(status, headers, failure)
    return Failure(
        failure.kind, failure.message, status, request_id, retryable=retryable, hint=failure.hint
    )


def failure_of_error(
    error: Any, *, status: int | None = None, request_id: str | None = None, provider: str = ""
) -> Failure:
    """The failure that an error object inside a stream (or a body with status 200) is.

    Args:
        error: The object, the object it lies in, or only a text.
        status: The HTTP status of the stream.
        request_id: The request's id, from the headers.
        provider: The user's name for the provider.
    """
    said = read_error(error)
    meant = said.status if status is None or status < 400 else status
    return _failure(said, meant, said.status or status, request_id or said.request_id, provider)


def error_in(data: Any) -> Any | None:
    """The error in a body that came with status 200 but isn't a stream; None when it holds none."""
    if isinstance(data, list):
        data = data[0] if len(data) == 1 else None
    if not isinstance(data, dict):
        return None
    if data.get("error") or data.get("type") == "error" or data.get("object") == "error":
        return data
    code = data.get("code")
    envelope = isinstance(code, int) and code != 0 and text_of(data.get("message"))
    alone = "detail" in data and len(data) <= 2
    return data if envelope or alone else None


def _failure(
    said: Said, meant: int | None, status: int | None, request_id: str | None, provider: str
) -> Failure:
    kind = _kind_of(said, meant)
    lead = _LEADS[kind].format(who=provider or "the provider")
    message = said.message
    if status is not None and status >= 400:
        lead += f" ({status})"
    return Failure(
        kind,
        f"{lead}: {message}" if message else lead,
        status,
        request_id,
        retryable=kind in RETRYABLE_KINDS,
        hint=_HINTS[kind].format(name=provider or "NAME"),
    )


def _kind_of(said: Said, status: int | None) -> ErrorKind:
    words = said.message
    found = {_KIND_OF_CODE[code] for code in said.codes if code in _KIND_OF_CODE}
    client_error = status is None or 400 <= status < 500
    if _is_quota(said, words, found, status):
        return ErrorKind.QUOTA
    found.discard(ErrorKind.QUOTA)
    if status == 401:
        return ErrorKind.KEY_REJECTED
    if says(_TOO_LONG_WORDS, words) and (client_error or status == 500):
        return ErrorKind.TOO_LONG
    if says(_KEY_WORDS, words) and status in {None, 400, 403}:
        return ErrorKind.KEY_REJECTED
    for kind in _SURE_CODES:
        if kind in found:
            return kind
    if says(_MODEL_WORDS, words) and status in {None, 400, 404}:
        return ErrorKind.NOT_FOUND
    if status is None:
        return next((kind for kind in _CODE_ORDER if kind in found), ErrorKind.SERVER)
    if ErrorKind.REFUSED in found and client_error:
        return ErrorKind.REFUSED
    if ErrorKind.OVERLOADED in found or (status == 503 and says(_BUSY_WORDS, words)):
        return ErrorKind.OVERLOADED
    if status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status]
    return ErrorKind.REFUSED if client_error else ErrorKind.SERVER


def _is_quota(said: Said, words: str, found: set[ErrorKind], status: int | None) -> bool:
    # Gemini says "exceeded your current quota" of a limit a minute too: what counts there is
    # which quota it names, and whether it says to come back soon.
    if status == 402:
        return True
    if ErrorKind.QUOTA not in found and not says(_QUOTA_WORDS, words):
        return False
    if says(_PER_DAY_WORDS, said.quotas):
        return True
    return not (said.retry_delay or says(_SOON_WORDS, words))


_LEADS = {
    ErrorKind.KEY_REJECTED: "{who} rejected the key",
    ErrorKind.QUOTA: "the quota or credit at {who} is used up",
    ErrorKind.RATE_LIMITED: "{who} limits the rate of requests",
    ErrorKind.OVERLOADED: "{who} is overloaded",
    ErrorKind.BAD_REQUEST: "{who} can't take the request",
    ErrorKind.NOT_FOUND: "{who} doesn't know the model or the address",
    ErrorKind.TOO_LONG: "the conversation is too long for {who}",
    ErrorKind.REFUSED: "{who} refused the request",
    ErrorKind.SERVER: "{who} had an error of its own",
    ErrorKind.TIMEOUT: "{who} ran out of time",
}

_HINTS = {
    ErrorKind.KEY_REJECTED: "set another key with `chatterm key set {name}`, or in the environment",
    ErrorKind.QUOTA: "check the plan and billing of the {name} account, or choose another model",
    ErrorKind.RATE_LIMITED: "wait a little and ask again, or choose another model",
    ErrorKind.OVERLOADED: "ask again in a while, or choose another model",
    ErrorKind.BAD_REQUEST: "see whether the model takes these settings, tools and attachments",
    ErrorKind.NOT_FOUND: "`chatterm models {name}` lists what there is; check base_url too",
    ErrorKind.TOO_LONG: "start a new conversation, or send less",
    ErrorKind.REFUSED: "see what the account may use, and where from; or choose another model",
    ErrorKind.SERVER: "ask again; if it stays, the provider's status page may say more",
    ErrorKind.TIMEOUT: "ask again, or send less",
}
