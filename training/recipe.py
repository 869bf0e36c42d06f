"""Recipes: everything that decides what a training run gives, in one TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, overload

from pydantic import Field, PositiveInt, ValidationError, model_validator

from training.recipe_parts import (
    AssociationTerms,
    CropAugment,
    CropChoice,
    FrameAugment,
    Margin,
    Optimiser,
    Part,
    Phase,
    Share,
    SoundAugment,
    SoundPhase,
    TrackletPhase,
    Traits,
    Trunk,
    WordChoice,
)

__all__ = [
    "ActivityRecipe",
    "AggregationRecipe",
    "AssociationRecipe",
    "AssociationTerms",
    "CropAugment",
    "CropChoice",
    "DescriptionRecipe",
    "DetectorRecipe",
    "EncoderRecipe",
    "FrameAugment",
    "Margin",
    "Optimiser",
    "Part",
    "Phase",
    "Recipe",
    "RecipeError",
    "SightRecipe",
    "SoundAugment",
    "SoundPhase",
    "SoundRecipe",
    "SpeakingAugment",
    "SpeakingPhase",
    "SpeakingRecipe",
    "TrackletPhase",
    "Traits",
    "Trunk",
    "VoiceRecipe",
    "WordChoice",
    "phase_at",
    "read_recipe",
    "total_steps",
]


class RecipeError(Exception):
    """A recipe that cannot be followed; the message says what is wrong in it."""


class EncoderRecipe(Part):
    """A recipe for an encoder of faces, heads or bodies."""

    task: Literal["encoder"]
    preset: Literal["face_encoder", "head_encoder", "body_encoder"]
    seed: Annotated[int, Field(ge=0)]
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    optimiser: Optimiser
    margin: Margin
    traits: Traits | None = None
    crops: CropChoice
    augment: CropAugment


class DetectorRecipe(Part):
    """A recipe for the detector."""

    task: Literal["detector"]
    preset: Literal["person_detector"]
    seed: Annotated[int, Field(ge=0)]
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    optimiser: Optimiser
    augment: FrameAugment

    @model_validator(mode="after")
    def _inputs_fit_strides(self) -> Self:
        for phase in self.phases:
            if phase.height % 32 or phase.width % 32:
                raise ValueError(f"detector inputs must be multiples of 32, got {phase.height}x{phase.width}")
        return self


class VoiceRecipe(Part):
    """A recipe for a voice encoder."""

    task: Literal["voice"]
    preset: Literal["voice_encoder"]
    seed: Annotated[int, Field(ge=0)]
    phases: Annotated[tuple[SoundPhase, ...], Field(min_length=1)]
    optimiser: Optimiser
    margin: Margin
    augment: SoundAugment


class ActivityRecipe(Part):
    """A recipe for voice activity."""

    task: Literal["activity"]
    preset: Literal["voice_activity"]
    seed: Annotated[int, Field(ge=0)]
    phases: Annotated[tuple[SoundPhase, ...], Field(min_length=1)]
    optimiser: Optimiser
    augment: SoundAugment


class DescriptionRecipe(Part):
    """A recipe for bodies and sentences in one space.

    Attributes:
        trunk: Where the image half begins; from nothing when left out.
    """

    task: Literal["description"]
    preset: Literal["ivt_body_small"]
    seed: Annotated[int, Field(ge=0)]
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    optimiser: Optimiser
    crops: CropChoice
    augment: CropAugment
    words: WordChoice
    trunk: Trunk | None = None


class AggregationRecipe(Part):
    """A recipe for what makes one embedding of a tracklet's.

    Attributes:
        pack: Folder of the pack whose encoder is served, below the repository.
        frames: Embeddings of a tracklet in one step.
        crops: Which crops; those that an encoder would be spared are wanted here.
    """

    task: Literal["aggregation"]
    preset: Literal["netvlad_small"]
    seed: Annotated[int, Field(ge=0)]
    pack: str
    frames: PositiveInt
    phases: Annotated[tuple[TrackletPhase, ...], Field(min_length=1)]
    optimiser: Optimiser
    margin: Margin
    crops: CropChoice


class AssociationRecipe(Part):
    """A recipe for a network that makes one representation of a tracklet's modalities.

    Attributes:
        films: Names of read-backs, each NAME.npz in the folder of the data.
        dropout: Chance of each modality to go while training.
        learns: Modalities whose maps learn. All begin as isometries, which keep cosines; one that stays so is searched
            for alone as its embeddings are.
        maps_from: Step from which these maps learn; before, only what weighs them does.
    """

    task: Literal["association"]
    preset: Literal["associative_tracklets", "attentive_tracklets"]
    seed: Annotated[int, Field(ge=0)]
    films: Annotated[tuple[str, ...], Field(min_length=1)]
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    learns: tuple[Literal["face", "head", "body", "voice"], ...]
    maps_from: Annotated[int, Field(ge=0)]
    phases: Annotated[tuple[TrackletPhase, ...], Field(min_length=1)]
    optimiser: Optimiser
    margin: Margin
    terms: AssociationTerms


class SpeakingPhase(Part):
    """A run of `steps` with `batch` windows of `frames` pictures each, 25 a second."""

    frames: PositiveInt
    batch: Annotated[int, Field(ge=2)]
    steps: PositiveInt


class SpeakingAugment(Part):
    """How hard windows of faces with sound are changed.

    Attributes:
        strange: Chance that the sound is that of other people: nobody in view speaks then.
        shift: Largest shift of the faces, as a share of their size.
        scale: Largest change of their size.
        light: Largest relative change of contrast, and of brightness as a share of 64 grey levels.
        gain_db: Largest change of loudness.
    """

    strange: Share
    shift: Share
    scale: Share
    light: Share
    gain_db: Annotated[float, Field(ge=0.0)]


class SpeakingRecipe(Part):
    """A recipe for an active-speaker network.

    Attributes:
        films: Names of what `tools.cut_mouths` cut, in the folder `mouths` below the data.
    """

    task: Literal["speaking"]
    preset: Literal["active_speaker_small"]
    seed: Annotated[int, Field(ge=0)]
    films: Annotated[tuple[str, ...], Field(min_length=1)]
    phases: Annotated[tuple[SpeakingPhase, ...], Field(min_length=1)]
    optimiser: Optimiser
    augment: SpeakingAugment


SightRecipe = EncoderRecipe | DetectorRecipe | DescriptionRecipe
SoundRecipe = VoiceRecipe | ActivityRecipe
Recipe = SightRecipe | SoundRecipe | AggregationRecipe | AssociationRecipe | SpeakingRecipe


class _File(Part):
    recipe: Annotated[Recipe, Field(discriminator="task")]


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: If the file is absent, is no TOML, or says something that no recipe says.
    """
    try:
        return _File(recipe=tomllib.loads(path.read_text())).recipe  # type: ignore[arg-type]
    except FileNotFoundError:
        raise RecipeError(f"no recipe at {path}; see training/recipes/") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise RecipeError(f"{path} is not a recipe: {error}") from error


def total_steps(recipe: Recipe) -> int:
    """Steps of all phases."""
    return sum(phase.steps for phase in recipe.phases)


@overload
def phase_at(recipe: SightRecipe, step: int) -> Phase: ...


@overload
def phase_at(recipe: SoundRecipe, step: int) -> SoundPhase: ...


@overload
def phase_at(recipe: AggregationRecipe | AssociationRecipe, step: int) -> TrackletPhase: ...


@overload
def phase_at(recipe: SpeakingRecipe, step: int) -> SpeakingPhase: ...


def phase_at(recipe: Recipe, step: int) -> Phase | SoundPhase | TrackletPhase | SpeakingPhase:
    """Give the phase that a step (from 0) belongs to."""
    left = step
    for phase in recipe.phases:
        if left < phase.steps:
            return phase
        left -= phase.steps
    raise ValueError(f"step {step} lies beyond the recipe's {total_steps(recipe)} steps")
