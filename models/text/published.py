"""Weights of IVT as they were published, to those of `ImageTextTransformer`: a table of keys, and no partial load.

Source: TencentYoutuResearch/PersonRetrieval-IVT at f205788; the lists are in methods.md 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

# What a checkpoint holds besides the encoder: heads that retrieval does not use, and a buffer of older BERTs.
IGNORED = frozenset(
    {
        "classifier_img.weight",
        "bottleneck_img.weight",
        "bottleneck_img.bias",
        "bottleneck_img.running_mean",
        "bottleneck_img.running_var",
        "bottleneck_img.num_batches_tracked",
        "temp",
        "encoder_vl.embeddings.position_ids",
    }
)
WRAPPED = "module."
ENCODER = "encoder_vl."


def weights_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of a published checkpoint's `state_dict`; load the result strictly.

    Args:
        state: what lies under `state_dict` in the file; keys may carry `module.`.

    Raises:
        ValueError: If a key is neither the encoder's nor in the list of what is ignored.
    """
    bare = {key.removeprefix(WRAPPED): value for key, value in state.items()}
    strange = sorted(key for key in bare if not key.startswith(ENCODER) and key not in IGNORED)
    if strange:
        raise ValueError(f"{len(strange)} keys belong to no IVT, such as {strange[:3]}: is this another network?")
    return {key.removeprefix(ENCODER): value for key, value in bare.items() if key not in IGNORED}


def published_key(name: str) -> str:
    """Give the published key of a weight of `ImageTextTransformer`."""
    return f"{ENCODER}{name}"
