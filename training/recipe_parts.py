"""Parts of recipes: what several tasks, or one at length, say of themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Part(BaseModel):
    """Base of a recipe's parts: immutable, and closed against misspelt keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(Part):
    """A run of steps with one input size; small inputs first teach most at a quarter of the cost.

    Attributes:
        height: Rows of the input, in pixels.
        width: Columns of the input, in pixels.
        batch: Examples in one step.
        steps: Number of steps.
    """

    height: PositiveInt
    width: PositiveInt
    batch: PositiveInt
    steps: PositiveInt


class SoundPhase(Part):
    """A run of steps with windows of one length; short ones first teach most at half the cost.

    Attributes:
        frames: Frames of a window, 10 ms each.
        batch: Windows in one step.
        steps: Number of steps.
    """

    frames: PositiveInt
    batch: PositiveInt
    steps: PositiveInt


class Optimiser(Part):
    """AdamW with a linear warm-up and a cosine to zero; with restarts, once for each cycle (SGDR, arXiv:1608.03983).

    Attributes:
        learning_rate: Highest rate.
        restart_at: Steps at which a new cycle begins; none for one cycle over all phases.
        weight_decay: Decoupled decay; biases and norms are spared.
        warmup_steps: Steps until the highest rate.
        clip_norm: Longest gradient over all parameters.
        average_decay: Decay of the moving average of the weights, which is what is exported.
    """

    learning_rate: PositiveFloat
    restart_at: tuple[PositiveInt, ...] = ()
    weight_decay: Annotated[float, Field(ge=0.0)]
    warmup_steps: PositiveInt
    clip_norm: PositiveFloat
    average_decay: Share


class Margin(Part):
    """ArcFace. `warmup` is the share of all steps in which the margin grows from 0 to `margin` (radians)."""

    scale: PositiveFloat
    margin: Annotated[float, Field(ge=0.0, le=1.0)]
    warmup: Share


class Traits(Part):
    """Reading what the renderer knows off the embedding; `weight` is that of its squared error.

    Of an identity that is `training.data.traits`, of a person in an outfit `training.data.worn`.
    """

    weight: PositiveFloat


class CropChoice(Part):
    """Which crops teach.

    Attributes:
        kind: Which crop of a person.
        least_width_px: Narrowest box in the 1280x720 frame.
        least_visibility: Smallest visible share of the box's owner.
        largest_yaw_deg: Most that the head is turned from the camera.
        label: `identity`, or `outfit` for a key that holds only while clothes stay.
        sets: Folders below the data folder; the same number in two sets is two people.
    """

    kind: Literal["face", "head", "body"]
    least_width_px: PositiveFloat
    least_visibility: Share
    largest_yaw_deg: PositiveFloat
    label: Literal["identity", "outfit"]
    sets: Annotated[tuple[str, ...], Field(min_length=1)] = ("train",)


class CropAugment(Part):
    """How hard the crops are changed; each share is a chance per crop.

    Attributes:
        shift: Largest shift of the box, as a share of its size.
        scale: Largest change of the box's size, as a share of it.
        shrink: Chance that the crop is made small and large again.
        smallest_px: Smallest side that it is shrunk to.
        blur: Chance of a Gaussian or motion blur.
        jpeg: Chance of strong JPEG compression.
        colour: Largest relative change of brightness, contrast and channel gains.
        erase: Chance of a rectangle of noise or flat colour.
        cut: Chance that the lower part is cut off, as when a person stands behind a desk.
    """

    shift: Share
    scale: Share
    shrink: Share
    smallest_px: PositiveInt
    blur: Share
    jpeg: Share
    colour: Share
    erase: Share
    cut: Share


class FrameAugment(Part):
    """How hard frames are changed for the detector.

    Attributes:
        least_zoom: Smallest zoom of a frame.
        largest_zoom: Largest zoom.
        colour: Largest relative change of brightness, contrast and channel gains.
        blur: Chance of a blur.
    """

    least_zoom: PositiveFloat
    largest_zoom: PositiveFloat
    colour: Share
    blur: Share


class SoundAugment(Part):
    """How hard windows of sound are changed.

    Attributes:
        noise: Chance that a wordless clip is laid under a voice.
        least_snr_db: Voice over that clip at the loudest, in decibels; at the softest 20 more.
        gain_db: Largest change of loudness.
        colour_db: Twice the spread of the bends of the curve that stands for room and microphone.
        time_mask: Most frames that are hidden.
        frequency_mask: Most frequencies that are hidden.
    """

    noise: Share
    least_snr_db: float
    gain_db: Annotated[float, Field(ge=0.0)]
    colour_db: Annotated[float, Field(ge=0.0)]
    time_mask: Annotated[int, Field(ge=0)]
    frequency_mask: Annotated[int, Field(ge=0)]


class WordChoice(Part):
    """How crops and sentences are brought together (IVT).

    Attributes:
        levels: Texts of each pair, each with a view of its own.
        mask: Largest share of the tokens that are deleted.
        loss: `sdm` or `contrast` (over cosines), or `cmpm` (IVT's own, over projections). From random weights the
            first and the last hardly begin to learn: what they ask is that wrong pairs become impossible.
        scale: What cosines are multiplied by; not of `cmpm`.
        targets: How targets are normalised; of `cmpm` alone, where `l2` is the published code's way.
        identity: Weight of the loss by which persons in outfits are told apart; 0 leaves it out.
        traits: Weight of what bodies and sentences lose of clothes, build, hair and skin; 0 leaves it out.
    """

    levels: Annotated[tuple[Literal["word", "phrase", "sentence"], ...], Field(min_length=1)]
    mask: Share
    loss: Literal["sdm", "cmpm", "contrast"]
    scale: PositiveFloat = 50.0
    targets: Literal["sum", "l2"] = "sum"
    identity: Annotated[float, Field(ge=0.0)] = 0.0
    traits: Annotated[float, Field(ge=0.0)] = 0.0


class Trunk(Part):
    """The trunk through which the image half looks, taken from an encoder that is trained already.

    Attributes:
        pack: Folder of the pack, below the repository.
        model: Its network.
        learns: Whether it goes on learning; otherwise it stays as it is.
    """

    pack: str
    model: str
    learns: bool


class TrackletPhase(Part):
    """A run of `steps` with `batch` tracklets each."""

    batch: PositiveInt
    steps: PositiveInt


class AssociationTerms(Part):
    """What the losses of methods.md 1.2 weigh, and how tracklets are compared.

    Attributes:
        keys: l1, of who it is by each modality.
        triplet: l2.
        association: l3, of modalities that find each other.
        near: Weight of the contrast among tracklets of one film within the window, by all modalities.
        temperature: What cosines are divided by, of the last two.
        window_s: Longest gap between two tracklets that body or head may be compared over.
    """

    keys: Annotated[float, Field(ge=0.0)]
    triplet: Annotated[float, Field(ge=0.0)]
    association: Annotated[float, Field(ge=0.0)]
    near: PositiveFloat
    temperature: PositiveFloat
    window_s: PositiveFloat
