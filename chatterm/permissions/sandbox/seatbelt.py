"""macOS's sandbox-exec, to the same interface. Written from its documentation, never tested.

Later rules win. Names that don't exist yet can be forbidden, so nothing has to be made for them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from chatterm.permissions.sandbox.levels import Plan

_DEVICES = ("/dev/null", "/dev/zero", "/dev/dtracehelper", "/dev/tty")


def arguments(plan: Plan) -> list[str]:
    """The command line of `sandbox-exec`, up to the command."""
    return ["sandbox-exec", "-p", profile(plan)]


def profile(plan: Plan) -> str:
    """The rules, in its language."""
    devices = " ".join(f"(literal {_quoted(path)})" for path in _DEVICES)
    rules = [
        "(version 1)",
        "(allow default)",
        "(deny file-write*)",
        f"(allow file-write* {devices})",
        *(f"(allow file-write* (subpath {_quoted(path)}))" for path in plan["writable"]),
        *(f"(deny file-write* (subpath {_quoted(path)}))" for path in plan["protected"]),
        *(f"(deny file-read* (subpath {_quoted(path)}))" for path in plan["hidden"]),
    ]
    if not plan["network"]:
        rules.append("(deny network*)")
    return "\n".join(rules)


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
