"""The model pack on the disk: a directory with ``pack.json`` and the weights that it names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from packs.calibration import Calibration
from packs.errors import PackError
from packs.fuser import FuserSettings
from packs.speaking import SOUND_PER_PICTURE
from packs.spec import FrozenModel, Modality, ModelSpec, Name, Preprocessing, WordPreprocessing
from packs.spectra import CEPSTRA

MANIFEST_FILE = "pack.json"

Score = Annotated[float, Field(ge=0.0, le=1.0)]


class DetectionSettings(FrozenModel):
    """Operating point of the pack's detector, chosen on validation films.

    Attributes:
        model: Name of the detector in ``models``.
        thresholds: Least score of a face, a head and a person, in this order.
        iou: Overlap above which the weaker box of one class is dropped.
    """

    model: Name
    thresholds: tuple[Score, Score, Score]
    iou: Score


class HearingSettings(FrozenModel):
    """Operating point of the pack's voice activity, chosen on validation voices.

    Attributes:
        model: Name of the network in ``models``; its output is the probability of speech in each frame of 10 ms.
        threshold: Probability from which a frame counts as speech.
    """

    model: Name
    threshold: Score


class TextSettings(FrozenModel):
    """The half of the pack's text pair that reads sentences; the other half is the network of modality ``text``.

    Attributes:
        model: Name of the network in ``models``; its preprocessing names the tokenizer and the vocabulary, and its
            first output is in the space of the network that looks at bodies.
    """

    model: Name


class SpeakingSettings(FrozenModel):
    """What says whose mouth goes with the sound.

    Attributes:
        model: Name of the network in ``models``. It takes grey faces UINT8 [T, H, W], 25 a second, and the cepstra of
            the same time FP32 [4 T, 13] (`packs.speaking`); its output is the probability FP32 [T] that they speak.
    """

    model: Name


class PackManifest(FrozenModel):
    """What ``pack.json`` holds. Its canonical JSON is what the pack's digest is taken of.

    Attributes:
        format: Version of this layout.
        name: Name of the pack.
        version: Version of the weights, not of the code.
        description: One honest sentence: what it was trained on, and what it is not for.
        models: Every network of the pack.
        detection: Operating point of the detector; None when the pack has none.
        hearing: Operating point of voice activity; None when the pack has none.
        text: What reads sentences; None when the pack has no text pair.
        speaking: What tells who speaks; None when the pack has no active-speaker network.
        fusers: Networks that fuse what another pack embeds (`packs.fusers`); none in a pack that embeds.
        calibration: Evidence per modality; of ``text`` that of a sentence against a body. A modality without one is
            never used to decide anything.
        licence: Under which the weights may be used, as an SPDX expression where there is one; empty when nobody said.
    """

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}([-.][a-z0-9]+)*$")]
    description: str = ""
    models: Annotated[tuple[ModelSpec, ...], Field(min_length=1)]
    detection: DetectionSettings | None = None
    hearing: HearingSettings | None = None
    text: TextSettings | None = None
    speaking: SpeakingSettings | None = None
    fusers: tuple[FuserSettings, ...] = ()
    calibration: dict[Modality, Calibration] = Field(default_factory=dict)
    licence: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [model.name for model in self.models]
        if len(set(names)) != len(names):
            raise ValueError(f"model names must differ, got {names}")
        made = [model.modality for model in self.models if model.modality is not None]
        if len(set(made)) != len(made):
            raise ValueError(f"one network per modality, got {made}")
        named = (
            ("detection", self.detection),
            ("hearing", self.hearing),
            ("text", self.text),
            ("speaking", self.speaking),
        )
        for use, settings in named:
            if settings is not None and settings.model not in names:
                raise ValueError(f"{use} names {settings.model!r}, but the models are {names}")
        self._check_text_pair()
        self._check_speaking()
        self._check_fusers()
        return self

    def _check_text_pair(self) -> None:
        """Both halves of a text pair, in one space, or none."""
        looks = next((model for model in self.models if model.modality is Modality.TEXT), None)
        reads = next((model for model in self.models if self.text and model.name == self.text.model), None)
        if looks is None and reads is None:
            return
        if looks is None or reads is None:
            there, absent = ("sentences", "bodies") if looks is None else ("bodies", "sentences")
            raise ValueError(
                f"a text pair has a network of modality text for bodies, and one for sentences that `text` names; "
                f"got the one for {there} without the one for {absent}"
            )
        if not isinstance(looks.preprocessing, Preprocessing) or not isinstance(reads.preprocessing, WordPreprocessing):
            raise ValueError(f"a text pair looks at crops and reads words: check {looks.name} and {reads.name}")
        if looks.embedding_dim != reads.embedding_dim:
            raise ValueError(
                f"a text pair has one space: {looks.name} has {looks.embedding_dim} dimensions, "
                f"{reads.name} has {reads.embedding_dim}"
            )

    def _check_speaking(self) -> None:
        """An active-speaker network takes faces and sound of the same time."""
        if self.speaking is None:
            return
        spec = next(model for model in self.models if model.name == self.speaking.model)
        found = [(tensor.dtype, tensor.shape) for tensor in (*spec.inputs, *spec.outputs)]
        frames, *size = spec.inputs[0].shape
        if len(size) != 2 or found != [
            ("UINT8", (frames, *size)),
            ("FP32", (SOUND_PER_PICTURE * frames, CEPSTRA)),
            ("FP32", (frames,)),
        ]:
            raise ValueError(
                f"{spec.name} cannot tell who speaks: expected faces UINT8 [T, H, W], cepstra FP32 "
                f"[{SOUND_PER_PICTURE} T, {CEPSTRA}] and the answer FP32 [T], got {found}"
            )

    def _check_fusers(self) -> None:
        """One network a method, each of which takes what its card says."""
        methods = [fuser.method for fuser in self.fusers]
        if len(set(methods)) != len(methods):
            raise ValueError(f"one network that fuses per method, got {methods}")
        specs = {model.name: model for model in self.models}
        for fuser in self.fusers:
            if fuser.model not in specs:
                raise ValueError(f"fusers name {fuser.model!r}, but the models are {list(specs)}")
            fuser.check(specs[fuser.model])

    def canonical_json(self) -> str:
        """One spelling of the manifest: sorted keys, no white space, ASCII."""
        # Terms make no other vectors: a pack whose licence is put right keeps its digest, and so its index.
        content = self.model_dump(mode="json", exclude={"licence"})
        # A pack of pictures keeps the digest that it had before packs could hear, read, or watch mouths.
        for use in ("hearing", "text", "speaking"):
            if content[use] is None:
                del content[use]
        if not content["fusers"]:
            del content["fusers"]
        # One whose outputs have no tolerances of their own, or whose models name no licence or arithmetic, keeps the
        # digest that it had before they could.
        for model in content["models"]:
            for use in ("licence", "arithmetic"):
                if model[use] is None:
                    del model[use]
            for tensor in (*model["inputs"], *model["outputs"]):
                if tensor["tolerance"] is None:
                    del tensor["tolerance"]
        # So does one whose calibrations heed quality up to the best.
        for line in content["calibration"].values():
            if line["clear_from"] == 1.0:
                del line["clear_from"]
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was read from the disk.

    Attributes:
        directory: Where its files lie.
        manifest: What ``pack.json`` says.
        digest: Hex SHA-256 of the canonical manifest, which holds each file's digest. It names
            the pack everywhere: in collections of the index, in embeddings of a query.
        models: The networks by name.
    """

    directory: Path
    manifest: PackManifest
    digest: str
    models: Mapping[str, ModelSpec]

    @classmethod
    def load(cls, directory: Path | str) -> Self:
        """Read a pack's manifest. Weights are not opened: `verify` does that.

        Raises:
            PackError: If the manifest is absent or does not hold together.
        """
        path = Path(directory)
        return cls.of(path, _read_manifest(path / MANIFEST_FILE))

    @classmethod
    def of(cls, directory: Path, manifest: PackManifest) -> Self:
        """A pack of a manifest that is already in memory."""
        digest = hashlib.sha256(manifest.canonical_json().encode()).hexdigest()
        models = MappingProxyType({model.name: model for model in manifest.models})
        return cls(directory.absolute(), manifest, digest, models)

    @property
    def name(self) -> str:
        """Name of the pack."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Version of the weights."""
        return self.manifest.version

    @property
    def calibration(self) -> Mapping[Modality, Calibration]:
        """Evidence per modality."""
        return MappingProxyType(self.manifest.calibration)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that this pack can embed, in the order of `Modality`."""
        made = {model.modality for model in self.manifest.models}
        return tuple(modality for modality in Modality if modality in made)

    def model(self, name: str) -> ModelSpec:
        """The network of that name.

        Raises:
            PackError: If the pack has no such network.
        """
        if name not in self.models:
            raise PackError(f"pack {self.name} has no model {name!r}; it has {', '.join(self.models)}")
        return self.models[name]

    def model_for(self, modality: Modality) -> ModelSpec:
        """The network that embeds ``modality``.

        Raises:
            PackError: If the pack has none; `modalities` says what it has.
        """
        for model in self.manifest.models:
            if model.modality is modality:
                return model
        made = ", ".join(self.modalities) or "nothing"
        raise PackError(f"pack {self.name} cannot embed {modality}; it embeds {made}")

    @property
    def text_model(self) -> ModelSpec | None:
        """The network that reads sentences; None when the pack has no text pair."""
        return None if self.manifest.text is None else self.models[self.manifest.text.model]

    def without(self, modalities: Collection[Modality]) -> Pack:
        """The same pack, its digest too, but for the calibrations of some modalities: those decide nothing then."""
        left = {modality: line for modality, line in self.calibration.items() if modality not in modalities}
        return replace(self, manifest=self.manifest.model_copy(update={"calibration": left}))

    @property
    def files(self) -> Mapping[str, str]:
        """Every file of the pack beside its manifest, with its hex SHA-256: weights and vocabularies."""
        found = {model.file: model.sha256 for model in self.manifest.models}
        for model in self.manifest.models:
            if isinstance(model.preprocessing, WordPreprocessing):
                found[model.preprocessing.vocabulary] = model.preprocessing.vocabulary_sha256
        return MappingProxyType(found)

    def file_of(self, model: ModelSpec) -> Path:
        """Absolute path of a network's weights."""
        return self.directory / model.file

    def verify(self) -> None:
        """Compare each file with its digest.

        Raises:
            PackError: Names every file that is absent or differs.
        """
        wrong = [reason for name, digest in self.files.items() if (reason := file_fault(self.directory, name, digest))]
        if wrong:
            faults = "; ".join(wrong)
            raise PackError(f"pack {self.name} in {self.directory} is damaged: {faults}. Restore its files.")


def file_fault(directory: Path, name: str, digest: str) -> str | None:
    """Say what is wrong with a file of a pack that should have a digest, hex SHA-256; None when it has."""
    if not (directory / name).is_file():
        return f"{name} is absent"
    found = file_sha256(directory / name)
    if found == digest:
        return None
    return f"{name} has SHA-256 {found[:12]}, expected {digest[:12]}"


def write_manifest(directory: Path, manifest: PackManifest) -> Path:
    """Write ``pack.json`` for people to read; its layout does not enter the digest. Returns its path."""
    path = directory / MANIFEST_FILE
    path.write_text(json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=True) + "\n")
    return path


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_manifest(path: Path) -> PackManifest:
    try:
        return PackManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise PackError(f"no pack at {path.parent}: {MANIFEST_FILE} is absent; give a pack's folder") from None
    except ValidationError as error:
        raise PackError(f"{path} is not a pack manifest: {error}") from error
