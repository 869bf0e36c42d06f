"""`python -m export repository`, in the serving environment: no torch, Triton's own schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from export.__main__ import main
from export.engine_store import RECORD
from export.triton_schema import ConfigError, read_back
from packs.manifest import Pack
from packs.testing import write_tiny_pack
from packs.triton_config import ServingOptions, Target, render_config

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "packs" / "demo"


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    folder = tmp_path / "pack"
    folder.mkdir()
    return write_tiny_pack(folder).pack


def parsed(path: Path) -> model_config_pb2.ModelConfig:
    return text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())


def put_engine(store: Path, pack: Pack, model: str, cc: str = "8.9", **changes: Any) -> Path:
    """Leave what the builder leaves (`export.build_engines`), with a plan that nobody runs."""
    spec = pack.model(model)
    folder = store / f"gpu_cc{cc}" / model / f"build{len(list(store.rglob(RECORD)))}"
    folder.mkdir(parents=True)
    (folder / "model.plan").write_bytes(f"plan {cc}".encode())
    shapes = {t.name: [[rows, *t.shape] for rows in (1, 2, spec.max_batch)] for t in spec.inputs}
    key = {"gpu": "GPU", "compute_capability": cc, "driver": "580", "tensorrt": "10.16.1.11"}
    record = {"model": model, "source_sha256": spec.sha256, "precision": "fp16", "key": key, "profiles": shapes}
    (folder / RECORD).write_text(json.dumps(record | changes))
    return folder


def command(*words: object) -> int:
    return main(["repository", *map(str, words)])


def test_tensorrt_serves_every_encoder_of_the_demo_pack_as_a_plan(tmp_path: Path) -> None:
    out = tmp_path / "repository"
    assert command("--pack", DEMO, "--target", "tensorrt", "--out", out, "--without-engines") == 0
    pack = Pack.load(DEMO)
    assert {path.parent.name for path in out.glob("*/config.pbtxt")} == set(pack.models)
    for spec in pack.models.values():
        config = parsed(out / spec.name / "config.pbtxt")
        assert (config.name, config.platform, config.backend) == (spec.name, "tensorrt_plan", "")
        assert config.default_model_filename == "model.plan"
        (group,) = config.instance_group
        assert (group.kind, list(group.profile)) == (model_config_pb2.ModelInstanceGroup.KIND_GPU, ["0"])
        assert config.max_batch_size == spec.max_batch
        assert not config.response_cache.enable
        assert (out / spec.name / "1").is_dir()
    assert {f"{modality}_encoder" for modality in pack.modalities} <= set(pack.models)


def test_missing_engines_are_named_with_what_to_do(pack: Pack, tmp_path: Path, capsys: Any) -> None:
    store = tmp_path / "engines"
    put_engine(store, pack, "face_encoder")
    out = tmp_path / "repository"
    assert command("--pack", pack.directory, "--target", "tensorrt", "--out", out, "--engines", store) == 2
    said = capsys.readouterr().err
    assert "no fp16 engines for person_detector, body_encoder, voice_activity, voice_encoder" in said
    assert "python -m export engine --pack" in said
    assert not out.exists(), "nothing is written then"


def test_engines_are_linked_or_copied(pack: Pack, tmp_path: Path) -> None:
    store, out = tmp_path / "engines", tmp_path / "repository"
    for name in pack.models:
        put_engine(store, pack, name)
    words = ("--pack", pack.directory, "--target", "tensorrt", "--out", out, "--engines", store)
    assert command(*words) == 0
    plan = out / "face_encoder" / "1" / "model.plan"
    assert plan.is_symlink()
    assert plan.read_bytes() == b"plan 8.9"
    assert command(*words, "--copy") == 0
    assert not plan.is_symlink()
    assert plan.read_bytes() == b"plan 8.9"


def test_engines_of_two_gpus_are_told_apart_by_capability(pack: Pack, tmp_path: Path) -> None:
    store, out = tmp_path / "engines", tmp_path / "repository"
    for name in pack.models:
        put_engine(store, pack, name)
    put_engine(store, pack, "face_encoder", "9.0")
    assert command("--pack", pack.directory, "--target", "tensorrt", "--out", out, "--engines", store) == 0
    config = parsed(out / "face_encoder" / "config.pbtxt")
    assert dict(config.cc_model_filenames) == {"8.9": "model_cc89.plan", "9.0": "model_cc90.plan"}
    # Without a default another GPU finds no plan, rather than one that was not built for it.
    assert config.default_model_filename == ""
    assert (out / "face_encoder" / "1" / "model_cc90.plan").read_bytes() == b"plan 9.0"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source_sha256": "0" * 64}, "no fp16 engines for face_encoder"),
        ({"precision": "int8"}, "no fp16 engines for face_encoder"),
        (
            {"profiles": {"crop": [[1, 8, 8, 3], [2, 8, 8, 3], [3, 8, 8, 3]]}},
            "takes 1 to 3 rows of crop, services send 1 to 4",
        ),
    ],
)
def test_engines_that_do_not_fit_are_not_served(
    pack: Pack, tmp_path: Path, capsys: Any, changes: dict[str, Any], said: str
) -> None:
    store = tmp_path / "engines"
    for name in set(pack.models) - {"face_encoder"}:
        put_engine(store, pack, name)
    put_engine(store, pack, "face_encoder", **changes)
    out = tmp_path / "repository"
    assert command("--pack", pack.directory, "--target", "tensorrt", "--out", out, "--engines", store) == 2
    assert said in capsys.readouterr().err


def test_two_engines_for_one_capability_are_refused(pack: Pack, tmp_path: Path, capsys: Any) -> None:
    store = tmp_path / "engines"
    for name in (*pack.models, "face_encoder"):
        put_engine(store, pack, name)
    words = ("--pack", pack.directory, "--target", "tensorrt", "--out", tmp_path / "r", "--engines", store)
    assert command(*words) == 2
    assert "several engines of face_encoder for one compute capability" in capsys.readouterr().err


@pytest.mark.parametrize(("target", "backend"), [("onnxruntime", "onnxruntime"), ("cpu", "python")])
def test_the_other_targets_serve_the_onnx_files(pack: Pack, tmp_path: Path, target: str, backend: str) -> None:
    out = tmp_path / "repository"
    assert command("--pack", pack.directory, "--target", target, "--out", out, "--instances", 2) == 0
    for spec in pack.models.values():
        config = parsed(out / spec.name / "config.pbtxt")
        assert (config.backend, config.platform, config.instance_group[0].count) == (backend, "", 2)
        assert (out / spec.name / "1" / "model.onnx").resolve() == pack.file_of(spec)
        assert ("threads" in config.parameters) == (target == "cpu")
        assert (out / spec.name / "1" / "model.py").exists() == (target == "cpu")
        assert (out / spec.name / "1" / "engine.py").exists() == (target == "cpu")


def test_the_cpu_target_is_what_the_supervisor_writes(pack: Pack, tmp_path: Path) -> None:
    from packs.repository import write_repository

    assert command("--pack", pack.directory, "--target", "cpu", "--out", tmp_path / "ours") == 0
    write_repository(pack, tmp_path / "theirs", ROOT / "model_repository" / "model.py")
    ours, theirs = (
        {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "ours", tmp_path / "theirs")
    )
    assert ours == theirs


def test_a_configuration_that_says_something_else_is_refused(pack: Pack, tmp_path: Path) -> None:
    spec = pack.model("face_encoder")
    path = tmp_path / "face_encoder" / "config.pbtxt"
    path.parent.mkdir()
    text = render_config(spec, ServingOptions(), Target.TENSORRT)
    path.write_text(text)
    assert read_back(path, spec).max_batch_size == 4
    for before, after, said in (
        ("max_batch_size: 4", "max_batch_size: 5", "max_batch_size 5, declared 4"),
        ("TYPE_UINT8 dims: [8, 8, 3] }]\noutput", "TYPE_FP32 dims: [8, 8, 3] }]\noutput", "TYPE_FP32"),
        ('name: "embedding"', 'name: "vector"', "outputs"),
        ("platform", "plattform", "Triton cannot read"),
    ):
        assert before in text
        path.write_text(text.replace(before, after))
        with pytest.raises(ConfigError, match=said):
            read_back(path, spec)


BARE = """
import sys

# Whatever a verb may need beyond typer, and our own rooms that need it.
CLOSED = {"cv2", "google", "grpc", "models", "numpy", "onnx", "onnxruntime", "openvino", "packs", "scipy", "tensorrt",
          "torch", "tritonclient"}

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in CLOSED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Closed())
from export.__main__ import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("verb", [None, "onnx", "random", "verify", "engine", "repository", "int8"])
def test_help_works_with_nothing_installed_but_typer(verb: str | None) -> None:
    words = [*([verb] if verb else []), "--help"]
    done = subprocess.run([sys.executable, "-c", BARE, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: python -m export" in done.stdout


def test_a_verb_without_what_it_needs_says_so() -> None:
    words = ["repository", "--pack", str(DEMO), "--target", "cpu", "--out", "/nonexistent"]
    done = subprocess.run([sys.executable, "-c", BARE, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "this verb needs what is not installed here" in done.stderr


def test_wrong_usage_is_told(capsys: Any) -> None:
    assert command("--pack", DEMO) == 2
    assert "Missing option" in capsys.readouterr().err
    assert command("--pack", "/nonexistent", "--target", "cpu", "--out", "/nonexistent") == 2
    assert "no pack at /nonexistent" in capsys.readouterr().err
