"""`python -m tests.systemd.confined UNIT COMMAND...`: run a command under what a unit says of system calls and memory.

systemd doesn't run where tests do, so this puts the same filters on with the same library, libseccomp:
SystemCallFilter (its groups as `systemd-analyze syscall-filter` has them), SystemCallErrorNumber,
SystemCallArchitectures, RestrictAddressFamilies, RestrictNamespaces, NoNewPrivileges, and MemoryDenyWriteExecute both
ways that systemd does it, by filter and by prctl(2). Mounts, devices and users are left out.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Iterable

from tests.systemd.units import value, values

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN = 65, 1
_KERNELS_WITHOUT_MDWE = errno.EINVAL
_ALLOW = 0x7FFF0000
_NOT_EQUAL, _MASKED_EQUAL = 1, 7
_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 2, 4, 0o100000
_NAMESPACES = 0x7E020080  # sched.h: all CLONE_NEW*, that of time among them


class _Comparison(ctypes.Structure):
    """seccomp.h: struct scmp_arg_cmp."""

    _fields_ = [("argument", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


_library = ctypes.CDLL("libseccomp.so.2")
_library.seccomp_init.restype = ctypes.c_void_p
_library.seccomp_init.argtypes = [ctypes.c_uint32]
_library.seccomp_load.argtypes = _library.seccomp_release.argtypes = [ctypes.c_void_p]
_library.seccomp_rule_add_array.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
]  # fmt: skip


def _errno(number: int) -> int:
    return 0x00050000 | number


class _Filter:
    """One filter of this process, its children and what they execute."""

    def __init__(self, default: int) -> None:
        self._context = _library.seccomp_init(default)

    def add(self, call: str, action: int, *comparisons: _Comparison) -> None:
        """Names that this machine or library doesn't know are passed over, as by systemd."""
        number = _library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        array = (_Comparison * len(comparisons))(*comparisons)
        code = _library.seccomp_rule_add_array(self._context, action, number, len(comparisons), array)
        if code:
            raise OSError(-code, f"no rule for {call}: {os.strerror(-code)}")

    def load(self) -> None:
        if code := _library.seccomp_load(self._context):
            raise OSError(-code, os.strerror(-code))
        _library.seccomp_release(self._context)


def group(name: str) -> frozenset[str]:
    """The system calls of a group such as @system-service, those of the groups in it too."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    words = {line.strip() for line in listed.stdout.splitlines()[1:]}
    return _expanded(word for word in words if word and not word.startswith("#"))


def _expanded(words: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for word in words:
        found |= group(word) if word.startswith("@") else {word}
    return frozenset(found)


def allowed(unit: str) -> frozenset[str]:
    """What SystemCallFilter leaves, line after line: a list of what is allowed, less what '~' takes away."""
    calls: frozenset[str] = frozenset()
    for line in values(unit, "SystemCallFilter"):
        named = _expanded(line.removeprefix("~").split())
        calls = calls - named if line.startswith("~") else calls | named
    return calls | group("@default")


def confine(unit: str) -> None:
    """This process, from now on. ValueError for a unit that says what this doesn't know."""
    libc = ctypes.CDLL(None, use_errno=True)
    if value(unit, "NoNewPrivileges") != "yes" or value(unit, "RestrictNamespaces") != "yes":
        raise ValueError(f"{unit} lacks what this puts on every process")
    if value(unit, "SystemCallErrorNumber") != "EPERM" or value(unit, "RestrictAddressFamilies") != "AF_UNIX":
        raise ValueError(f"{unit} has settings that this doesn't know")
    calls = allowed(unit)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "NoNewPrivileges")
    rest = _Filter(_ALLOW)
    rest.add("socket", _errno(errno.EAFNOSUPPORT), _Comparison(0, _NOT_EQUAL, 1, 0))  # AF_UNIX
    rest.add("clone3", _errno(errno.ENOSYS))
    rest.add("setns", _errno(errno.EPERM))
    for bit in (1 << shift for shift in range(32) if _NAMESPACES >> shift & 1):
        for call in ("unshare", "clone"):
            rest.add(call, _errno(errno.EPERM), _Comparison(0, _MASKED_EQUAL, bit, bit))
    if value(unit, "MemoryDenyWriteExecute") == "yes":
        both = _PROT_WRITE | _PROT_EXEC
        rest.add("mmap", _errno(errno.EPERM), _Comparison(2, _MASKED_EQUAL, both, both))
        for call in ("mprotect", "pkey_mprotect"):
            rest.add(call, _errno(errno.EPERM), _Comparison(2, _MASKED_EQUAL, _PROT_EXEC, _PROT_EXEC))
        rest.add("shmat", _errno(errno.EPERM), _Comparison(2, _MASKED_EQUAL, _SHM_EXEC, _SHM_EXEC))
        if libc.prctl(_PR_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) and ctypes.get_errno() != _KERNELS_WITHOUT_MDWE:
            raise OSError(ctypes.get_errno(), "MemoryDenyWriteExecute")
    rest.load()
    calling = _Filter(_errno(errno.EPERM))  # last, for it allows no further one
    for call in sorted(calls):
        calling.add(call, _ALLOW)
    calling.load()


def main(unit: str, command: list[str]) -> None:
    confine(unit)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
