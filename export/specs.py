"""What the demo pack's networks are called, eat and give: the one place where it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import nn

from models import DETECTOR_CLASSES, Detector, DetectorGraph
from packs.spec import Modality, ModelSpec, Preprocessing, TensorSpec, Tolerance

EMBEDDING_DIM = 256
PER_CLASS = 100


_UNWRITTEN = "0" * 64


def demo_specs() -> Mapping[str, ModelSpec]:
    """Declare the networks of the demo pack, by name. Digests are zero until the files are written."""
    specs = (_detector(), _face(), _body())
    return MappingProxyType({spec.name: spec for spec in specs})


def served_graph(name: str, network: nn.Module) -> nn.Module:
    """Wrap a trained network into the form that is served, in inference mode."""
    if isinstance(network, Detector):
        return DetectorGraph(detector=network, per_class=PER_CLASS).eval()
    if name not in demo_specs():
        raise ValueError(f"the demo pack has no network {name!r}; it has {', '.join(demo_specs())}")
    return network.eval()


def _detector() -> ModelSpec:
    rows = PER_CLASS * len(DETECTOR_CLASSES)
    return ModelSpec(
        name="person_detector",
        file="person_detector.onnx",
        sha256=_UNWRITTEN,
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
    return ModelSpec(
        name="face_encoder",
        modality=Modality.FACE,
        file="face_encoder.onnx",
        sha256=_UNWRITTEN,
        inputs=(TensorSpec(name="crop", dtype="UINT8", shape=(96, 96, 3)),),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(EMBEDDING_DIM,)),),
        max_batch=64,
        warmup_batches=(1, 16, 64),
        preprocessing=Preprocessing(kind="square", height=96, width=96, enlarge=1.25),
        tolerance=Tolerance(absolute=0.25, cosine=0.999),
        embedding_dim=EMBEDDING_DIM,
    )


def _body() -> ModelSpec:
    return ModelSpec(
        name="body_encoder",
        modality=Modality.BODY,
        file="body_encoder.onnx",
        sha256=_UNWRITTEN,
        inputs=(TensorSpec(name="crop", dtype="UINT8", shape=(128, 64, 3)),),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(EMBEDDING_DIM,)),),
        max_batch=64,
        warmup_batches=(1, 16, 64),
        preprocessing=Preprocessing(kind="stretch", height=128, width=64, enlarge=1.0),
        tolerance=Tolerance(absolute=0.25, cosine=0.999),
        embedding_dim=EMBEDDING_DIM,
    )
