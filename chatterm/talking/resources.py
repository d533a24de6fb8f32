"""What a conversation needs beside its model: the store and the tools. All of it may block."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError, ConfigError, StoreError

if TYPE_CHECKING:
    from chatterm.agent.questions import Asker
    from chatterm.agent.tooling import Tooling
    from chatterm.config import Config
    from chatterm.config.schema import Mode
    from chatterm.store import Store


log = logging.getLogger(__name__)

NONE_KEPT = "conversations can't be kept here"
"""What is said where there is no store."""


def open_store(config: Config) -> tuple[Store | None, ChattermError | None]:
    """Open the store; None, and why, where that can't be."""
    from chatterm.config import data_dir
    from chatterm.store import Store

    stream = config.stream
    try:
        opened = Store.open(
            data_dir(),
            persist_interval_ms=stream.persist_interval_ms,
            persist_min_chars=stream.persist_min_chars,
        )
    except StoreError as error:
        hint = f"{error.hint}; this conversation isn't kept".removeprefix("; ")
        return None, StoreError(error.message, hint=hint)
    except Exception as error:  # the edge: one can talk without a store
        log.exception("the store can't be opened")
        said = f"{NONE_KEPT}: {type(error).__name__}: {error}"
        return None, StoreError(said, hint="the log file has the details")
    return opened, None


def open_tools(config: Config, mode: Mode, store: Store | None, asker: Asker) -> Tooling:
    """Open the tools, in the sandbox that is wanted and works.

    Raises:
        ConfigError: The sandbox that the configuration names doesn't work here, or a project's
            configuration is wrong.
    """
    from chatterm.agent.tooling import Wanted, open_tooling
    from chatterm.permissions.sandbox.probing import choose

    wanted = config.tools.shell.sandbox
    found = choose(wanted)
    if not found.works:
        raise ConfigError(
            f"the sandbox {wanted} doesn't work here: {found.reason}", hint=found.remedy
        )
    names = config.tools.enabled
    return open_tooling(Wanted(names, mode, found.level, wanted != "auto"), config, store, asker)
