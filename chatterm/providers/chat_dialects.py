"""What the servers of the Chat Completions protocol want differently in a request.

A dialect is chosen by the host of the address, else by the name the user gave the provider; what
isn't known is spoken to in the plain form that nearly every server takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Effort = Callable[[str | None, bool | None], dict[str, Any]]


def _plain_effort(effort: str | None, _thinking: bool | None) -> dict[str, Any]:
    return {"reasoning_effort": effort} if effort else {}


def _openrouter_effort(effort: str | None, thinking: bool | None) -> dict[str, Any]:
    if effort:
        return {"reasoning": {"effort": effort}}
    return {} if thinking is None else {"reasoning": {"enabled": thinking}}


def _switched_effort(effort: str | None, thinking: bool | None) -> dict[str, Any]:
    """DeepSeek's and Z.ai's way: thinking is on or off; an effort turns it on."""
    if thinking is None and effort is None:
        return {}
    on = thinking is not False and effort != "none"
    return {"thinking": {"type": "enabled" if on else "disabled"}}


def _qwen_effort(effort: str | None, thinking: bool | None) -> dict[str, Any]:
    if thinking is None and effort is None:
        return {}
    return {"enable_thinking": thinking is not False and effort != "none"}


def _no_effort(_effort: str | None, _thinking: bool | None) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between servers.

    Attributes:
        limit_field: The name of the field that bounds the reply's tokens.
        ask_usage: Whether usage must be asked for (and the server bears being asked).
        effort: How effort and thinking are asked for.
        resend_reasoning: Rounds with calls must bring `reasoning_content` back, even when empty.
        reply_schema: Whether `response_format` takes a JSON Schema.
        id_length: How many letters and digits ids of calls must have; None where others go too.
        system_role: The role of the system text.
        marks_cache: Models of Anthropic's cache what is marked for it, and nothing else.
    """

    limit_field: str = "max_tokens"
    ask_usage: bool = True
    effort: Effort = _plain_effort
    resend_reasoning: bool = False
    reply_schema: bool = True
    id_length: int | None = None
    system_role: str = "system"
    marks_cache: bool = False


PLAIN = Dialect()
_OPENAI = Dialect(limit_field="max_completion_tokens")
_DEEPSEEK = Dialect(effort=_switched_effort, resend_reasoning=True, reply_schema=False)
_ZAI = Dialect(effort=_switched_effort, reply_schema=False)

_BY_HOST = {
    "api.openai.com": _OPENAI,
    "openai.azure.com": _OPENAI,
    "cognitiveservices.azure.com": _OPENAI,
    "services.ai.azure.com": _OPENAI,
    "api.groq.com": _OPENAI,
    "api.cerebras.ai": _OPENAI,
    "api.deepseek.com": _DEEPSEEK,
    "api.z.ai": _ZAI,
    "open.bigmodel.cn": _ZAI,
    "openrouter.ai": Dialect(effort=_openrouter_effort, marks_cache=True),
    "ai-gateway.vercel.sh": Dialect(effort=_openrouter_effort),
    "api.mistral.ai": Dialect(ask_usage=False, effort=_no_effort, id_length=9),
    "api.perplexity.ai": Dialect(ask_usage=False),
    "dashscope.aliyuncs.com": Dialect(effort=_qwen_effort, reply_schema=False),
    "dashscope-intl.aliyuncs.com": Dialect(effort=_qwen_effort, reply_schema=False),
}
_BY_NAME = {
    "openai": _OPENAI,
    "azure": _OPENAI,
    "groq": _OPENAI,
    "deepseek": _DEEPSEEK,
    "zai": _ZAI,
    "openrouter": _BY_HOST["openrouter.ai"],
    "mistral": _BY_HOST["api.mistral.ai"],
    "perplexity": _BY_HOST["api.perplexity.ai"],
}


def dialect_of(base_url: str, name: str) -> Dialect:
    """The dialect of a server by its address, else by the user's name for it."""
    host = (urlsplit(base_url).hostname or "").lower()
    for known, dialect in _BY_HOST.items():
        if host == known or host.endswith(f".{known}"):
            return dialect
    return _BY_NAME.get(name.lower(), PLAIN)
