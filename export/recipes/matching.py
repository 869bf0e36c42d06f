"""Finds the architecture whose keys and shapes are those of a file, and says how others differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from export.recipes.errors import RecipeError
from export.samples import Feed
from models.layouts import Table
from packs.manifest import DetectionSettings
from packs.spec import ModelSpec

# In front of every key, from trainers that wrap the network.
PREFIXES = ("module.", "model.", "_orig_mod.")
# A counter of training steps that older and converted files leave out; torch fills it in.
COUNTER = "num_batches_tracked"
NEAREST = 2
FIRST = 3


@dataclass(frozen=True, slots=True)
class Served:
    """One model of a pack, ready to be written.

    Attributes:
        spec: Its declaration; the digest is filled in when the file is there.
        graph: What is traced, in inference mode; takes the spec's inputs in their order.
        feed: Inputs to compare on, by name; None takes seeded noise.
        detection: First operating point of a detector.
    """

    spec: ModelSpec
    graph: nn.Module
    feed: Feed | None = None
    detection: DetectionSettings | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An architecture that a file may be of.

    Attributes:
        architecture: Its name, for people.
        build: Makes the network, with arbitrary weights.
        serve: From the loaded network, in inference mode, to the models of the pack.
        rename: From all public weights to the network's keys; None where they are the same.
        ignored: Beginnings of public keys that are no part of what is served, such as a classifier of training.
        prefixes: Beginnings that the public files put before every key, beside those that trainers put.
    """

    architecture: str
    build: Callable[[], nn.Module]
    serve: Callable[[nn.Module], Sequence[Served]]
    rename: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] | None = None
    ignored: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """How a file lies to an architecture.

    Attributes:
        candidate: The architecture.
        weights: The file's tensors under the network's keys, what is ignored left out.
        missing: Keys of the network that the file lacks.
        unexpected: Keys of the file that the network lacks.
        misshapen: Keys of both, with both shapes.
        notes: What was stripped and left out, for people.
    """

    candidate: Candidate
    weights: Mapping[str, Tensor]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def faults(self) -> int:
        """Number of keys that differ; 0 when every weight has its place."""
        return len(self.missing) + len(self.unexpected) + len(self.misshapen)

    def difference(self) -> str:
        """The first keys that differ, in a line."""
        parts = [
            f"{len(keys)} {word}: {', '.join(keys[:FIRST])}{', ...' if len(keys) > FIRST else ''}"
            for word, keys in (
                ("missing", self.missing),
                ("unexpected", self.unexpected),
                ("of another shape", self.misshapen),
            )
            if keys
        ]
        return "; ".join(parts) or "none"


def best_fit(weights: Mapping[str, Tensor], candidates: Iterable[Candidate]) -> Fit:
    """The architecture that every weight fits.

    Raises:
        RecipeError: If none does; names the nearest and the first keys that differ.
    """
    fits = sorted((fit(weights, candidate) for candidate in candidates), key=lambda one: one.faults)
    if fits[0].faults == 0:
        return fits[0]
    nearest = "\n".join(f"  {one.candidate.architecture}: {one.difference()}" for one in fits[:NEAREST])
    raise RecipeError(f"the file's {len(weights)} tensors fit no architecture of this recipe; nearest:\n{nearest}")


def fit(weights: Mapping[str, Tensor], candidate: Candidate) -> Fit:
    """Lay a file beside an architecture; nothing is loaded and the network takes no memory."""
    with torch.device("meta"):
        wanted = candidate.build().state_dict()
    found, notes = _bare(weights, candidate, wanted)
    missing = tuple(key for key in wanted if key not in found and not key.endswith(COUNTER))
    unexpected = tuple(key for key in found if key not in wanted)
    misshapen = tuple(
        f"{key} is {list(found[key].shape)}, expected {list(wanted[key].shape)}"
        for key in wanted
        if key in found and found[key].shape != wanted[key].shape
    )
    return Fit(candidate, found, missing, unexpected, misshapen, notes)


def loaded(found: Fit) -> nn.Module:
    """The network with the file's weights, strictly, in inference mode."""
    network = found.candidate.build()
    network.load_state_dict(dict(found.weights), strict=True)
    return network.eval().requires_grad_(False)


def _bare(
    weights: Mapping[str, Tensor], candidate: Candidate, wanted: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Take off the prefix that leaves most keys in common, then what is ignored, then rename."""
    tried = [(prefix, _named(weights, prefix, candidate)) for prefix in ("", *candidate.prefixes, *PREFIXES)]
    prefix, (found, left_out) = max(tried, key=lambda one: len(one[1][0].keys() & wanted.keys()))
    notes = []
    if prefix:
        notes.append(f"took {prefix!r} off the keys")
    if left_out:
        notes.append(f"left out {len(left_out)} tensors that are not served: {', '.join(left_out[:FIRST])}")
    return found, tuple(notes)


def _named(
    weights: Mapping[str, Tensor], prefix: str, candidate: Candidate
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    bare = {key.removeprefix(prefix): tensor for key, tensor in weights.items()}
    left_out = tuple(key for key in bare if key.startswith(candidate.ignored))
    kept = {key: tensor for key, tensor in bare.items() if not key.startswith(candidate.ignored)}
    return (candidate.rename(kept) if candidate.rename else kept), left_out


def renamed_by(table: Table) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    """Renaming by the first row of a table whose public beginning a key has; other keys stay, to be told of."""

    def rename(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {_renamed(key, table): tensor for key, tensor in weights.items()}

    return rename


def _renamed(key: str, table: Table) -> str:
    for theirs, ours in table:
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key
