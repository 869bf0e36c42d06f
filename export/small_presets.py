"""Every small preset of `models` in the form that would be served: names, sizes, batches and bounds of its tensors.

The seven networks of the demo pack are declared in `export.specs` and taken from there; the others stand here, since no
pack has them yet. A preset whose halves are served apart has one entry for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from export import preset_inputs as made
from export.preset_inputs import Rng
from export.preset_weights import proposing, speaking
from export.samples import Feed
from export.specs import LOOKS, READS, UNWRITTEN, demo_specs, renamed, served_graph, text_specs
from models.checkpoints import PRESETS
from models.face import NormQuality, QualityGraph
from models.fusion import associative_small, clip_identifier_small, netvlad_small, two_stream_small
from models.partial import PartialGraph, cmps_body_small
from models.presets_papers import SMALL_PRESETS
from models.speaking import SpeakingGraph, active_speaker_small
from models.speech import ChunkGraph, RecogniserGraph, deep_speech_small
from models.text import (
    BERT_DIM,
    SMALL_IMAGE,
    SMALL_VOCABULARY,
    SMALL_WORDS,
    ImageGraph,
    TextGraph,
    cmps_fast_text_small,
    cmps_text_small,
    ivt_body_small,
    ivt_small,
)
from packs.sound import BINS
from packs.spec import ModelSpec, TensorSpec, Tolerance

# What is served one by one or in crowds, and what comes by the track, the clip or the sentence.
MANY, SOME, FEW = 64, 32, 16
SPEECH_BINS, SYMBOLS = 161, 29
CHUNK = 8
# Of what a network answers in 0..1, as it is held to in the demo pack.
PROBABILITY = Tolerance(absolute=0.05)


@dataclass(frozen=True, slots=True, eq=False)
class SmallPreset:
    """A small preset as it would be served.

    Attributes:
        preset: Name of the function in `models` that builds its network.
        spec: Its declaration.
        graph: Builds the served form, with fresh weights.
        inputs: Seeded inputs [rows, ...] by name.
        scaled: Whether outputs without a tolerance of their own are held to what fits their size
            (`export.preset_pack`), rather than to the declaration's.
        full: Whether its weights stay in float32 and it is served in that, since rounding grows from layer to layer.
        ready: Of a network that says next to nothing with random weights: makes it speak, given some inputs.
        whole: Of a network that is given its input in chunks: the form that takes all at once, with the same weights.
    """

    preset: str
    spec: ModelSpec
    graph: Callable[[], nn.Module]
    inputs: Callable[[Rng, int], Feed]
    scaled: bool = True
    full: bool = False
    ready: Callable[[nn.Module, tuple[Tensor, ...]], None] | None = None
    whole: Callable[[nn.Module], nn.Module] | None = None


def small_presets() -> Mapping[str, SmallPreset]:
    """All of them, by the name of the served model."""
    entries = (*_demo(), *_text_pair(), *_sight(), *_sound(), *_fusion(), *_words(), *_speech())
    return MappingProxyType({entry.spec.name: entry for entry in entries})


def _demo() -> list[SmallPreset]:
    specs = demo_specs()
    sizes = {name: spec.inputs[0].shape for name, spec in specs.items()}
    return [
        SmallPreset(
            name,
            # One network of a pack may say that it embeds faces, and here are several.
            specs[name].model_copy(update={"modality": None}),
            lambda name=name, build=build: served_graph(name, build()),  # type: ignore[misc]
            _windows if name.startswith("voice") else _pictures(specs[name].inputs[0].name, *sizes[name][:2]),
            scaled=False,
            ready=proposing if name == "person_detector" else None,
        )
        for name, build in PRESETS.items()
        if name in specs
    ]


def _windows(rng: Rng, rows: int) -> Feed:
    return {"windows": made.log_magnitudes(rng, rows, 128, BINS)}


def _pictures(name: str, height: int, width: int) -> Callable[[Rng, int], Feed]:
    return lambda rng, rows: {name: made.pictures(rng, rows, height, width)}


def _sentences(rng: Rng, rows: int) -> Feed:
    return {"tokens": made.sentences(rng, rows, SMALL_WORDS, SMALL_VOCABULARY)}


def _text_pair() -> list[SmallPreset]:
    # Without its vocabulary, which is written where it is trained.
    bare = {"modality": None, "preprocessing": None}
    looks, reads = (text_specs()[name].model_copy(update=bare) for name in (LOOKS, READS))
    crops = _pictures("crop", *SMALL_IMAGE)
    over = [renamed(spec, f"{spec.name}_over_trunk") for spec in (looks, reads)]
    return [
        SmallPreset("ivt_small", looks, lambda: ImageGraph(network=ivt_small()), crops, scaled=False),
        SmallPreset("ivt_small", reads, lambda: TextGraph(network=ivt_small()), _sentences, scaled=False),
        SmallPreset("ivt_body_small", over[0], _over_trunk, crops, scaled=False, full=True),
        SmallPreset("ivt_body_small", over[1], lambda: TextGraph(network=ivt_body_small()), _sentences, scaled=False),
    ]


def _over_trunk() -> nn.Module:
    return ImageGraph(network=ivt_body_small())


def _sight() -> list[SmallPreset]:
    body = _spec("aligned_body_small", [_crop(128, 64)], [_f32("whole", 256), _f32("stripes", 8, 32)], MANY, 256)
    partial = _spec(
        "cmps_body_small",
        [_crop(*SMALL_IMAGE)],
        [_f32("embedding", 128), _f32("vectors", 128, 11), _f32("weights", 11, tolerance=PROBABILITY)],
        MANY,
        128,
    )
    return [
        _with_quality("iresnet_small"),
        _with_quality("sphereface_small"),
        _of(body, SMALL_PRESETS["aligned_body_small"], _pictures("crop", 128, 64)),
        _of(partial, lambda: PartialGraph(network=cmps_body_small()), _pictures("crop", *SMALL_IMAGE), full=True),
    ]


def _with_quality(name: str) -> SmallPreset:
    spec = _spec(name, [_crop(96, 96)], [_f32("embedding", 256), _f32("quality", 1)], MANY, 256)
    build = SMALL_PRESETS[name]
    return _of(spec, lambda: QualityGraph(encoder=build(), quality=NormQuality()), _pictures("crop", 96, 96))


def _sound() -> list[SmallPreset]:
    embedding = [_f32("embedding", 192)]
    magnitude = _spec("speaker_magnitude_small", [_f32("windows", 128, BINS)], embedding, MANY, 192)
    mel = _spec("speaker_mel_small", [_f32("windows", 45, 64)], embedding, MANY, 192)
    return [
        _of(
            magnitude,
            SMALL_PRESETS["speaker_magnitude_small"],
            lambda rng, rows: {"windows": made.magnitudes(rng, rows, 128, BINS)},
        ),
        _of(
            mel,
            SMALL_PRESETS["speaker_mel_small"],
            lambda rng, rows: {"windows": made.mel_snippets(rng, rows, 45)},
            full=True,
        ),
    ]


def _fusion() -> list[SmallPreset]:
    embedded = [_f32(name, 128) for name in ("face", "voice", "joint")]
    apes = _spec("two_stream_small", [_crop(64, 64), _f32("windows", 45, 64)], embedded, MANY, 128)
    faces = TensorSpec(name="faces", dtype="UINT8", shape=(25, 48, 48))
    said = [_f32("speaking", 25, tolerance=PROBABILITY)]
    asd = _spec("active_speaker_small", [faces, _f32("sound", 100, 13)], said, SOME)
    return [
        _of(
            apes,
            two_stream_small,
            lambda rng, rows: {
                "crop": made.pictures(rng, rows, 64, 64),
                "windows": made.mel_snippets(rng, rows, 45),
            },
        ),
        _of(
            asd,
            lambda: SpeakingGraph(network=active_speaker_small()),
            lambda rng, rows: {"faces": made.grey_tracks(rng, rows, 25, 48), "sound": made.cepstra(rng, rows, 100)},
            ready=speaking,
        ),
        _of(
            _spec("netvlad_small", [_f32("frames", 5, 256)], [_f32("embedding", 256)], MANY, 256),
            netvlad_small,
            lambda rng, rows: {"frames": made.embeddings(rng, rows, 5, 256)},
        ),
        _clips(),
        _associations(),
    ]


def _clips() -> SmallPreset:
    frames = {"face": (16, 256), "head": (8, 192), "body": (8, 256), "voice": (4, 192)}
    inputs = [_f32("present", len(frames)), *[_f32(name, *shape) for name, shape in frames.items()]]
    spec = _spec("clip_identifier_small", inputs, [_f32("scores", 64)], SOME)
    return _of(
        spec,
        clip_identifier_small,
        lambda rng, rows: {
            "present": made.presence(rng, rows, len(frames)),
            **{name: made.embeddings(rng, rows, *shape) for name, shape in frames.items()},
        },
    )


def _associations() -> SmallPreset:
    parts = {"face": 256, "body": 256, "voice": 192}
    inputs = [_f32("present", 3), _f32("quality", 3), *[_f32(name, dim) for name, dim in parts.items()]]
    outputs = [_f32("together", 128), _f32("keys", 3, 128), _f32("weights", 3, tolerance=PROBABILITY)]
    return _of(
        _spec("associative_small", inputs, outputs, MANY, 128),
        associative_small,
        lambda rng, rows: {
            "present": made.presence(rng, rows, 3),
            "quality": made.qualities(rng, rows, 3),
            **{name: made.embeddings(rng, rows, dim) for name, dim in parts.items()},
        },
    )


def _words() -> list[SmallPreset]:
    tokens = TensorSpec(name="tokens", dtype="INT32", shape=(SMALL_WORDS,))
    vectors, embedding = _f32("vectors", SMALL_WORDS, BERT_DIM), [_f32("embedding", 128)]
    return [
        _of(
            _spec("cmps_text_small", [vectors], embedding, SOME, 128),
            cmps_text_small,
            lambda rng, rows: {"vectors": made.word_vectors(rng, rows, SMALL_WORDS, BERT_DIM)},
        ),
        _of(_spec("cmps_fast_text_small", [tokens], embedding, SOME, 128), cmps_fast_text_small, _sentences),
    ]


def _speech() -> list[SmallPreset]:
    utterance = _spec("deep_speech_small", [_f32("frames", 100, SPEECH_BINS)], [_f32("scores", 50, SYMBOLS)], FEW)
    memory = {"past_frames": (1, 161, 9), "past_features": (8, 81, 10), "hidden": (2, 192), "cell": (2, 192)}
    chunk = _spec(
        "deep_speech_small_chunk",
        [_f32("frames", CHUNK, SPEECH_BINS), *[_f32(name, *shape) for name, shape in memory.items()]],
        [_f32("scores", CHUNK // 2, SYMBOLS), *[_f32(f"{name}_out", *shape) for name, shape in memory.items()]],
        FEW,
    )
    return [
        _of(
            utterance,
            lambda: RecogniserGraph(network=deep_speech_small()),
            lambda rng, rows: {"frames": made.speech_frames(rng, rows, 100, SPEECH_BINS)},
        ),
        SmallPreset(
            "deep_speech_small",
            chunk,
            lambda: ChunkGraph(network=deep_speech_small()),
            lambda rng, rows: {
                "frames": made.speech_frames(rng, rows, CHUNK, SPEECH_BINS),
                **{name: made.states(rng, rows, *shape, largest=0.8) for name, shape in memory.items()},
            },
            whole=_whole_utterance,
        ),
    ]


def _whole_utterance(chunks: nn.Module) -> nn.Module:
    if not isinstance(chunks, ChunkGraph):
        raise TypeError(f"got a {type(chunks).__name__}, expected a ChunkGraph")
    return RecogniserGraph(network=chunks.network).eval()


def _of(
    spec: ModelSpec, graph: Callable[[], nn.Module], inputs: Callable[[Rng, int], Feed], **more: Any
) -> SmallPreset:
    return SmallPreset(spec.name, spec, graph, inputs, **more)


def _spec(
    name: str, inputs: list[TensorSpec], outputs: list[TensorSpec], most: int, embedding_dim: int | None = None
) -> ModelSpec:
    return ModelSpec(
        name=name,
        file=f"{name}.onnx",
        sha256=UNWRITTEN,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        max_batch=most,
        warmup_batches=(1, most),
        tolerance=Tolerance(absolute=0.05, cosine=0.999),
        embedding_dim=embedding_dim,
    )


def _f32(name: str, *shape: int, tolerance: Tolerance | None = None) -> TensorSpec:
    return TensorSpec(name=name, dtype="FP32", shape=shape, tolerance=tolerance)


def _crop(height: int, width: int) -> TensorSpec:
    return TensorSpec(name="crop", dtype="UINT8", shape=(height, width, 3))
