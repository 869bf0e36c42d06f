"""A trained network that fuses, made ready to be used: its ONNX file, and beside it the card that says what it means.

Its cosines are calibrated on films that it did not learn from. Two tracklets are represented by what both have, and a
cosine of faces means something else than one of bodies: every subset of the modalities has a line of its own, which
falls with the quality of the weaker tracklet. A network that keeps the cosines of faces keeps the pack's line for them:
it was fitted on portraits too, and a search by a face alone is then, to the score, the product's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.onnx_from_network import onnx_from_network
from models.checkpoints import FUSION_PRESETS, network_from_checkpoint, read_checkpoint
from packs.calibration import Calibration
from packs.fuser import FuserCard, FuserPart, SubsetCalibration
from packs.manifest import Pack
from packs.spec import Modality
from training.data.associations import PARTS, SUBSETS, FilmTracklets, load_associations
from training.data.shards import DataError
from training.measure.clearness import fit_by_quality

F64 = NDArray[np.float64]
NAMES = {"associative_tracklets": "associative", "attentive_tracklets": "MMA"}
# Fewer pairs of one person fix no line.
LEAST_POSITIVES = 50
INPUTS = ("present", "quality", *(str(modality) for modality, _ in PARTS))
FACE = next(number for number, (modality, _) in enumerate(PARTS) if modality is Modality.FACE)
# Of two cosines that are one but for rounding.
SAME = 1e-4
OUTPUTS = ("together", "keys", "weights")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """P pairs that may be compared: cosine and quality of the weaker float64[P], whether one person bool[P]."""

    cosine: F64
    quality: F64
    same: NDArray[np.bool_]


def make_fuser(
    weights: Path,
    data: Path,
    films: Sequence[str],
    out: Path,
    *,
    pack: Pack,
    window_s: float,
    say: Callable[[str], None],
) -> FuserCard:
    """Calibrate a run's network, and write OUT and its card OUT.json.

    Args:
        weights: `weights.pt` of a run of association.toml or attention.toml.
        data: Folder of the read-backs.
        films: Names of those to calibrate on; none that the run learned from.
        out: ONNX file to write.
        pack: Whose embeddings the read-backs hold.
        window_s: Longest gap over which bodies and heads are compared.
        say: Receives lines of progress.

    Raises:
        CheckpointError: If the weights are of another network.
        DataError: If the read-backs are none, are of another pack, or hold too few pairs for any line.
    """
    network, card = calibrated(weights, data, films, pack=pack, window_s=window_s, say=say)
    out.parent.mkdir(parents=True, exist_ok=True)
    example = [torch.ones(2, len(PARTS)), torch.ones(2, len(PARTS)), *(torch.randn(2, dim) for _, dim in PARTS)]
    onnx_from_network(network, example, inputs=INPUTS, outputs=OUTPUTS, path=out)
    out.with_suffix(".json").write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB, {len(card.calibrations)} lines from {', '.join(films)}")
    return card


def calibrated(
    weights: Path, data: Path, films: Sequence[str], *, pack: Pack, window_s: float, say: Callable[[str], None]
) -> tuple[nn.Module, FuserCard]:
    """A run's network, and what is known of it; arguments and errors are those of `make_fuser`."""
    checkpoint = read_checkpoint(weights)
    network = network_from_checkpoint(checkpoint, checkpoint.preset, {name: FUSION_PRESETS[name] for name in NAMES})
    tracklets = load_associations(data, films)
    if tracklets.pack != pack.digest:
        raise DataError(f"the read-backs in {data} are of the pack {tracklets.pack[:12]}, not of {pack.digest[:12]}")
    lines = calibrations_of(network, tracklets, window_s, say, known=pack.calibration)
    if len(lines) < 2:
        raise DataError(f"{', '.join(films)} hold fewer than {LEAST_POSITIVES} pairs of one person by most modalities")
    return network, FuserCard(
        name=NAMES[checkpoint.preset],
        pack=tracklets.pack,
        parts=tuple(FuserPart(modality=modality, dim=dim) for modality, dim in PARTS),
        calibrations=tuple(lines),
    )


def calibrations_of(
    network: nn.Module,
    tracklets: FilmTracklets,
    window_s: float,
    say: Callable[[str], None],
    known: Mapping[Modality, Calibration],
) -> list[SubsetCalibration]:
    """Fit a line to every subset that has enough pairs; that of faces is the known one if their cosines are kept."""
    found = []
    for subset in SUBSETS:
        pairs = pairs_of(network, tracklets, subset, window_s)
        modalities = tuple(PARTS[number][0] for number in subset)
        line = _line(pairs)
        if modalities == (Modality.FACE,) and Modality.FACE in known and keeps_cosines(network, tracklets, FACE):
            line = known[Modality.FACE]
        if line is None:
            say(f"{' + '.join(modalities)}: {int(pairs.same.sum())} pairs of one person, no line")
            continue
        found.append(SubsetCalibration(modalities=modalities, calibration=line))
    return found


def pairs_of(network: nn.Module, tracklets: FilmTracklets, subset: Sequence[int], window_s: float) -> Pairs:
    """Compare all tracklets that have a subset of the modalities by all of it, and by nothing else."""
    rows = tracklets.having(subset)
    together, weights = represented(network, tracklets, subset)
    first, second = np.nonzero(np.triu(tracklets.comparable(rows, subset, window_s)))
    quality = (weights * tracklets.quality[rows]).sum(axis=1, dtype=np.float64)
    identity = tracklets.identity[rows]
    return Pairs(
        (together @ together.T).astype(np.float64)[first, second],
        np.minimum(quality[first], quality[second]),
        identity[first] == identity[second],
    )


def keeps_cosines(network: nn.Module, tracklets: FilmTracklets, modality: int) -> bool:
    """Whether representations by one modality alone are as alike as its embeddings."""
    raw = tracklets.vectors[modality][tracklets.having((modality,))]
    together, _ = represented(network, tracklets, (modality,))
    return bool(np.allclose(together @ together.T, raw @ raw.T, atol=SAME))


@torch.inference_mode()
def represented(
    network: nn.Module, tracklets: FilmTracklets, subset: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Represent those that have a subset by it: float32[n, D] of length 1, and the weights float32[n, M]."""
    rows = tracklets.having(subset)
    held = np.zeros(len(PARTS), np.float32)
    held[list(subset)] = 1.0
    columns = [tracklets.present[rows] * held, tracklets.quality[rows] * held, *(v[rows] for v in tracklets.vectors)]
    answer: tuple[Tensor, Tensor, Tensor] = network.eval()(*(torch.from_numpy(one) for one in columns))
    together, _, weights = answer
    return together.numpy(), weights.numpy()


def _line(pairs: Pairs) -> Calibration | None:
    if not LEAST_POSITIVES <= int(pairs.same.sum()) < len(pairs.same):
        return None
    balance = np.where(pairs.same, 1.0 / pairs.same.sum(), 1.0 / (~pairs.same).sum())
    try:
        return fit_by_quality(pairs.cosine, pairs.same, pairs.quality, balance)
    except ValueError:
        # They say nothing about who it is, which is no line either.
        return None
