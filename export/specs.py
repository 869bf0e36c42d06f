"""What the demo pack's networks are called, eat and give: the one place where it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from models import DETECTOR_CLASSES, ActivityGraph, Detector, DetectorGraph, VoiceActivity
from models.speaking import ActiveSpeaker, SpeakingGraph
from models.text import SMALL_IMAGE, SMALL_WORDS, ImageGraph, ImageTextTransformer, TextGraph
from packs.sound import BINS
from packs.speaking import SOUND_PER_PICTURE
from packs.spec import Modality, ModelSpec, Preprocessing, SoundPreprocessing, TensorSpec, Tolerance, WordPreprocessing
from packs.spectra import CEPSTRA

EMBEDDING_DIM = 256
VOICE_DIM = 192
HEAD_DIM = 192
TEXT_DIM = 160
PER_CLASS = 100
# 1.28 s: people in films speak about a second at a time.
WINDOW_FRAMES = 128

# 2 s of a face, 25 pictures a second, as ingest cuts them.
PICTURES = 50
MOUTH_PX = (56, 40)
SPEAKER = "active_speaker"
# What is served of a preset of another name.
SERVED_AS = MappingProxyType({"active_speaker_small": SPEAKER})

# The halves of the text pair, and the words that one of them knows by their numbers.
LOOKS, READS = "text_image_encoder", "text_encoder"
VOCABULARY = "vocabulary.json"

# The digest of a file that is not written yet.
UNWRITTEN = "0" * 64


def demo_specs() -> Mapping[str, ModelSpec]:
    """Declare the networks of the demo pack, by name. Digests are zero until the files are written."""
    specs = (_detector(), _face(), _head(), _body(), _voice(), _activity(), _speaker())
    return MappingProxyType({spec.name: spec for spec in specs})


def text_specs() -> Mapping[str, ModelSpec]:
    """Declare the text pair that a pack may have beside them, by name; the vocabulary's digest is zero too."""
    return MappingProxyType({spec.name: spec for spec in (_text_image(), _text())})


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A network in the form that is served, in inference mode, and its declaration."""

    spec: ModelSpec
    graph: nn.Module


def served_models(preset: str, network: nn.Module) -> tuple[ServedModel, ...]:
    """What is served of a trained network: one model, or the two halves of a text pair.

    Raises:
        ValueError: If the demo pack has no such network.
    """
    if isinstance(network, ImageTextTransformer):
        specs = text_specs()
        halves = {LOOKS: ImageGraph(network=network), READS: TextGraph(network=network)}
        return tuple(ServedModel(specs[name], graph.eval()) for name, graph in halves.items())
    name = SERVED_AS.get(preset, preset)
    return (ServedModel(demo_specs()[name], served_graph(name, network)),)


def served_graph(name: str, network: nn.Module) -> nn.Module:
    """Wrap a trained network into the form that is served, in inference mode."""
    if isinstance(network, Detector):
        return DetectorGraph(detector=network, per_class=PER_CLASS).eval()
    if isinstance(network, VoiceActivity):
        return ActivityGraph(network=network).eval()
    if isinstance(network, ActiveSpeaker):
        return SpeakingGraph(network=network).eval()
    if name not in demo_specs():
        raise ValueError(f"the demo pack has no network {name!r}; it has {', '.join(demo_specs())}")
    return network.eval()


def renamed(spec: ModelSpec, name: str) -> ModelSpec:
    """Declare the same under another name, in a file of that name."""
    return spec.model_copy(update={"name": name, "file": f"{name}.onnx"})


def _detector() -> ModelSpec:
    rows = PER_CLASS * len(DETECTOR_CLASSES)
    return ModelSpec(
        name="person_detector",
        file="person_detector.onnx",
        sha256=UNWRITTEN,
        inputs=(TensorSpec(name="image", dtype="UINT8", shape=(384, 640, 3)),),
        outputs=(
            TensorSpec(name="boxes", dtype="FP32", shape=(rows, 4)),
            TensorSpec(name="scores", dtype="FP32", shape=(rows, len(DETECTOR_CLASSES))),
        ),
        max_batch=16,
        warmup_batches=(1, 8, 16),
        preprocessing=Preprocessing(kind="letterbox", height=384, width=640),
        # Pixels and probabilities: proposals near the cut of the best 100 may swap places, so parity is
        # taken on the confident ones; see export.parity.
        tolerance=Tolerance(absolute=2.0),
    )


def _face() -> ModelSpec:
    how = Preprocessing(kind="square", height=96, width=96, enlarge=1.25)
    return _encoder(Modality.FACE, TensorSpec(name="crop", dtype="UINT8", shape=(96, 96, 3)), how, EMBEDDING_DIM)


def _head() -> ModelSpec:
    how = Preprocessing(kind="square", height=64, width=64, enlarge=1.25)
    return _encoder(Modality.HEAD, TensorSpec(name="crop", dtype="UINT8", shape=(64, 64, 3)), how, HEAD_DIM)


def _body() -> ModelSpec:
    how = Preprocessing(kind="stretch", height=128, width=64, enlarge=1.0)
    return _encoder(Modality.BODY, TensorSpec(name="crop", dtype="UINT8", shape=(128, 64, 3)), how, EMBEDDING_DIM)


def _voice() -> ModelSpec:
    how = SoundPreprocessing(kind="wrapped", frames=WINDOW_FRAMES, hop=WINDOW_FRAMES // 2)
    return _encoder(Modality.VOICE, _windows(how), how, VOICE_DIM)


def _encoder(
    modality: Modality, source: TensorSpec, how: Preprocessing | SoundPreprocessing, dimension: int
) -> ModelSpec:
    return ModelSpec(
        name=f"{modality}_encoder",
        modality=modality,
        file=f"{modality}_encoder.onnx",
        sha256=UNWRITTEN,
        inputs=(source,),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(dimension,)),),
        max_batch=64,
        warmup_batches=(1, 16, 64),
        preprocessing=how,
        tolerance=Tolerance(absolute=0.25, cosine=0.999),
        embedding_dim=dimension,
    )


def _text_image() -> ModelSpec:
    # The crop of the body encoder, so that ingest cuts it once.
    height, width = SMALL_IMAGE
    how = Preprocessing(kind="stretch", height=height, width=width, enlarge=1.0)
    source = TensorSpec(name="crop", dtype="UINT8", shape=(height, width, 3))
    return renamed(_encoder(Modality.TEXT, source, how, TEXT_DIM), LOOKS)


def _text() -> ModelSpec:
    return ModelSpec(
        name=READS,
        file=f"{READS}.onnx",
        sha256=UNWRITTEN,
        inputs=(TensorSpec(name="tokens", dtype="INT32", shape=(SMALL_WORDS,)),),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(TEXT_DIM,)),),
        # Queries are asked one by one.
        max_batch=32,
        warmup_batches=(1, 8, 32),
        preprocessing=WordPreprocessing(
            kind="words", length=SMALL_WORDS, vocabulary=VOCABULARY, vocabulary_sha256=UNWRITTEN
        ),
        tolerance=Tolerance(absolute=0.25, cosine=0.999),
        embedding_dim=TEXT_DIM,
    )


def _activity() -> ModelSpec:
    # The middle 0.96 s of 1.28 s: each answer has at least 0.16 s of sound on both sides.
    how = SoundPreprocessing(kind="overlapped", frames=WINDOW_FRAMES, hop=WINDOW_FRAMES * 3 // 4)
    return ModelSpec(
        name="voice_activity",
        file="voice_activity.onnx",
        sha256=UNWRITTEN,
        inputs=(_windows(how),),
        outputs=(TensorSpec(name="speech", dtype="FP32", shape=(WINDOW_FRAMES,)),),
        max_batch=32,
        warmup_batches=(1, 16, 32),
        preprocessing=how,
        # Probabilities.
        tolerance=Tolerance(absolute=0.05),
    )


def _speaker() -> ModelSpec:
    height, width = MOUTH_PX
    return ModelSpec(
        name=SPEAKER,
        file=f"{SPEAKER}.onnx",
        sha256=UNWRITTEN,
        inputs=(
            TensorSpec(name="faces", dtype="UINT8", shape=(PICTURES, height, width)),
            TensorSpec(name="cepstra", dtype="FP32", shape=(SOUND_PER_PICTURE * PICTURES, CEPSTRA)),
        ),
        outputs=(TensorSpec(name="speaking", dtype="FP32", shape=(PICTURES,)),),
        max_batch=32,
        warmup_batches=(1, 8, 32),
        # Probabilities.
        tolerance=Tolerance(absolute=0.05),
    )


def _windows(how: SoundPreprocessing) -> TensorSpec:
    return TensorSpec(name="windows", dtype="FP32", shape=(how.frames, BINS))
