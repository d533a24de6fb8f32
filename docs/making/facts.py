"""What several pages tell: exit statuses, the environment, files."""

from __future__ import annotations

from chatterm.errors import ExitStatus

EXITS: dict[tuple[ExitStatus, ...], str] = {
    (ExitStatus.COMPLETED,): "completed",
    (ExitStatus.USAGE,): "usage error",
    (ExitStatus.CONFIG,): "configuration, or a key missing or rejected",
    (
        ExitStatus.PROVIDER_REFUSED,
    ): "the provider said no: quota, credit, bad request, not found, too long",
    (ExitStatus.TRY_AGAIN,): "unreachable, overloaded, timed out or cut off: worth trying again",
    (ExitStatus.DENIED,): "a tool call was denied because nobody could be asked; of "
    "`permissions check`: the line is asked about, or denied",
    (ExitStatus.STORE,): "the conversation store",
    (ExitStatus.SCHEMA,): "the reply doesn't fit `--schema`, or has no code block for `--extract`",
    (ExitStatus.INCOMPLETE,): "incomplete: length, content filter, refusal, round limit",
    (ExitStatus.INTERNAL,): "an error of chatterm's own (logged)",
    (ExitStatus.OUTPUT,): "the output can't be written",
    (
        ExitStatus.HUNG_UP,
        ExitStatus.INTERRUPTED,
        ExitStatus.PIPE_CLOSED,
        ExitStatus.TERMINATED,
    ): "hung up, interrupted, pipe closed, terminated",
}

ENVIRONMENT = {
    "CHATTERM_CONFIG": "the configuration file, as with `--config`",
    "CHATTERM_DATA_DIR": "where conversations are kept, as with `--data-dir`",
    "OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, …": "keys of providers that chatterm knows "
    "by name; `chatterm providers` tells each one's variable",
    "CHATTERM_PLAIN": "`1`: line by line, as with `--plain`; `0`: never",
    "NO_COLOR": "no colours",
    "COLORFGBG, COLORTERM, TERM": "what the terminal can show",
    "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY": "proxies; never used for this machine",
    "SSL_CERT_FILE, SSL_CERT_DIR": "certificates to trust",
    "VISUAL, EDITOR": "the editor for long messages (Ctrl+G)",
}

FILES = {
    "~/.config/chatterm/config.toml": "the configuration (`chatterm config path` says where)",
    ".chatterm/config.toml": "a project's own; it may only forbid until the directory is trusted",
    "~/.local/share/chatterm/": "conversations, lists of models, local models",
    "~/.local/state/chatterm/log/chatterm.log": "failures, without message text",
}


def statuses() -> list[tuple[str, str]]:
    """Exit statuses and what they mean."""
    return [(", ".join(str(int(each)) for each in group), text) for group, text in EXITS.items()]
