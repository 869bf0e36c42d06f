"""What lies beside a network that fuses modalities: what it takes, and what its cosines mean.

The network is an ONNX file whose inputs are `present`, `quality` (if it looks at that) and one named as each modality,
and whose outputs are `together`, `keys` and `weights`. The card is a JSON file of the same name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, ValidationError, model_validator

from packs.calibration import Calibration
from packs.errors import PackError
from packs.spec import FrozenModel, Modality

__all__ = ["FuserCard", "FuserPart", "SubsetCalibration", "card_beside"]


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


def card_beside(network: Path) -> FuserCard:
    """Read the card of an ONNX file. Raises PackError where it is missing or says something else."""
    path = network.with_suffix(".json")
    try:
        return FuserCard.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PackError(f"no card at {path}: `python -m training fuser` writes it beside the network") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise PackError(f"{path} is no card of a network that fuses: {error}") from error
