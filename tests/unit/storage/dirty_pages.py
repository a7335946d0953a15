"""Asks the kernel which of a file's pages are not on the disk yet (cachestat, Linux 6.5)."""

import ctypes
import os
from pathlib import Path

_CACHESTAT = 451


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Counts(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cached", "dirty", "writeback", "evicted", "recent")
    )


def unsynced_pages(path: Path) -> int | None:
    """Pages that a power cut would lose; None when this kernel cannot tell."""
    counts = _Counts()
    whole = _Range(0, 0)
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    file = os.open(path, os.O_RDONLY)
    try:
        failed = syscall(_CACHESTAT, file, ctypes.byref(whole), ctypes.byref(counts), 0)
    finally:
        os.close(file)
    return None if failed else counts.dirty + counts.writeback
