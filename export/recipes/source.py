"""Reads a user's file of weights without running anything that it holds: safetensors, or torch's `weights_only`."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from export.recipes.errors import RecipeError

# Names under which trainers keep the state dict, the outer ones first.
WRAPPERS = ("ema", "state_dict", "model_state_dict", "model", "module")
CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class Source:
    """What a file holds.

    Attributes:
        path: The file.
        weights: Tensors by public key.
        extras: What lay beside the weights and is no tensor.
        config: The `config.json` beside the file, or None.
        notes: What was unwrapped, for people.
    """

    path: Path
    weights: Mapping[str, Tensor]
    extras: Mapping[str, Any]
    config: Mapping[str, Any] | None
    notes: tuple[str, ...]


def read_source(path: Path) -> Source:
    """Read a file of weights, and the `config.json` beside it when there is one.

    Raises:
        RecipeError: If it is absent, is no such file, or holds more than weights.
    """
    if not path.is_file():
        raise RecipeError(f"no file at {path}: give a checkpoint, .safetensors or what torch.save wrote")
    content = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    weights, extras, notes = _unwrapped(content, path)
    _check_finite(weights, path)
    return Source(path, weights, extras, _config_beside(path), tuple(notes))


def _safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise RecipeError(f"{path} is no whole safetensors file: {error}; download it again") from error


def _pickled(path: Path) -> Mapping[str, Any]:
    try:
        with warnings.catch_warnings():
            # torch warns of an archive that it then refuses, as we want it.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise RecipeError(_refusal(path, error)) from error
    if not isinstance(content, Mapping):
        raise RecipeError(f"{path} holds a {type(content).__name__}, expected a dict of tensors: save the state_dict")
    return content


def _refusal(path: Path, error: Exception) -> str:
    resave = "In the environment where it was made, if you trust it, save its state_dict() alone and give that file."
    if "TorchScript" in str(error):
        return f"{path} is a TorchScript archive, which holds code. {resave}"
    first = str(error).strip().splitlines()[0]
    return f"{path} cannot be read as weights alone ({first}); files that hold code are not opened. {resave}"


def _unwrapped(content: Mapping[str, Any], path: Path) -> tuple[dict[str, Tensor], dict[str, Any], list[str]]:
    extras: dict[str, Any] = {}
    notes = []
    while (name := _wrapper(content)) is not None:
        extras |= {key: value for key, value in content.items() if key != name and not isinstance(value, Tensor)}
        content = content[name]
        notes.append(f"took what lies under {name!r}")
    weights = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    extras |= {str(key): value for key, value in content.items() if not isinstance(value, Tensor)}
    if not weights:
        raise RecipeError(f"{path} holds no tensors; its keys are {', '.join(map(str, list(content)[:8]))}")
    return weights, extras, notes


def _wrapper(content: Mapping[str, Any]) -> str | None:
    nested = (name for name in WRAPPERS if isinstance(content.get(name), Mapping) and content[name])
    return next(nested, None)


def _check_finite(weights: Mapping[str, Tensor], path: Path) -> None:
    for key, tensor in weights.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise RecipeError(f"{path}: {key} holds nan or infinity; the file is damaged")


def _config_beside(path: Path) -> Mapping[str, Any] | None:
    beside = path.with_name(CONFIG)
    if not beside.is_file():
        return None
    try:
        content = json.loads(beside.read_text())
    except ValueError as error:
        raise RecipeError(f"{beside} is no JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise RecipeError(f"{beside} holds a {type(content).__name__}, expected an object")
    return content
