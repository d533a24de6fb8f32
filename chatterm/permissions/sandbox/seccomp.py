"""A filter of system calls: what no command in the cage needs, and what opens a way out of it.

The filter is a classic BPF program, built here and installed with `prctl`. It looks at numbers only
(it can't follow pointers), so it can refuse a kind of socket but not an address.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL_PROCESS = 0x80000000
# struct seccomp_data: the call's number, the architecture, and the low half of each argument.
_NUMBER, _ARCHITECTURE = 0, 4
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_X32 = 0x40000000  # x86-64 calls with another word size: a second way to the same calls

_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # typing into, and pasting into, a terminal
_NEW_NAMESPACES = 0x7E020080  # CLONE_NEW…: user, mount, pid, net, uts, ipc, cgroup, time
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16

# Calls that have the same number on every architecture.
_REFUSED_EVERYWHERE = (
    *(425, 426, 427),  # io_uring: calls that no filter sees
    *(428, 429, 430, 431, 432, 433, 442, 467),  # the new mount calls
    438,  # pidfd_getfd
)
_CLONE3 = 435  # its flags are behind a pointer
# The rest by architecture: its number for the kernel, `socket`, `ioctl`, `clone`, and what is
# refused, in this order: ptrace, process_vm_readv, process_vm_writev, kcmp, add_key, request_key,
# keyctl, mount, umount2, pivot_root, chroot, unshare, setns, bpf, perf_event_open, userfaultfd,
# kexec_load, kexec_file_load, init_module, finit_module, delete_module, open_by_handle_at, reboot,
# swapon, swapoff, acct, quotactl.
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        *(41, 16, 56),
        (
            *(101, 310, 311, 312, 248, 249, 250, 165, 166, 155, 161, 272, 308, 321, 298, 323),
            *(246, 320, 175, 313, 176, 304, 169, 167, 168, 163, 179),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        *(198, 29, 220),
        (
            *(117, 270, 271, 272, 217, 218, 219, 40, 39, 41, 51, 97, 268, 280, 241, 282),
            *(104, 294, 105, 273, 106, 265, 142, 224, 225, 89, 60),
        ),
    ),
}
_DEBUGGING = 4  # so many of the refused calls let a process look into another


def families(*, local: bool, network: bool) -> tuple[int, ...]:
    """The kinds of sockets to leave to a command.

    Args:
        local: Whether it may speak to programs on this machine through sockets in the file system.
        network: Whether it may reach the network, or has one of its own.
    """
    return (AF_UNIX,) * local + (AF_INET, AF_INET6, AF_NETLINK) * network


def clone_number() -> int | None:
    """The number of the `clone` call; None where it isn't known."""
    known = _ARCHITECTURES.get(os.uname().machine)
    return known[3] if known else None


def program(allowed_families: tuple[int, ...], *, debugging: bool = False) -> bytes | None:
    """The filter, as the kernel takes it; None on an architecture it isn't written for.

    Args:
        allowed_families: The kinds of sockets that may be made; pairs of sockets always may.
        debugging: Leave `ptrace` and its like, for where processes are kept apart otherwise.
    """
    known = _ARCHITECTURES.get(os.uname().machine)
    if known is None:
        return None
    architecture, socket, ioctl, clone, refused = known
    refuse = _ERRNO | errno.EPERM
    code = [
        *_unless(_ARCHITECTURE, _EQUAL, architecture, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        *_when(_AT_LEAST, _X32, refuse),
        *_when(_EQUAL, _CLONE3, _ERRNO | errno.ENOSYS),  # the C library then falls back to clone
    ]
    for number in (*refused[_DEBUGGING if debugging else 0 :], *_REFUSED_EVERYWHERE):
        code += _when(_EQUAL, number, refuse)
    code += _argument(clone, 0, _when(_ANY_BIT, _NEW_NAMESPACES, refuse))
    code += _argument(ioctl, 1, _when(_EQUAL, _TIOCSTI, refuse) + _when(_EQUAL, _TIOCLINUX, refuse))
    allowing = [step for kind in allowed_families for step in _when(_EQUAL, kind, _ALLOW)]
    code += _argument(socket, 0, [*allowing, (_RETURN, 0, 0, refuse)])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in code)


def install(filter_program: bytes, libc: ctypes.CDLL) -> None:
    """Put this process and all that it starts under a filter, for good.

    Raises:
        OSError: The kernel refuses.
    """
    buffer = ctypes.create_string_buffer(filter_program, len(filter_program))
    # struct sock_fprog: how many instructions, and where they are.
    head = struct.pack("@HP", len(filter_program) // 8, ctypes.addressof(buffer))
    if libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), head, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls was refused")


_Step = tuple[int, int, int, int]


def _when(test: int, value: int, action: int) -> list[_Step]:
    return [(test, 0, 1, value), (_RETURN, 0, 0, action)]


def _unless(offset: int, test: int, value: int, action: int) -> list[_Step]:
    return [(_LOAD, 0, 0, offset), (test, 1, 0, value), (_RETURN, 0, 0, action)]


def _argument(number: int, index: int, steps: list[_Step]) -> list[_Step]:
    """Steps on one argument of one call; the call's number is loaded again after them."""
    return [
        (_EQUAL, 0, len(steps) + 2, number),
        (_LOAD, 0, 0, 16 + 8 * index),
        *steps,
        (_LOAD, 0, 0, _NUMBER),
    ]
