"""What the Linux kernel is asked for, in its own words: credentials, mounts, and a filter of system calls.

Each function does one thing to the process that calls it, and to those that come from it. `libseccomp` writes the
filter; it is part of nearly every Linux. Python has no binding of it that is kept up (pyseccomp's last is of 2021),
and five of its functions are all that is needed. Landlock has one, `landlockpy` (see `walls`).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

CAP_DAC_READ_SEARCH = 2
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 8, 36, 38
_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_MS_NOSUID, _MS_NODEV = 2, 4
_CAPABILITY_VERSION_3 = 0x2008_0522
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_NOT_EQUAL, _MASKED_EQUAL = 1, 7
_EPERM, _ENOSYS = 1, 38

REFUSED = (
    # the network, and sockets of other programs on this machine
    *("socket", "socketpair", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    # other processes' memory, files and keys
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise"),
    *("keyctl", "add_key", "request_key"),
    # modes, owners and times of files, which Landlock leaves to whoever owns them
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("utime", "utimes", "futimesat", "utimensat", "inotify_add_watch", "fanotify_mark"),
    # memory that counts as nobody's address space, as does what waits in a pair of sockets (above)
    *("memfd_create", "memfd_secret"),
    # what stays when the process has ended
    *("shmget", "msgget", "semget", "mq_open"),
    # the kernel's larger doors
    *("bpf", "perf_event_open", "userfaultfd", "open_by_handle_at", "init_module", "finit_module", "kexec_load"),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount"),
)
"""System calls that no answer to an exercise needs: they end with "Operation not permitted"."""


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


@cache
def _libseccomp() -> Any:
    """The library, or None where this Linux has none."""
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = [ctypes.c_void_p]
    return library


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc(), name)(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def die_with_parent(signal_number: int) -> None:
    """Receive this signal when the parent ends. A change of user undoes it."""
    _call("prctl", _PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans() -> None:
    """What a child's children leave behind becomes ours to end."""
    _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def gain_nothing() -> None:
    """Programs that run as another user (sudo) run as this one from now on."""
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def keep_capabilities() -> None:
    """The next change of user keeps what root may do, until `drop_capabilities`."""
    _call("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)


def drop_capabilities(keep: Sequence[int] = ()) -> None:
    """Give up what root may do, but for those of `keep` that this process has."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    held = ctypes.create_string_buffer(24)
    _call("capget", header, held)
    permitted = struct.unpack("6I", held.raw)[1]
    low = sum(1 << number for number in keep) & permitted
    _call("capset", header, struct.pack("6I", low, low, 0, 0, 0, 0))


def mount_memory(folder: str, megabytes: int) -> None:
    """An empty file system of this size over `folder`, seen by this process and its children alone."""
    _call("unshare", _CLONE_NEWNS)
    options = f"size={megabytes}m,nr_inodes=10k,mode=700"
    _call("mount", b"answer", os.fsencode(folder), b"tmpfs", _MS_NOSUID | _MS_NODEV, options.encode())


class _Compared(ctypes.Structure):
    """libseccomp's scmp_arg_cmp: argument `arg` of a system call, held against `datum_a` (and `datum_b`)."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def filter_system_calls() -> None:
    """Refuse `REFUSED`, a user namespace of one's own, and limits set for others. Raises OSError where it cannot."""
    library = _libseccomp()
    if library is None:
        raise OSError(_ENOSYS, "there is no libseccomp.so.2")
    rules: list[tuple[str, int, tuple[_Compared, ...]]] = [(name, _EPERM, ()) for name in REFUSED]
    rules += [
        ("clone", _EPERM, (_Compared(0, _MASKED_EQUAL, _CLONE_NEWUSER, _CLONE_NEWUSER),)),
        ("clone3", _ENOSYS, ()),  # its flags cannot be looked at; the C library then takes clone
        ("prlimit64", _EPERM, (_Compared(0, _NOT_EQUAL, 0, 0),)),
    ]
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    try:
        for name, code, compared in rules:
            number = library.seccomp_syscall_resolve_name(name.encode())
            array = (_Compared * len(compared))(*compared)
            refused = ctypes.c_uint32(_ERRNO | code)
            # a call that this libseccomp or this processor does not know has a negative number, and is none to refuse
            if number >= 0 and library.seccomp_rule_add_array(context, refused, number, len(compared), array) < 0:
                raise OSError(_ENOSYS, f"libseccomp took no rule for {name}")
        if library.seccomp_load(context) < 0:
            raise OSError(_ENOSYS, "the kernel took no filter")
    finally:
        library.seccomp_release(context)
