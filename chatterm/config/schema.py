"""What can be configured: every table, key, default and limit, here and nowhere else.

A field's annotation says everything about it: its type, its comment (a plain string, which
`config.example.toml` shows), an `Example` where no default can be shown, and checks: callables that
take the value and return what is wrong with it, or None. `load.py` reads these annotations, so this
module keeps them as objects and doesn't postpone their evaluation.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

ProtocolName = Literal[
    "responses",
    "chat",
    "anthropic",
    "gemini",
    "ollama",
    "lightspeed",
    "luxx",
    "enclava",
    "local",
    "demo",
    "replay",
]
ToolName = Literal[
    "shell", "read_file", "list_files", "search", "write_file", "edit_file", "fetch_url"
]
# `mcp` stands for the tools that a provider's server would run, and wants approved.
RuleTool = Literal[
    "shell", "read_file", "list_files", "search", "write_file", "edit_file", "fetch_url", "mcp"
]
Mode = Literal["confirm", "caged", "accept-edits", "plan", "yolo"]
Decision = Literal["allow", "ask", "deny"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key", "none"]

PROTOCOLS: tuple[str, ...] = get_args(ProtocolName)
TOOLS: tuple[str, ...] = get_args(ToolName)
RULE_TOOLS: tuple[str, ...] = get_args(RuleTool)
MODES: tuple[str, ...] = get_args(Mode)
EFFORTS: tuple[str, ...] = get_args(Effort)

Check = Callable[[Any], str | None]
# Patterns are text here and in the other modules of the configuration: compiling one takes longer
# than reading most files, and few starts need any.
_HEADER_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_URL = r"(?i:https?)://(?P<user>[^/@]*@)?[^/?#@\s]+(?P<path>/[^?#\s]*)?(?P<rest>.*)"


@dataclass(frozen=True, slots=True)
class Example:
    """A value that `config.example.toml` shows, commented out, for a key without a default."""

    value: object


def _between(least: float, most: float = math.inf) -> Check:
    def check(value: float) -> str | None:
        if value < least:
            return f"must be at least {least:g}, not {value:g}"
        return f"must be at most {most:g}, not {value:g}" if value > most else None

    return check


def _filled(value: str | tuple[str, ...]) -> str | None:
    return None if value else "must not be empty"


def _base_url(value: str) -> str | None:
    match = re.fullmatch(_URL, value)
    if match is None:
        return "must be an http:// or https:// address"
    if match["user"]:
        return "must not hold a user or password; keys never go in the file"
    return "must not hold a query or fragment" if match["rest"] else None


def _proxy(value: str) -> str | None:
    schemes = ("http://", "https://", "socks5://", "socks5h://")
    return None if value.startswith(schemes) else f"must start with {', '.join(schemes)}"


def _variable(value: str) -> str | None:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        return None
    return "must be the name of an environment variable; keys never go in the file"


def _headers(value: Mapping[str, str]) -> str | None:
    if not all(re.fullmatch(_HEADER_NAME, name) for name in value):
        return "holds a name that isn't an HTTP header's"
    if not all(text.isascii() and text.isprintable() for text in value.values()):
        return "holds a value with control or non-ASCII characters"
    return None


def _windows(value: Mapping[str, int]) -> str | None:
    small = next((name for name, tokens in value.items() if tokens < 256), None)
    return None if small is None else f"holds fewer than 256 tokens for {small!a}"


def _json(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return next(filter(None, map(_json, value)), None)
    if isinstance(value, float) and not math.isfinite(value):
        return "holds a number that JSON doesn't have"
    known = isinstance(value, str | bool | int | float)
    return None if known else "holds a date or time, which JSON doesn't have"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """One provider. The name is yours; several may share a protocol."""

    protocol: Annotated[ProtocolName, "How the server is spoken to.", Example("responses")]
    base_url: Annotated[
        str | None,
        "Where the server is. Not needed for a provider chatterm knows by name.",
        Example("https://api.openai.com/v1"),
        _base_url,
    ] = None
    api_key_env: Annotated[
        str | None,
        "The environment variable that holds the key. Keys never go in this file.",
        Example("OPENAI_API_KEY"),
        _variable,
    ] = None
    api_key_command: Annotated[
        tuple[str, ...],
        "Or a command that prints the key, run without a shell. With neither, the system "
        "keyring is asked (`chatterm key set NAME`).",
        Example(("pass", "openai")),
    ] = ()
    auth: Annotated[
        Auth | None,
        "The header that carries the key, when the protocol's own is wrong. `none`: no key at "
        "all. Any other also asks for a key where none is needed (a server on this machine).",
        Example("bearer"),
    ] = None
    headers: Annotated[Mapping[str, str], "Extra request headers.", _headers] = field(
        default_factory=dict
    )
    body: Annotated[Mapping[str, Any], "Extra request fields, sent as they are.", _json] = field(
        default_factory=dict
    )
    proxy: Annotated[
        str | None,
        "The proxy for this provider, instead of HTTPS_PROXY and its like.",
        Example("http://proxy.example:3128"),
        _proxy,
    ] = None
    ca_file: Annotated[
        Path | None,
        "Certificates to trust, instead of the system's (PEM).",
        Example("~/certificates/company.pem"),
    ] = None
    models: Annotated[
        tuple[str, ...],
        "Models shown beside what the server lists. The first is used when only the provider is "
        "named.",
    ] = ()
    server_state: Annotated[
        bool,
        "`responses` only: the server keeps each answer, and a request names the one it follows "
        "and sends only what is new. Off: nothing is kept there, and all is sent each time.",
    ] = False
    background: Annotated[
        bool,
        "`responses` only: the server works on (and keeps) an answer whether or not the connection "
        "holds; where it breaks, the rest is picked up.",
    ] = False
    file: Annotated[
        Path | None, "`replay` only: the recorded stream to play.", Example("stream.sse")
    ] = None
    speed: Annotated[
        Literal["full", "recorded"], "`replay` only: as fast as it goes, or as it was recorded."
    ] = "full"
    script: Annotated[
        Path | None, "`demo` only: a script to play instead of the built-in one.", Example("a.demo")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What is asked of the model. Unset: the provider's own default."""

    temperature: Annotated[
        float | None, "How freely words are chosen.", Example(0.7), _between(0, 2)
    ] = None
    max_output_tokens: Annotated[
        int | None,
        "The longest reply, thinking included; a `local` model's is 1024 where this is unset.",
        Example(8192),
        _between(1),
    ] = None
    effort: Annotated[Effort | None, "How hard to think.", Example("medium")] = None
    system: Annotated[str | None, "The system prompt.", Example("Answer briefly.")] = None
    thinking: Annotated[bool, "Ask for the model's thinking, and show it."] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolConfig:
    """The limits of one tool."""

    timeout_s: Annotated[float, "Seconds before it is stopped.", _between(0.1, 86_400)] = 30.0
    max_output_bytes: Annotated[
        int, "How much of its output the model gets; the whole is kept.", _between(256, 10_000_000)
    ] = 30_000
    sandbox: Annotated[
        Literal["auto", "bubblewrap", "landlock", "none"],
        "The cage it runs in. `auto`: the best that works on this machine.",
    ] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the model may ask for; whether it gets it is up to [permissions]."""

    enabled: Annotated[tuple[ToolName, ...], "The tools offered to the model."] = (
        "shell",
        "read_file",
        "list_files",
        "search",
        "write_file",
        "edit_file",
    )
    shell: Annotated[ToolConfig, "Runs a command."] = ToolConfig(timeout_s=120.0)
    read_file: Annotated[ToolConfig, "Reads a file."] = ToolConfig()
    list_files: Annotated[ToolConfig, "Lists a directory."] = ToolConfig()
    search: Annotated[ToolConfig, "Searches files."] = ToolConfig()
    write_file: Annotated[ToolConfig, "Writes a file."] = ToolConfig()
    edit_file: Annotated[ToolConfig, "Changes part of a file."] = ToolConfig()
    fetch_url: Annotated[ToolConfig, "Fetches a page."] = ToolConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One permission rule. Without argv, path, host or remote it is about all calls of the tool."""

    tool: Annotated[RuleTool, "The tool it is about."]
    decision: Annotated[Decision, "What happens to a call that matches."]
    argv: Annotated[tuple[str, ...] | None, "shell: the words of one command.", _filled] = None
    prefix: Annotated[bool, "shell: argv is only how the command begins."] = False
    path: Annotated[str | None, "The file tools: a path or glob.", _filled] = None
    host: Annotated[str | None, "fetch_url: a host name.", _filled] = None
    remote: Annotated[str | None, "mcp: SERVER/TOOL, or SERVER for all of its tools.", _filled] = (
        None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """Which tool calls run, ask or are refused. The strictest rule that matches wins."""

    mode: Annotated[
        Mode,
        "confirm: reading in the workspace is allowed, the rest asks · caged: commands run unasked "
        "inside a proven sandbox · accept-edits · plan: reads only · yolo.",
    ] = "confirm"
    rules: Annotated[
        tuple[Rule, ...],
        "Rules name a tool, a decision (allow, ask or deny), and what it is about: argv for shell "
        "(with prefix = true only its beginning), path for the file tools, host for fetch_url, "
        "remote for mcp, the tools that the provider itself would run (SERVER/TOOL).",
        Example(({"tool": "shell", "argv": ("git", "status"), "decision": "allow"},)),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a turn stops by itself."""

    max_rounds: Annotated[int, "Model calls in one turn.", _between(1, 10_000)] = 50
    max_parallel_tools: Annotated[int, "Tools that run at once.", _between(1, 64)] = 4
    max_cost_usd: Annotated[
        float | None,
        "What one turn may cost, where the provider tells or the price list knows it.",
        Example(1.0),
        _between(0),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What is kept of conversations."""

    save_ask: Annotated[bool, "Keep what `chatterm ask` was asked and answered."] = True
    keep_days: Annotated[int, "Days a conversation is kept; 0 is for ever.", _between(0)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Titles:
    """What conversations held in the app are called after their first turn."""

    model: Annotated[
        str,
        "Who is asked for a title, once: `same` (the conversation's own model), another as "
        "provider/model or an alias, or `off` (the first message is the title).",
        _filled,
    ] = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What happens when a conversation grows longer than its model can take."""

    compact: Annotated[
        bool,
        "Have older turns summarised by themselves. The log keeps them, and it can be undone.",
    ] = True
    compact_at: Annotated[
        float, "The part of the model's window that is full by then.", _between(0.1, 1)
    ] = 0.8
    windows: Annotated[
        Mapping[str, int],
        'The most tokens that models take, a "provider/model" = tokens a line, where the provider '
        "doesn't say so or less should be used. Of a model whose window isn't known nothing is "
        "summarised by itself.",
        _windows,
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """Files that tell the model how to work: AGENTS.md, else CLAUDE.md, else GEMINI.md."""

    enabled: Annotated[
        bool,
        "Send those beside this file, of the workspace and above it; and a project's own system "
        "prompt (.chatterm/system.md).",
    ] = True
    ask: Annotated[
        Literal["tools", "always", "never"], "Whether `ask` sends them: when it has tools, or …"
    ] = "tools"
    max_bytes: Annotated[int, "How much of them, all together.", _between(256, 10_000_000)] = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How long a provider is waited for, and how its stream is kept."""

    connect_timeout_s: Annotated[float, "Seconds to reach the server.", _between(0.1, 3600)] = 10.0
    idle_timeout_s: Annotated[
        float,
        "Seconds without a sign of life; long, because some models think in silence.",
        _between(0.1, 86_400),
    ] = 300.0
    total_timeout_s: Annotated[float, "Seconds for a whole reply; 0 is no limit.", _between(0)] = (
        0.0
    )
    retries: Annotated[
        int, "How often a request that failed before any answer is sent again.", _between(0, 2)
    ] = 2
    persist_interval_ms: Annotated[
        int, "A stream is written down at least this often …", _between(0, 60_000)
    ] = 200
    persist_min_chars: Annotated[int, "… or after this many characters.", _between(1)] = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ui:
    """The screen."""

    plain: Annotated[
        Literal["auto", "on", "off"],
        "Talk line by line, without a screen. `auto`: where the terminal can't be drawn on, or a "
        "screen reader is found. --plain, --no-plain and CHATTERM_PLAIN come first.",
    ] = "auto"
    fps: Annotated[int, "Frames a second, at most, while a reply streams.", _between(1, 120)] = 30
    notifications: Annotated[
        bool, "Tell the terminal when a turn ends or asks while the window isn't in front."
    ] = True
    timestamps: Annotated[bool, "Show when each message was sent."] = False
    reduced_motion: Annotated[bool, "No spinners, no smooth scrolling."] = False
    marks: Annotated[
        Literal["auto", "unicode", "ascii"], "The signs beside steps; auto follows the terminal."
    ] = "auto"
    mouse: Annotated[bool, "Follow the mouse. Off: the terminal's own selection."] = True
    keys: Annotated[
        Mapping[str, str],
        'Your own keys, an action = "key" a line, several keys separated by commas.',
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration."""

    model: Annotated[
        str | None,
        "provider/model, or an alias. Unset: the first provider that is ready, in the documented "
        "order, named on screen.",
        Example("openai/gpt-5"),
        _filled,
    ] = None
    theme: Annotated[
        str, "`auto`: light or dark as the terminal is; or a theme's name.", _filled
    ] = "auto"
    aliases: Annotated[
        Mapping[str, str],
        "Short names for models.",
        Example({"fast": "anthropic/claude-haiku-4-5"}),
    ] = field(default_factory=dict)
    providers: Annotated[Mapping[str, ProviderConfig], "The providers."] = field(
        default_factory=dict
    )
    generation: Annotated[Generation, ""] = Generation()
    tools: Annotated[Tools, ""] = Tools()
    permissions: Annotated[Permissions, ""] = Permissions()
    limits: Annotated[Limits, ""] = Limits()
    store: Annotated[Store, ""] = Store()
    titles: Annotated[Titles, ""] = Titles()
    context: Annotated[Context, ""] = Context()
    instructions: Annotated[Instructions, ""] = Instructions()
    stream: Annotated[Stream, ""] = Stream()
    ui: Annotated[Ui, ""] = Ui()
