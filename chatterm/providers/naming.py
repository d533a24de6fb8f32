"""Which model a name stands for, told with the models of this machine where there is none."""

from __future__ import annotations

from collections.abc import Mapping

from chatterm.config import Config, ResolvedModel, resolve_model
from chatterm.errors import ConfigError
from chatterm.providers.registry import IMPLEMENTED


def model_for(name: str | None, config: Config, environ: Mapping[str, str]) -> ResolvedModel:
    """The model that a name stands for, or that nobody named.

    A local model is never chosen by itself: it is too small to stand in for another unnoticed.

    Raises:
        ConfigError: As of `resolve_model`. Where no provider is ready, and a local model could be
            asked, the hint says how.
    """
    try:
        return resolve_model(name, config, environ, IMPLEMENTED)
    except ConfigError as error:
        if name is None and config.model is None:
            from chatterm.providers.local.models import installed, missing

            if missing() is None:
                first = installed()[0]
                more = f"{error.hint}; `-m local/{first}` asks the small model on this machine"
                raise ConfigError(error.message, hint=more, kind=error.kind) from None
        raise
