"""Ways to make one embedding of a tracklet's, measured on people whom nobody trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.bootstrap import estimate_ratio
from models.checkpoints import FUSION_PRESETS, network_from_checkpoint, read_checkpoint
from packs.manifest import Pack
from services.ingest.pipeline.aggregate import aggregate
from services.ingest.pipeline.values import Observation, Position
from training.data.shards import open_frames
from training.data.tracklets import Rows, Tracklets, load_tracklets
from training.measure.retrieval import Retrieval, retrieve
from training.measure.served import unit
from training.recipe import AggregationRecipe, RecipeError, read_recipe
from training.tasks.aggregation import aggregated, relative

F32 = NDArray[np.float32]
RECIPE = Path(__file__).parent / "recipes" / "netvlad.toml"
Way = Callable[[Rows], F32]
# The product weighs what is embedded already; when and from which picture does not matter.
NOWHEN, NO_CROP = Position(0, 0.0), np.zeros((1, 1, 3), np.uint8)


def evaluate_aggregation(
    weights: Path, pack: Pack, data: Path, *, say: Callable[[str], None], recipe: Path = RECIPE
) -> dict[str, Any]:
    """Let each tracklet of the `test` set ask all those of other scenes.

    Args:
        weights: `weights.pt` of a run.
        pack: Whose encoder; the one that the run was made on.
        data: Folder of the sets.
        say: Receives lines of progress.
        recipe: Says which crops are taken.

    Returns:
        How many there are, for each way its mAP and rank-1, and by how much NetVLAD and the product's weighting differ
        from plain averaging, with 95 % intervals over the people.

    Raises:
        RecipeError: If the recipe is of something else.
    """
    read = read_recipe(recipe)
    if not isinstance(read, AggregationRecipe):
        raise RecipeError(f"{recipe} is of the task {read.task!r}, expected 'aggregation'")
    tracklets = load_tracklets(open_frames(data / "test"), pack, read.crops)
    say(f"{len(tracklets)} tracklets of {tracklets.classes} people, {len(tracklets.embeddings)} crops")
    found = {name: ask(tracklets, way) for name, way in ways_of(tracklets, weights).items()}
    means = found["mean"]
    return {
        "tracklets": len(tracklets),
        "people": tracklets.classes,
        "crops": len(tracklets.embeddings),
        "ways": {name: one.figures() for name, one in found.items()},
        "over_mean": {name: gain(tracklets, one, means) for name, one in found.items() if one is not means},
    }


def ways_of(tracklets: Tracklets, weights: Path) -> dict[str, Way]:
    """The ways, by name: each gives one embedding float32[D] of length 1 for rows of a tracklet."""
    vectors, norms = unit(tracklets.embeddings), np.linalg.norm(tracklets.embeddings, axis=1)
    network = network_from_checkpoint(read_checkpoint(weights), "netvlad_small", FUSION_PRESETS)
    looks = relative(tracklets)

    def product(rows: Rows) -> F32:
        seen = [Observation(NOWHEN, 1.0, NO_CROP, vectors[row], float(norms[row])) for row in rows.tolist()]
        joined = aggregate(seen)
        if joined is None:
            raise ValueError("a tracklet has no embedding")
        return joined.vector

    return {
        "longest": lambda rows: vectors[rows[int(norms[rows].argmax())]],
        "mean": lambda rows: unit(vectors[rows].mean(0, keepdims=True))[0],
        "by_length": lambda rows: unit(tracklets.embeddings[rows].sum(0, keepdims=True))[0],
        "product": product,
        "netvlad": lambda rows: aggregated(network, looks, rows),
    }


def ask(tracklets: Tracklets, way: Way) -> Retrieval:
    """Let the tracklets ask each other in one way."""
    joined = np.stack([way(rows) for rows in tracklets.members])
    return retrieve(joined, tracklets.identity, same_view=tracklets.scene)


def gain(tracklets: Tracklets, found: Retrieval, means: Retrieval) -> dict[str, float]:
    """Difference of the mAP to plain averaging, `value`, and its interval, `low` and `high`."""
    people = tracklets.identity[found.queries]
    differences = found.average_precision - means.average_precision
    sums = np.bincount(people, differences, minlength=tracklets.classes)
    counts = np.bincount(people, minlength=tracklets.classes)
    better = estimate_ratio(sums.tolist(), counts.tolist(), unit="people")
    low, high = better.interval
    return {"value": round(better.value, 4), "low": round(low, 4), "high": round(high, 4)}
