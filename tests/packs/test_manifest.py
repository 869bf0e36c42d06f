from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from packs.calibration import Calibration
from packs.errors import PackError
from packs.manifest import (
    MANIFEST_FILE,
    DetectionSettings,
    HearingSettings,
    Pack,
    PackManifest,
    file_sha256,
    write_manifest,
)
from packs.spec import Modality, ModelSpec, Preprocessing, SoundPreprocessing, TensorSpec


def manifest_for(directory: Path) -> PackManifest:
    (directory / "face.onnx").write_bytes(b"weights")
    face = ModelSpec(
        name="face_encoder",
        modality=Modality.FACE,
        file="face.onnx",
        sha256=file_sha256(directory / "face.onnx"),
        inputs=(TensorSpec(name="crop", dtype="UINT8", shape=(96, 96, 3)),),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(256,)),),
        max_batch=64,
        warmup_batches=(1, 64),
        preprocessing=Preprocessing(kind="square", height=96, width=96, enlarge=1.25),
        embedding_dim=256,
    )
    calibration = {Modality.FACE: Calibration(slope=20.0, intercept=-8.0)}
    return PackManifest(name="tiny", version="1.0", models=(face,), calibration=calibration)


def test_a_licence_is_part_of_the_digest_and_its_absence_is_not(tmp_path: Path) -> None:
    manifest = manifest_for(tmp_path)
    assert "licence" not in manifest.canonical_json()
    model = manifest.models[0].model_copy(update={"licence": "MIT"})
    assert '"licence":"MIT"' in manifest.model_copy(update={"models": (model,)}).canonical_json()


def test_an_arithmetic_is_part_of_the_digest_and_its_absence_is_not(tmp_path: Path) -> None:
    manifest = manifest_for(tmp_path)
    assert "arithmetic" not in manifest.canonical_json()
    model = manifest.models[0].model_copy(update={"arithmetic": "f32"})
    assert '"arithmetic":"f32"' in manifest.model_copy(update={"models": (model,)}).canonical_json()


def test_a_pack_survives_the_disk(tmp_path: Path) -> None:
    manifest = manifest_for(tmp_path)
    write_manifest(tmp_path, manifest)
    pack = Pack.load(tmp_path)
    assert pack.manifest == manifest
    assert (pack.name, pack.version, pack.modalities) == ("tiny", "1.0", (Modality.FACE,))
    assert pack.model_for(Modality.FACE) is pack.models["face_encoder"]
    assert pack.calibration[Modality.FACE].slope == 20.0
    pack.verify()


def test_the_digest_follows_content_and_not_layout(tmp_path: Path) -> None:
    manifest = manifest_for(tmp_path)
    path = write_manifest(tmp_path, manifest)
    digest = Pack.load(tmp_path).digest
    path.write_text(manifest.model_dump_json())
    assert Pack.load(tmp_path).digest == digest
    write_manifest(tmp_path, manifest.model_copy(update={"version": "1.1"}))
    assert Pack.load(tmp_path).digest != digest


def test_verify_names_every_damaged_file(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest_for(tmp_path))
    pack = Pack.load(tmp_path)
    (tmp_path / "face.onnx").write_bytes(b"other")
    with pytest.raises(PackError, match=r"face\.onnx has SHA-256"):
        pack.verify()
    (tmp_path / "face.onnx").unlink()
    with pytest.raises(PackError, match=r"face\.onnx is absent"):
        pack.verify()


def test_absent_and_broken_manifests_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="folder"):
        Pack.load(tmp_path)
    (tmp_path / MANIFEST_FILE).write_text("{}")
    with pytest.raises(PackError, match="not a pack manifest"):
        Pack.load(tmp_path)


def test_an_unknown_modality_or_model_is_told(tmp_path: Path) -> None:
    pack = Pack.of(tmp_path, manifest_for(tmp_path))
    with pytest.raises(PackError, match="cannot embed voice; it embeds face"):
        pack.model_for(Modality.VOICE)
    with pytest.raises(PackError, match="no model 'nose'"):
        pack.model("nose")


def test_manifests_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    manifest = manifest_for(tmp_path)
    face = manifest.models[0]
    with pytest.raises(ValidationError, match="names must differ"):
        PackManifest(name="x", version="1", models=(face, face))
    with pytest.raises(ValidationError, match="one network per modality"):
        PackManifest(name="x", version="1", models=(face, face.model_copy(update={"name": "other"})))
    with pytest.raises(ValidationError, match="detection names"):
        PackManifest(
            name="x",
            version="1",
            models=(face,),
            detection=DetectionSettings(model="eye", thresholds=(0.5, 0.5, 0.5), iou=0.5),
        )
    with pytest.raises(ValidationError, match="hearing names 'ear'"):
        PackManifest(name="x", version="1", models=(face,), hearing=HearingSettings(model="ear", threshold=0.5))


def test_a_pack_of_pictures_keeps_the_digest_it_had_before_packs_could_hear(tmp_path: Path) -> None:
    manifest = manifest_for(tmp_path)
    assert "hearing" not in manifest.canonical_json()
    hears = manifest.model_copy(update={"hearing": HearingSettings(model="face_encoder", threshold=0.5)})
    assert Pack.of(tmp_path, hears).digest != Pack.of(tmp_path, manifest).digest
    other = manifest.model_copy(update={"hearing": HearingSettings(model="face_encoder", threshold=0.6)})
    assert Pack.of(tmp_path, other).digest != Pack.of(tmp_path, hears).digest


def test_a_network_that_hears_survives_the_disk(tmp_path: Path) -> None:
    how = SoundPreprocessing(kind="overlapped", frames=128, hop=96)
    spec = ModelSpec(
        name="voice_activity",
        file="a.onnx",
        sha256="0" * 64,
        inputs=(TensorSpec(name="windows", dtype="FP32", shape=(128, 257)),),
        outputs=(TensorSpec(name="speech", dtype="FP32", shape=(128,)),),
        max_batch=4,
        preprocessing=how,
    )
    again = ModelSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.preprocessing == how
    with pytest.raises(ValidationError, match="kind"):
        ModelSpec.model_validate(spec.model_dump() | {"preprocessing": {"kind": "hum", "frames": 1, "hop": 1}})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"warmup_batches": (1, 65)}, "exceed max_batch"),
        ({"embedding_dim": 128}, "embedding_dim"),
        ({"file": "a/../../b"}, "inside the pack"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_contradictory_specs_are_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    fields = manifest_for(tmp_path).models[0].model_dump() | change
    with pytest.raises(ValidationError, match=said):
        ModelSpec.model_validate(fields)
