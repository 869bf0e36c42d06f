"""Loads weights into transformers' own classes: with its renaming of older keys, without its leniency.

Nothing is looked up or downloaded: the class is ours to name, the configuration lies beside the user's file, and code
that comes with weights is never run.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from export.recipes.errors import RecipeError
from export.recipes.source import Source

PREPROCESSOR = "preprocessor_config.json"
FIRST = 3
# Buffers that older versions saved and newer ones compute.
COMPUTED = (r"position_ids$", r"num_batches_tracked$", r"masked_spec_embed$")


def config_of(source: Source, kind: str, model_type: str) -> Any:
    """The configuration beside the file.

    Args:
        source: The file.
        kind: Name of transformers' class of configurations.
        model_type: What the file must say of itself.

    Raises:
        RecipeError: If there is none, or it is another model's.
    """
    transformers = library()
    if source.config is None:
        raise RecipeError(
            f"no config.json beside {source.path}: keep it there, it says how many heads and layers there are"
        )
    found = source.config.get("model_type")
    if found != model_type:
        raise RecipeError(f"{source.path.with_name('config.json')} is of a {found!r}, expected {model_type!r}")
    return getattr(transformers, kind).from_dict(dict(source.config))


def preprocessor_of(source: Source) -> Mapping[str, Any]:
    """The settings of the feature extractor beside the file.

    Raises:
        RecipeError: If there are none.
    """
    path = source.path.with_name(PREPROCESSOR)
    if not path.is_file():
        raise RecipeError(f"no {PREPROCESSOR} beside {source.path}: keep it there, it says whether sound is normalised")
    settings: Mapping[str, Any] = json.loads(path.read_text())
    return settings


def loaded_strictly(
    name: str, config: Any, weights: Mapping[str, Tensor], ignored: Sequence[str] = (), absent: Sequence[str] = ()
) -> nn.Module:
    """A network of transformers with every weight in its place, in inference mode and float32.

    Args:
        name: Of the class.
        config: Its configuration.
        weights: Tensors by public key.
        ignored: Patterns of keys of the file that are no part of what is served.
        absent: Patterns of keys of the network that the file need not have, since they are not served.

    Raises:
        RecipeError: If keys or shapes differ otherwise; names the first.
    """
    transformers = library()
    floats = {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    # Fused attention has no form in ONNX of its own, and the plain one is what it must agree with.
    network, info = getattr(transformers, name).from_pretrained(
        None,
        config=config,
        state_dict=floats,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        attn_implementation="eager",
    )
    differences = {
        "missing": _unexcused(info["missing_keys"], (*COMPUTED, *absent)),
        "unexpected": _unexcused(info["unexpected_keys"], (*COMPUTED, *ignored)),
        "of another shape": [f"{key[0]} is {list(key[1])}, expected {list(key[2])}" for key in info["mismatched_keys"]],
    }
    told = [f"{len(keys)} {word}: {', '.join(keys[:FIRST])}" for word, keys in differences.items() if keys]
    if told:
        raise RecipeError(f"the file's {len(weights)} tensors do not fit transformers' {name}; {'; '.join(told)}")
    ready: nn.Module = network.float().eval().requires_grad_(False)
    return ready


def library() -> Any:
    """The library, silent: what it would print, our errors say."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # By name, since its own types would have to be followed through all of its networks.
        transformers: Any = import_module("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


def _unexcused(keys: Sequence[str], patterns: Sequence[str]) -> list[str]:
    return sorted(str(key) for key in keys if not any(re.search(pattern, str(key)) for pattern in patterns))
