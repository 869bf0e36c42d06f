"""A pack from trained networks: the files, their digests, the manifest, and the figures of the comparison."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from export.onnx_from_module import onnx_from_module
from export.parity import Inputs, Parity, compare
from export.samples import Feed, feed_of, noise_of
from export.specs import READS, SPEAKER, VOCABULARY, ServedModel, demo_specs, served_models, text_specs
from models.text import SMALL_VOCABULARY
from packs.calibration import Calibration
from packs.errors import PackError
from packs.manifest import (
    MANIFEST_FILE,
    DetectionSettings,
    HearingSettings,
    Pack,
    PackManifest,
    SpeakingSettings,
    TextSettings,
    file_sha256,
    write_manifest,
)
from packs.spec import Modality, ModelSpec, WordPreprocessing
from packs.words import read_vocabulary

# Of weights that are trained here, on pictures that are drawn here.
LICENCE = "Apache-2.0"
DESCRIPTION = (
    "Small networks trained on SynthCast, this project's own rendered people with synthetic voices: "
    "they make the product work end to end and are not for pictures or voices of real people."
)


class ParityError(Exception):
    """A written file that does not compute what its network computes."""


@dataclass(frozen=True, slots=True)
class WrittenPack:
    """A pack on the disk and how well its files agree with their sources.

    Attributes:
        directory: Where it lies.
        parity: Figures by model and runtime.
    """

    directory: Path
    parity: Mapping[str, list[Parity]]


def write_pack(
    directory: Path,
    networks: Mapping[str, nn.Module],
    samples: Mapping[str, Inputs],
    *,
    version: str,
    description: str = DESCRIPTION,
    vocabulary: Path | None = None,
) -> WrittenPack:
    """Export networks into a pack; what the pack's manifest says of other things stays.

    Args:
        directory: Folder of the pack; made when absent.
        networks: Trained networks by preset: those of the demo pack under their names, and of a text pair the one
            network that both halves are of. Those that are not given must be in the pack already.
        samples: Inputs to compare on, [N, ...] by name (`export.samples.feed_of`); seeded noise where none are given.
        version: Version of the weights.
        description: One sentence for the manifest.
        vocabulary: The words that a text pair was trained on; copied into the pack.

    Raises:
        ParityError: If a runtime differs from torch by more than the declared tolerance.
        packs.errors.PackError: If the manifest that is already there cannot be read, or a text pair comes without its
            vocabulary or with one that is larger than its table of words.
    """
    directory.mkdir(parents=True, exist_ok=True)
    before = Pack.load(directory).manifest if (directory / MANIFEST_FILE).exists() else None
    written: dict[str, ModelSpec] = {model.name: model for model in before.models} if before else {}
    parity = {}
    served = [model for preset, network in networks.items() for model in served_models(preset, network)]
    for model in [ServedModel(_with_words(one.spec, vocabulary), one.graph) for one in served]:
        spec = model.spec
        inputs = feed_of(spec, samples) or noise_of(spec)
        parity[spec.name] = _write_model(directory, model, inputs)
        written[spec.name] = spec.model_copy(update={"sha256": file_sha256(directory / spec.file)})
        if spec.name == READS and vocabulary is not None and not _is_there(vocabulary, directory):
            shutil.copyfile(vocabulary, directory / VOCABULARY)
    write_manifest(directory, _manifest(written, before, version, description))
    return WrittenPack(directory, parity)


def noise(spec: ModelSpec, rows: int = 4) -> Inputs:
    """Give seeded inputs for a model when no real ones are at hand."""
    return noise_of(spec, rows)[spec.inputs[0].name]


def _with_words(spec: ModelSpec, vocabulary: Path | None) -> ModelSpec:
    """The declaration, with the digest of its vocabulary where it reads words."""
    if not isinstance(spec.preprocessing, WordPreprocessing):
        return spec
    if vocabulary is None:
        raise PackError(f"{spec.name} knows words by their numbers: give the {VOCABULARY} that lies beside its weights")
    count = len(read_vocabulary(vocabulary))
    if count > SMALL_VOCABULARY:
        raise PackError(f"{vocabulary} has {count} words, {spec.name} has numbers for {SMALL_VOCABULARY}")
    how = spec.preprocessing.model_copy(update={"vocabulary_sha256": file_sha256(vocabulary)})
    return spec.model_copy(update={"preprocessing": how})


def _is_there(vocabulary: Path, directory: Path) -> bool:
    return vocabulary.resolve() == (directory / VOCABULARY).resolve()


def _write_model(directory: Path, model: ServedModel, samples: Feed) -> list[Parity]:
    spec, graph = model.spec, model.graph
    path = directory / spec.file
    partial = path.with_suffix(".partial.onnx")
    feed = noise_of(spec, rows=2)
    examples = tuple(torch.from_numpy(feed[tensor.name]) for tensor in spec.inputs)
    onnx_from_module(
        graph, examples, inputs=[t.name for t in spec.inputs], outputs=[t.name for t in spec.outputs], path=partial
    )
    figures = compare(graph, spec, partial, samples)
    outside = [figure for figure in figures if not figure.within]
    if outside:
        raise ParityError(f"{spec.name} differs from torch beyond {spec.tolerance}: {outside}; kept {partial}")
    partial.replace(path)
    return figures


def _manifest(
    models: Mapping[str, ModelSpec], before: PackManifest | None, version: str, description: str
) -> PackManifest:
    return PackManifest(
        name="demo",
        version=version,
        description=description,
        models=tuple(models[name] for name in (*demo_specs(), *text_specs()) if name in models),
        detection=before.detection if before else _first_detection(models),
        hearing=(before and before.hearing) or _first_hearing(models),
        text=TextSettings(model=READS) if READS in models else None,
        speaking=SpeakingSettings(model=SPEAKER) if SPEAKER in models else None,
        calibration=_calibration(models, before),
        licence=before.licence if before else LICENCE,
    )


def _first_detection(models: Mapping[str, ModelSpec]) -> DetectionSettings | None:
    if "person_detector" not in models:
        return None
    return DetectionSettings(model="person_detector", thresholds=(0.4, 0.4, 0.4), iou=0.6)


def _first_hearing(models: Mapping[str, ModelSpec]) -> HearingSettings | None:
    return HearingSettings(model="voice_activity", threshold=0.5) if "voice_activity" in models else None


def _calibration(models: Mapping[str, ModelSpec], before: PackManifest | None) -> dict[Modality, Calibration]:
    """Keep what was measured; what is new gets a cautious line, even at 0.5, until `training calibrate` has run."""
    known = {model.name for model in before.models} if before else set()
    new = [model.modality for model in models.values() if model.modality is not None and model.name not in known]
    first = {modality: Calibration(slope=10.0, intercept=-5.0) for modality in new}
    return first | (before.calibration if before else {})
