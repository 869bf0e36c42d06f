"""What is known of a network that fuses modalities: what it takes, and what its cosines mean.

The network is an ONNX file whose inputs are `present`, `quality` (if it looks at that) and one named as each modality,
and whose outputs are `together`, `weights` and, while it is measured, `keys`. Its card stands in the manifest of a pack
of networks that fuse (`packs.fusers`), or in a JSON file of the same name beside it, as training leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, ValidationError, model_validator

from packs.calibration import Calibration
from packs.errors import PackError
from packs.spec import FrozenModel, Modality, ModelSpec, Name

__all__ = ["FuserCard", "FuserPart", "FuserSettings", "FusionMethod", "Subset", "SubsetCalibration", "card_beside"]

# Modalities by which both of a pair are represented, and no others.
Subset = frozenset[Modality]


class FusionMethod(StrEnum):
    """How modalities become one answer: by the sum of their calibrated log-odds, or by a network."""

    LATE = "late"
    ASSOCIATIVE = "associative"
    ATTENTION = "attention"


class FuserPart(FrozenModel):
    """One modality that the network takes, and the length of its embedding."""

    modality: Modality
    dim: PositiveInt


class SubsetCalibration(FrozenModel):
    """What a cosine means where two tracklets are represented by these modalities, and no others."""

    modalities: Annotated[tuple[Modality, ...], Field(min_length=1)]
    calibration: Calibration


class FuserCard(FrozenModel):
    """What is known of a network that fuses.

    Attributes:
        name: For tables.
        pack: Digest of the pack whose embeddings it learned from.
        parts: Modalities in the order of `present` and `quality`.
        calibrations: By subset of modalities; of a subset without one its largest part with one speaks.
    """

    format: Literal["personsearch-fuser/1"] = "personsearch-fuser/1"
    name: str
    pack: str
    parts: Annotated[tuple[FuserPart, ...], Field(min_length=1)]
    calibrations: Annotated[tuple[SubsetCalibration, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_what_it_takes(self) -> Self:
        taken = {part.modality for part in self.parts}
        if len(taken) < len(self.parts):
            raise ValueError("a modality is listed twice")
        for one in self.calibrations:
            if strange := set(one.modalities) - taken:
                raise ValueError(f"a calibration is of {sorted(strange)}, which the network does not take")
        return self

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What the network takes, in its order."""
        return tuple(part.modality for part in self.parts)

    @property
    def dims(self) -> Mapping[Modality, int]:
        """Lengths of the embeddings."""
        return {part.modality: part.dim for part in self.parts}

    @property
    def lines(self) -> Mapping[Subset, Calibration]:
        """The calibrations by subset."""
        return {frozenset(one.modalities): one.calibration for one in self.calibrations}

    def spoken(self, held: Iterable[Modality]) -> Subset | None:
        """The largest part of some modalities that has a calibration; the network's order decides between equals."""
        there = frozenset(held)
        known = (frozenset(one.modalities) for one in self.calibrations)
        fitting = [subset for subset in known if subset <= there]
        order = self.modalities
        return max(fitting, key=lambda one: (len(one), [modality in one for modality in order]), default=None)


class FuserSettings(FrozenModel):
    """A network of a pack that fuses what another pack embeds.

    Attributes:
        method: What services call it.
        model: Name of the network in ``models``. It takes ``present`` FP32 [M], perhaps ``quality`` FP32 [M], and of
            each modality of the card its embedding FP32 [D]; it gives ``together`` and ``weights`` FP32 [M].
        card: What it takes, and what its cosines mean.
    """

    method: Literal[FusionMethod.ASSOCIATIVE, FusionMethod.ATTENTION]
    model: Name
    card: FuserCard

    def check(self, spec: ModelSpec) -> None:
        """Hold the network to the card. Raises ValueError where they differ."""
        count = (len(self.card.parts),)
        wanted = {"present": count, **{str(part.modality): (part.dim,) for part in self.card.parts}}
        taken = {tensor.name: tensor.shape for tensor in spec.inputs if tensor.dtype == "FP32"}
        given = {tensor.name: tensor.shape for tensor in spec.outputs if tensor.dtype == "FP32"}
        fits = len(taken) == len(spec.inputs) and taken in (wanted, wanted | {"quality": count})
        if not fits or given.keys() != {"together", "weights"} or given["weights"] != count:
            raise ValueError(
                f"{spec.name} cannot fuse: expected FP32 inputs {wanted}, with or without `quality`, and the outputs "
                f"`together` and `weights` of {count[0]}, got {taken} and {given}"
            )


def card_beside(network: Path) -> FuserCard:
    """Read the card of an ONNX file. Raises PackError where it is missing or says something else."""
    path = network.with_suffix(".json")
    try:
        return FuserCard.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PackError(f"no card at {path}: `python -m training fuser` writes it beside the network") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise PackError(f"{path} is no card of a network that fuses: {error}") from error
