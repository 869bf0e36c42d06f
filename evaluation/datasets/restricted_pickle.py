"""Reads pickles of Python 2 that hold nothing but containers, numbers, text and numpy arrays.

A pickle is a program: an ordinary `pickle.load` runs whatever its author wrote. This one knows a few names, those that
an old numpy array needs to come back, and behind each stands a maker of our own that checks what it is given; every
other name is refused before anything of it is called. Nothing that a pickle can reach has attributes to be
overwritten.
"""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.errors import DataError

__all__ = ["read_pickle"]

# Booleans, integers, floats, bytes and text: no objects, and no records, which may hold objects.
KINDS = "biufSU"


class _Kind:
    """The kind of numbers of an array, until it is known whole."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        """Take the byte order; kinds with parts or fields are refused."""
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("an array of records")
        self.order = {"|": "=", "=": "="}.get(_text(state[1]), _text(state[1]))

    @property
    def dtype(self) -> np.dtype[Any]:
        """As numpy knows it."""
        kind = np.dtype(self.code)
        if kind.kind not in KINDS or self.order not in "=<>":
            raise pickle.UnpicklingError(f"numbers of the kind {kind}")
        return kind.newbyteorder(">") if self.order == ">" else kind.newbyteorder("<") if self.order == "<" else kind


class _Array(np.ndarray[Any, Any]):
    """An array that is filled by its state; the state must be plain bytes of just the right length."""

    def __setstate__(self, state: Any) -> None:
        shape, kind, fortran, data = state[-4:] if isinstance(state, tuple) and len(state) >= 4 else ((), None, 0, b"")
        data = data.encode("latin-1") if isinstance(data, str) else data
        if not isinstance(kind, _Kind) or not isinstance(data, bytes):
            raise pickle.UnpicklingError("an array that does not hold numbers")
        if not all(isinstance(side, int) and side >= 0 for side in shape):
            raise pickle.UnpicklingError(f"an array of the shape {shape}")
        if len(data) != math.prod(shape) * kind.dtype.itemsize:
            raise pickle.UnpicklingError(f"an array of the shape {shape} in {len(data)} bytes")
        whole: Any = (1, shape, kind.dtype, int(bool(fortran)), data)
        super().__setstate__(whole)


class _ArrayType:
    """Stands for `numpy.ndarray`, which is named but never called."""

    __slots__ = ()


class _MakeArray:
    __slots__ = ()

    def __call__(self, subtype: Any, shape: Any, code: Any) -> _Array:
        if not isinstance(subtype, _ArrayType):
            raise pickle.UnpicklingError(f"an array of the type {subtype!r}")
        return _Array.__new__(_Array, (0,), np.dtype(np.int8))


class _MakeKind:
    __slots__ = ()

    def __call__(self, code: Any, *_: Any) -> _Kind:
        return _Kind(_text(code))


class _MakeNumber:
    __slots__ = ()

    def __call__(self, kind: Any, data: Any = None) -> Any:
        data = data.encode("latin-1") if isinstance(data, str) else data
        if not isinstance(kind, _Kind) or not isinstance(data, bytes) or len(data) != kind.dtype.itemsize:
            raise pickle.UnpicklingError("a number that is none")
        return np.frombuffer(data, dtype=kind.dtype, count=1)[0]


class _MakeBytes:
    """How Python 3 writes bytes in the protocols of Python 2."""

    __slots__ = ()

    def __call__(self, text: Any = "", coding: Any = "latin1") -> bytes:
        if not isinstance(text, str) or _text(coding).replace("-", "") != "latin1":
            raise pickle.UnpicklingError(f"bytes in the coding {coding!r}")
        return text.encode("latin-1")


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayType(),
    ("numpy", "dtype"): _MakeKind(),
    ("_codecs", "encode"): _MakeBytes(),
    # What holds nothing.
    ("__builtin__", "bytes"): _MakeBytes(),
}
for _core in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _KNOWN[_core, "_reconstruct"] = _MakeArray()
    _KNOWN[_core, "scalar"] = _MakeNumber()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f"it asks for the outside object {pid!r}")


def read_pickle(path: Path) -> Any:
    """Read a pickle of plain data; text of Python 2 comes back as bytes.

    Raises:
        DataError: If it is not there, broken, or asks for anything but plain data.
    """
    try:
        with path.open("rb") as file:
            return _Unpickler(file, encoding="bytes").load()
    except FileNotFoundError as error:
        raise DataError(path, "is not there; the page of the data set says where it comes from") from error
    except pickle.UnpicklingError as error:
        allowed = "only numbers, text, containers and numpy arrays are read, since a pickle can run code"
        raise DataError(path, f"is refused ({error}): {allowed}") from error
    except (EOFError, AttributeError, LookupError, ValueError, TypeError, MemoryError, OverflowError) as error:
        raise DataError(path, f"is no whole pickle ({type(error).__name__}: {error}); fetch it again") from error


def _text(code: Any) -> str:
    if isinstance(code, bytes):
        return code.decode("ascii", errors="replace")
    if not isinstance(code, str):
        raise pickle.UnpicklingError(f"a name that is {type(code).__name__}")
    return code
