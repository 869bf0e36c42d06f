"""What this machine can do, and how to get it: bfloat16, and memory that is not given back at each step."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})

# Names and numbers from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def computes_bfloat16(cpu_info: Path = _CPU_INFO) -> bool:
    """Say whether the processor multiplies bfloat16 itself.

    Where it does not, autocast makes training three times slower.
    """
    if not cpu_info.exists():
        return False
    flags = next((line for line in cpu_info.read_text().splitlines() if line.startswith("flags")), "")
    return bool(_BFLOAT16_FLAGS & set(flags.split()))


def keep_freed_memory() -> bool:
    """Tell glibc to keep large blocks for the next step instead of returning them to the kernel.

    Fresh pages must be zeroed at each touch; for the detector that cost a third of the time. Returns whether it
    was done.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return False
    return bool(libc.mallopt(_M_MMAP_MAX, 0)) and bool(libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
