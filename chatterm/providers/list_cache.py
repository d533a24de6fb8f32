"""What providers listed last, kept in the data directory.

It counts for a day, and longer for a provider that can't be reached. The file is a cache: one that
is missing, damaged or can't be written only costs time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatterm.config import ProviderConfig
from chatterm.errors import ConfigError
from chatterm.providers.base import ModelInfo

log = logging.getLogger(__name__)

FILE_NAME = "models.json"
FRESH_S = 24 * 60 * 60
_FORMAT = 1
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KeptList:
    """What a provider listed.

    Attributes:
        at: When, in seconds since 1970.
        models: What it listed.
    """

    at: float
    models: tuple[ModelInfo, ...]

    def is_fresh(self, now: float) -> bool:
        """Whether it needn't be asked anew. A clock that was set back makes nothing fresh."""
        return 0 <= now - self.at < FRESH_S


def is_kept(settings: ProviderConfig) -> bool:
    """Whether a provider's list is worth keeping: not of one that lists without being asked."""
    return settings.base_url is not None


def read_lists(directory: Path) -> dict[str, KeptList]:
    """The lists that are kept, by `list_key`; none where the file can't be read."""
    try:
        with (directory / FILE_NAME).open("rb") as file:
            data = json.loads(file.read(_MOST_BYTES))
        if data["format"] != _FORMAT:
            return {}
        return {key: _read(each) for key, each in data["lists"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.info("the lists of models can't be read: %s", type(error).__name__)
        return {}


def keep_lists(directory: Path, lists: Mapping[str, KeptList]) -> None:
    """Keep lists beside the others that are kept; who can't write there goes without."""
    from chatterm.config.writing import changing, replace_file

    try:
        with changing(directory / FILE_NAME) as target:
            whole = read_lists(directory) | dict(lists)
            shown = {key: _written(each) for key, each in whole.items()}
            text = json.dumps({"format": _FORMAT, "lists": shown})
            replace_file(target, text, private=True)
    except ConfigError as error:
        log.info("the lists of models can't be kept: %s", error.message)


def list_key(name: str, settings: ProviderConfig) -> str:
    """What a provider's list is kept under: its name, and what it is asked with, unreadably."""
    asked = (
        settings.protocol,
        settings.base_url,
        settings.auth,
        settings.api_key_env,
        list(settings.api_key_command),
        dict(settings.body),
    )
    text = json.dumps(asked, sort_keys=True, default=str)
    return f"{name} {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _written(kept: KeptList) -> dict[str, Any]:
    return {"at": kept.at, "models": [_row(model) for model in kept.models]}


def _row(model: ModelInfo) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "context_window": model.context_window,
        "inputs": list(model.inputs),
    }


def _read(data: Any) -> KeptList:
    return KeptList(float(data["at"]), tuple(map(_model, data["models"])))


def _model(row: Any) -> ModelInfo:
    window = row["context_window"]
    if not isinstance(row["id"], str) or not isinstance(row["name"], str):
        raise TypeError("a name is a text")
    if window is not None and not isinstance(window, int):
        raise TypeError("a window is a number")
    return ModelInfo(row["id"], row["name"], window, _texts(row["inputs"]))


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str))
