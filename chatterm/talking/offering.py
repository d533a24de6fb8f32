"""What is offered, in words: modes; and without a model the demo, and servers of this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig
    from chatterm.providers.finding import FoundServer
    from chatterm.talking.asked import Chosen

NO_MODEL = (
    "No model is set up: the demo plays, and nothing leaves this machine. "
    "Set a key, such as OPENAI_API_KEY, or {}."
)
"""What is worth knowing while the demo stands in for a model, with what else can be done."""

NOTHING = "no model"
"""What the demo is while it stands in for one."""

MODE_TEXTS = {
    "confirm": "reading in the workspace is allowed, the rest asks",
    "caged": "commands run unasked inside the sandbox",
    "accept-edits": "edits in the workspace run unasked, too",
    "plan": "reads only",
    "yolo": "nothing asks; only deny rules hold",
}
"""What each permission mode means."""

_SHOWN = 3
"""How many models of a server are told at once; the choice of models has all."""


def offers(
    found: Sequence[FoundServer], configured: Mapping[str, ProviderConfig]
) -> list[tuple[str, str]]:
    """What to say of servers, a row each, and the deed that uses it; "" where there is none.

    Args:
        found: The servers.
        configured: The providers that the user has configured: a server is offered as its own.
    """
    rows = []
    for server in found:
        provider = server.provider_in(configured)
        if provider is None:
            rows.append((f"{server.kind} at {server.url}; to use it, configure {server.table}", ""))
        elif not server.models:
            rows.append((f"{server.kind} at {server.url}, which has no models yet", ""))
        else:
            names = [f"{provider}/{model}" for model in server.models]
            rows += [(f"{name}  {server.kind}", f"model:{name}") for name in names[:_SHOWN]]
            if len(names) > _SHOWN:
                rows.append((f"and {len(names) - _SHOWN} more", "model:"))
    return rows


def instead_of_model(chosen: Chosen | None, named: str | None) -> str:
    """What answers that is no model, in words; empty where one does, or nobody.

    Args:
        chosen: Who is asked.
        named: Who was asked for, on the command line or in the configuration.
    """
    if chosen is None or chosen.resolved.provider.protocol != "demo":
        return ""
    own = chosen.resolved.provider.script is not None
    stands_in = named is None and chosen.resolved.provider_name == "demo" and not own
    return NOTHING if stands_in else "a script"
