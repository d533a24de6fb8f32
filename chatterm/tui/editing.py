"""The user's own editor on a text: a draft, an argument, what is read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from chatterm.errors import ChattermError
from chatterm.render.sanitize import sanitize_line
from chatterm.talking.editor import editor, text_of
from chatterm.tui.lending import lend


async def edited(
    app: App[Any],
    text: str,
    *,
    suffix: str = ".md",
    say: Callable[[str], None] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> str | None:
    """Have a text edited in the user's editor, which gets the terminal meanwhile.

    Args:
        app: Whose terminal it is.
        text: The text.
        suffix: How the file's name ends, by which an editor knows what it is.
        say: Is told what went wrong; else it is shown as a notification.
        environ: Names the editor.

    Returns:
        The text as it is now; None when it is as it was, or the editor failed.
    """
    tell = say or (lambda words: app.notify(words, severity="error", markup=False))
    before = text.encode("utf-8", "replace")  # half a character can't be written
    directory = Path(tempfile.mkdtemp(prefix="chatterm-"))  # nobody else can look into it
    try:
        path = directory / f"message{suffix}"
        path.touch(mode=0o600)
        path.write_bytes(before)
        argv = [*editor(environ), str(path)]
        status = await lend(app, argv, environment=environ)
        if status != 0:
            name = sanitize_line(Path(argv[0]).name)
            how = f"with {status}" if status > 0 else f"by signal {-status}"
            tell(f"{name} ended {how}; the text is as it was")
            return None
        after = path.read_bytes()
    except ChattermError as error:
        hint = f"; {error.hint}" if error.hint else ""
        tell(sanitize_line(f"{error.message}{hint}"))
        return None
    except OSError as error:
        tell(f"the edited text can't be read: {error.strerror}")
        return None
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return None if after == before else text_of(after, ended=text.endswith("\n"))
