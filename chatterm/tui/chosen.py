"""Who is asked: a model by its name, and its provider, ready."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.errors import ConfigError

if TYPE_CHECKING:
    from chatterm.config import Config, ResolvedModel
    from chatterm.providers.base import Provider


@dataclass(slots=True)
class Chosen:
    """Who is asked.

    Attributes:
        resolved: The model, as it was named.
        provider: The provider, ready to be asked.
    """

    resolved: ResolvedModel
    provider: Provider

    @property
    def name(self) -> str:
        """`provider/model`."""
        return f"{self.resolved.provider_name}/{self.resolved.model}"


def open_chosen(name: str | None, config: Config) -> Chosen:
    """The model of a name, and its provider; may block while a key is fetched.

    Args:
        name: As the user gave it; None is the configured one, or the first that is ready, or the
            demo where none is.
        config: The configuration.

    Raises:
        ChattermError: There is no such model, or its provider can't be asked.
    """
    from chatterm.config import resolve_model
    from chatterm.providers.registry import IMPLEMENTED, open_provider

    try:
        resolved = resolve_model(name, config, os.environ, IMPLEMENTED)
    except ConfigError:
        if name is not None or config.model is not None:
            raise
        resolved = resolve_model("demo", config, os.environ, IMPLEMENTED)
    return Chosen(resolved, open_provider(resolved, config))
