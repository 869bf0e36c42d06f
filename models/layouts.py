"""Layouts of public checkpoints: explicit tables from their keys to ours; what no table names is an error.

Sources of the layouts: `papers/state_dicts/*.tsv`, made by instantiating the public code (methods.md, appendix B).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from models.checkpoints import CheckpointError

# Pairs of (public prefix, our prefix); a prefix covers every key below it.
Table = Sequence[tuple[str, str]]

_STAGES = ("layer1.", "layer2.", "layer3.", "layer4.")

# fuankarion/audiovisual-person-search, `core/models.py`: the network of faces and voices.
APES: Table = (
    ("video_conv1.", "face.conv1."),
    ("v_bn1.", "face.bn1."),
    *((f"v_{stage}", f"face.{stage}") for stage in _STAGES),
    ("audio_conv1.", "voice.conv1."),
    ("a_bn1.", "voice.bn1."),
    *((f"a_{stage}", f"voice.{stage}") for stage in _STAGES),
    ("fc_shared.", "joint."),
)
# The same code's networks of one stream; they fit a bare `models.trunks.ResNet`.
APES_FACE: Table = (("conv1.", "conv1."), ("bn1.", "bn1."), *((stage, stage) for stage in _STAGES))
APES_VOICE: Table = (("conv1_audio.", "conv1."), ("bn1.", "bn1."), *((stage, stage) for stage in _STAGES))

# Junhua-Liao/Light-ASD, `model/`: the network, and the two classifiers that its file keeps beside it.
LIGHT_ASD_BODY: Table = (
    ("visualEncoder.", "visual."),
    ("audioEncoder.", "audio."),
    ("GRU.gru_forward.", "memory.forwards."),
    ("GRU.gru_backward.", "memory.backwards."),
)
LIGHT_ASD: Table = (
    *((f"model.{theirs}", ours) for theirs, ours in LIGHT_ASD_BODY),
    ("lossAV.FC.", "score."),
    ("lossV.FC.", "visual_score."),
)


def from_public(weights: Mapping[str, Tensor], table: Table) -> dict[str, Tensor]:
    """Give a public state dict our names.

    Args:
        weights: Public keys and tensors.
        table: Which prefix becomes which.

    Returns:
        The same tensors under our keys; load them with `strict=True`.

    Raises:
        CheckpointError: If a key is in no row of the table, or two keys become one.
    """
    renamed = {_renamed(key, table): tensor for key, tensor in weights.items()}
    if len(renamed) != len(weights):
        raise CheckpointError(f"{len(weights)} public keys became {len(renamed)}: two rows of the table meet")
    return renamed


def _renamed(key: str, table: Table) -> str:
    for theirs, ours in table:
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    known = ", ".join(theirs for theirs, _ in table)
    raise CheckpointError(f"key {key!r} is not in this layout, which knows {known}: is it another network's file?")
