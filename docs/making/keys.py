"""The table of keys and actions, from the app's own."""

from __future__ import annotations

from itertools import groupby

from chatterm.tui.deeds.every import DEEDS, TYPED
from chatterm.tui.keys import shown_key
from markdown import code, table

_HEAD = """\
# Keys and actions

Everything that can be done in the app has a name. By it stand a key, a slash command and a line in
the command palette (Ctrl+P); `?` while reading, or F1, shows the keys as they are for you.

Other keys are given by `[ui.keys]` in the configuration, `name = "key"`, several with commas. A key
that is given to something is taken from what had it:

```toml
[ui.keys]
model = "ctrl+o,f3"
newline = "ctrl+j,shift+enter"
send = "enter"
vim = "on"          # vim's keys in the prompt
```

A configuration that the setup has written has the table `[ui.keys]` already: the lines go there.

Modifiers come first, in the order of the alphabet, and signs by their names: `ctrl+shift+up`,
`ctrl+slash`. `chatterm config check` tells wrong ones.

Keys in the first column work anywhere, those marked *reading* while the conversation has the focus
(Tab takes it there, Esc back).

*This page is made from the code.*
"""


def page() -> str:
    """The page, as Markdown."""
    shown = [deed for deed in DEEDS if not deed.hidden]
    parts = [_HEAD]
    names = list(dict.fromkeys(deed.group for deed in shown))
    for group, deeds in groupby(
        sorted(shown, key=lambda d: names.index(d.group)), lambda d: d.group
    ):
        rows = []
        for deed in deeds:
            keys = ", ".join(shown_key(key) for key in deed.keys.split(",") if key)
            where = " *reading*" if deed.reading and keys else ""
            typed = code(f"/{deed.slash} {deed.takes}".strip()) if deed in TYPED else ""
            rows.append((f"{keys}{where}", typed, code(deed.name), deed.text))
        parts += [f"## {group[:1].upper()}{group[1:]}", table(("key", "typed", "name", ""), rows)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"
