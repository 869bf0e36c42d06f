"""Rendered configurations, read back with Triton's own schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from packs.errors import PackError
from packs.fusers import FUSERS_DIR
from packs.manifest import MANIFEST_FILE, Pack, PackManifest
from packs.repository import ServingOptions, render_config, write_repository
from packs.spec import Modality, ModelSpec, TensorSpec
from packs.triton_config import Target

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "model_repository"
DEMO = ROOT / "packs" / "demo"

SPEC = ModelSpec(
    name="face_encoder",
    modality=Modality.FACE,
    file="face.onnx",
    sha256="0" * 64,
    inputs=(TensorSpec(name="crop", dtype="UINT8", shape=(96, 96, 3)),),
    outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(256,)),),
    max_batch=64,
    warmup_batches=(1, 64),
    embedding_dim=256,
)


def parsed(text: str) -> model_config_pb2.ModelConfig:
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def test_triton_reads_what_was_declared() -> None:
    config = parsed(render_config(SPEC, ServingOptions(instances=2, threads=3, max_queue=9, queue_delay_us=50)))
    assert (config.name, config.backend, config.max_batch_size) == ("face_encoder", "python", 64)
    assert [(t.name, t.data_type, list(t.dims)) for t in config.input] == [
        ("crop", model_config_pb2.TYPE_UINT8, [96, 96, 3])
    ]
    assert [(t.name, t.data_type, list(t.dims)) for t in config.output] == [
        ("embedding", model_config_pb2.TYPE_FP32, [256])
    ]
    group = config.instance_group[0]
    assert (group.kind, group.count) == (model_config_pb2.ModelInstanceGroup.KIND_CPU, 2)
    assert config.dynamic_batching.max_queue_delay_microseconds == 50
    queue = config.dynamic_batching.default_queue_policy
    assert (queue.max_queue_size, queue.allow_timeout_override) == (9, True)
    assert [warmup.batch_size for warmup in config.model_warmup] == [1, 64]
    assert list(config.model_warmup[0].inputs["crop"].dims) == [96, 96, 3]
    assert config.parameters["threads"].string_value == "3"
    assert not config.response_cache.enable


def test_the_cpu_target_is_told_of_a_network_that_needs_float32() -> None:
    full = SPEC.model_copy(update={"arithmetic": "f32"})
    assert parsed(render_config(full, ServingOptions())).parameters["arithmetic"].string_value == "f32"
    assert set(parsed(render_config(SPEC, ServingOptions())).parameters) == {"threads"}
    assert not parsed(render_config(full, ServingOptions(), Target.ONNXRUNTIME)).parameters


def test_a_repository_links_weights_and_code(tmp_path: Path) -> None:
    (tmp_path / "face.onnx").write_bytes(b"onnx")
    pack = Pack.of(tmp_path, PackManifest(name="tiny", version="1", models=(SPEC,)))
    target = write_repository(pack, tmp_path / "repository", COMMITTED / "model.py")
    version = target / "face_encoder" / "1"
    assert (version / "model.onnx").read_bytes() == b"onnx"
    assert (version / "model.py").resolve() == COMMITTED / "model.py"
    assert (version / "engine.py").resolve() == ROOT / "packs" / "engine.py"
    write_repository(pack, target, COMMITTED / "model.py")


def test_absent_weights_are_told(tmp_path: Path) -> None:
    pack = Pack.of(tmp_path, PackManifest(name="tiny", version="1", models=(SPEC,)))
    with pytest.raises(PackError, match=r"face\.onnx is absent"):
        write_repository(pack, tmp_path / "repository", COMMITTED / "model.py")


@pytest.mark.skipif(not (DEMO / MANIFEST_FILE).exists(), reason="the demo pack is not trained yet")
def test_committed_configurations_are_the_demo_packs() -> None:
    packs = (Pack.load(DEMO), Pack.load(FUSERS_DIR))
    rendered = {name: render_config(spec, ServingOptions()) for pack in packs for name, spec in pack.models.items()}
    committed = {path.parent.name: path.read_text() for path in COMMITTED.glob("*/config.pbtxt")}
    assert committed == rendered, "render them again: python -m packs.repository"
