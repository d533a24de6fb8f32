"""The process in the cage that starts the command, waits for it and says how it ended.

It shares its working directory with the command's shell (`clone` with `CLONE_FS`), so that it knows
where the shell ended whatever the shell did: `exit`, `exec`, an error, a trap of its own.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes

    from chatterm.permissions.sandbox.levels import Plan

_CLONE_FS = 0x200
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_SHELL_FAILED = 127


def run(plan: Plan, report: int) -> None:
    """Confine this process, run the command and write how it ended; never returns.

    The report is three fields with a zero byte between them: what `waitpid` said of the shell, how
    many processes it left behind (-1: not counted here), and its last working directory. When the
    command couldn't be started it is `!` and why.
    """
    try:
        for caught in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(caught, signal.SIG_IGN)  # they are meant for the command
        os.set_inheritable(report, False)  # noqa: FBT003 - named by the function
        os.chdir(plan["directory"])
        child = _started(plan)
        _, status = os.waitpid(child, 0)
        left = _left_behind() if plan["level"] == "bubblewrap" else -1
        try:
            directory = os.getcwdb()
        except OSError:  # it was removed
            directory = b""
        _write(report, b"%d\0%d\0%b" % (status, left, directory))
    except OSError as error:
        _write(report, f"!{error}".encode("utf-8", "surrogateescape"))
    os._exit(0)


def _started(plan: Plan) -> int:
    """Start the shell; its process id."""
    if not sys.platform.startswith("linux"):
        return os.fork() or _become(plan["argv"])
    import ctypes

    from chatterm.permissions.sandbox import seccomp

    libc = ctypes.CDLL(None, use_errno=True)
    # Nobody in the cage looks into this process, or into its descriptors.
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if plan["level"] != "none":
        _confine(plan, libc)
    number = seccomp.clone_number()
    if number is None:
        return os.fork() or _become(plan["argv"])
    child: int = libc.syscall(number, ctypes.c_ulong(_CLONE_FS | signal.SIGCHLD), 0, 0, 0, 0)
    if child < 0:
        raise OSError(ctypes.get_errno(), "the command's process can't be started")
    return child or _become(plan["argv"])


def _confine(plan: Plan, libc: ctypes.CDLL) -> None:
    from chatterm.permissions.sandbox import landlock, seccomp

    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError("privileges can't be given up")
    _drop_capabilities(libc)
    caged = plan["level"] == "bubblewrap"
    if caged:
        landlock.scope(libc)
    else:
        landlock.restrict(libc, plan["writable"], plan["hidden"], network=plan["network"])
    # In namespaces of its own a command has its own network and its own sockets.
    families = seccomp.families(local=caged, network=caged or plan["network"])
    filter_program = seccomp.program(families, debugging=caged)
    if filter_program is not None:
        seccomp.install(filter_program, libc)
    elif not caged:
        raise OSError(f"no filter of system calls is written for {os.uname().machine}")


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up what root may do; an ordinary user has nothing to give up."""
    import struct

    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # no such capability, or not ours to drop
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    libc.capset(header, bytes(24))


def _become(argv: list[str]) -> int:
    """Become the command; never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (
            *(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT),
            *(signal.SIGHUP, signal.SIGQUIT),
        ):
            signal.signal(number, signal.SIG_DFL)
        os.closerange(3, 64)
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    os._exit(_SHELL_FAILED)


def _left_behind() -> int:
    """How many processes there are in this namespace beside its first one and this one."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in {1, os.getpid()}:
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    state = file.read().rpartition(b") ")[2][:1]
            except OSError:
                continue
            count += state not in b"ZX"
    return count


def _write(report: int, data: bytes) -> None:
    while data:
        data = data[os.write(report, data) :]
