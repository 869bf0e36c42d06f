"""What is wrong with somebody's files, in a sentence that says what to do."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DataError", "needed_array", "needed_csv", "needed_json", "needed_list", "needed_mapping"]


class DataError(ValueError):
    """A file of a data set is missing or not as its layout says; `path` is the file."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def needed_json(path: Path) -> Any:
    """Read a JSON file. Raises DataError when it is not there, or not JSON."""
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise DataError(path, f"is not JSON (line {error.lineno}: {error.msg}); fetch it again") from error


def needed_csv(path: Path) -> list[list[str]]:
    """Read the rows of a CSV file, empty ones left out. Raises DataError when it is not there."""
    return [row for row in csv.reader(_text(path).splitlines()) if row]


def needed_array(path: Path, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Read an .npy file of numbers of one shape, as float64. Raises DataError when it is not that.

    Pickled arrays are refused: they could run code.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(path, "is not there; the README of the data set says where it comes from") from error
    except (ValueError, OSError, EOFError) as error:
        raise DataError(path, f"is no plain .npy file ({error}); fetch it again") from error
    if not np.issubdtype(found.dtype, np.number) or found.shape != shape:
        raise DataError(path, f"holds {found.dtype} of shape {found.shape}, expected numbers of shape {shape}")
    if not np.isfinite(found).all():
        raise DataError(path, "holds numbers that are not finite")
    return np.asarray(found, dtype=np.float64)


def needed_mapping(value: object, path: Path, what: str) -> dict[str, Any]:
    """Return a JSON object. Raises DataError when it is something else."""
    if not isinstance(value, dict):
        raise DataError(path, f"has {type(value).__name__} for {what}, expected an object")
    return value


def needed_list(value: object, path: Path, what: str) -> list[Any]:
    """Return a JSON array. Raises DataError when it is something else."""
    if not isinstance(value, list):
        raise DataError(path, f"has {type(value).__name__} for {what}, expected a list")
    return value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(path, "is not there; the README of the data set says where it comes from") from error
    except UnicodeDecodeError as error:
        raise DataError(path, f"is no UTF-8 text ({error.reason} at byte {error.start})") from error
