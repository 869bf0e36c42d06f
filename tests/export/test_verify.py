"""`verify` and `int8` on a tiny pack: what does not hold is found, and 8 bits are kept by the rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from stand_in import stand_in

from export.__main__ import main
from export.build_engines import Build, build_engines
from export.distances import row_cosines
from export.engine_key import EngineKey
from export.engine_options import EngineOptions
from export.engine_runner import engine_runner
from export.engine_store import EngineStore
from export.int8_pack import Retrieval, int8_pack, loses_little
from export.output_parity import Strictness, compare_outputs
from export.retrieval import mean_average_precision
from export.runners import in_batches, torch_runner
from export.samples import feed_of, noise_of, read_samples, tiled
from export.tensorrt_graph import Precision
from export.verify import Contender, recorded, reference_answers, verify_model
from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import ModelSpec, TensorSpec, Tolerance
from packs.testing import TinyPack, write_tiny_pack


@pytest.fixture
def tiny(tmp_path: Path) -> TinyPack:
    folder = tmp_path / "pack"
    folder.mkdir()
    return write_tiny_pack(folder)


def face_of(tiny: TinyPack) -> ModelSpec:
    return tiny.pack.model("face_encoder")


def crops(rows: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, 8, 8, 3), dtype=np.uint8)


def scaled_weights(path: Path, factor: float) -> None:
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.name.endswith("_weights"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(factor), tensor.name))
    onnx.save(model, str(path))


def test_everything_that_runs_a_pack_agrees(tiny: TinyPack) -> None:
    spec = face_of(tiny)
    numpy = Contender("numpy", lambda feed: {"embedding": tiny.embedding(feed["crop"])}, Strictness.EXACT)
    report = verify_model(
        tiny.pack, spec, {"face_encoder": crops(9)}, reference=numpy, precisions=[Precision.FP16, Precision.INT8]
    )
    assert report.holds, [figure for figure in report.figures if not figure.within]
    assert (report.reference, report.real, list(report.faults)) == ("numpy", True, [])
    assert [f"{figure.runtime} {figure.batch}" for figure in report.figures] == [
        f"{runtime} {batch}"
        for runtime in ("onnxruntime-f32", "openvino-f32", "openvino-bf16", "graph-fp16", "graph-int8")
        for batch in (1, 3, 4)
    ]
    assert [figure.compared for figure in report.figures[:3]] == [3, 8, 8]


def test_a_network_that_is_served_in_float32_is_not_tried_in_less(tiny: TinyPack) -> None:
    spec = face_of(tiny)
    for given, tried in ((spec, {"f32", "bf16"}), (spec.model_copy(update={"arithmetic": "f32"}), {"f32"})):
        report = verify_model(tiny.pack, given, {})
        runtimes = {figure.runtime for figure in report.figures}
        assert {runtime.removeprefix("openvino-") for runtime in runtimes if "openvino" in runtime} == tried


def test_missing_parts_agree_when_both_are_zeros() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], np.float32)
    other = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.1]], np.float32)
    assert row_cosines(rows, other).tolist() == [1.0, 1.0, 0.0]


def test_noise_stands_in_for_samples_and_is_said(tiny: TinyPack) -> None:
    report = verify_model(tiny.pack, tiny.pack.model("voice_activity"), {})
    assert (report.reference, report.real, report.holds) == ("onnxruntime-f32", False, True)
    assert report.figures[0].least_cosine is None


def test_another_network_does_not_hold(tiny: TinyPack) -> None:
    wrong = Contender("torch-f32", lambda feed: {"embedding": -tiny.embedding(feed["crop"])}, Strictness.EXACT)
    report = verify_model(tiny.pack, face_of(tiny), {"face_encoder": crops(4)}, reference=wrong)
    assert not report.holds
    assert not any(figure.within for figure in report.figures)
    assert report.figures[0].passing["cosine"] == pytest.approx(-1.0, abs=1e-5)


def test_a_batch_that_is_answered_wrongly_is_found(tiny: TinyPack) -> None:
    """A graph whose axis 0 is not really free answers every row of a batch with the first."""

    def first_row(feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        answer = tiny.embedding(feed["crop"])
        return {"embedding": np.repeat(answer[:1], len(answer), axis=0)}

    other = Contender("engine", first_row, Strictness.REDUCED)
    report = verify_model(tiny.pack, face_of(tiny), {"face_encoder": crops(4)}, others=[other])
    assert [figure.within for figure in report.figures if figure.runtime == "engine"] == [True, False, False]


def test_each_output_is_held_to_its_own_tolerance() -> None:
    outputs = (
        TensorSpec(name="logits", dtype="FP32", shape=(3,), tolerance=Tolerance(absolute=0.5)),
        TensorSpec(name="shares", dtype="FP32", shape=(3,)),
    )
    x = TensorSpec(name="x", dtype="FP32", shape=(2,))
    spec = ModelSpec(name="m", file="m.onnx", sha256="0" * 64, inputs=(x,), outputs=outputs, max_batch=4)
    reference = {"logits": np.zeros((2, 3), np.float32), "shares": np.zeros((2, 3), np.float32)}
    found = {name: values + np.float32(0.1) for name, values in reference.items()}
    figures = compare_outputs(found, reference, spec, runtime="r", batch=2, strictness=Strictness.EXACT)
    assert [(figure.output, figure.within) for figure in figures] == [("logits", True), ("shares", False)]
    # The report keeps the tolerance that would have passed.
    assert figures[1].passing["absolute"] == pytest.approx(0.1)
    assert figures[1].allowed["absolute"] == 0.05
    loose = compare_outputs(found, reference, spec, runtime="r", batch=2, strictness=Strictness.REPORTED)
    assert all(figure.within for figure in loose)
    found["logits"][0, 0] = np.nan
    nothing = compare_outputs(found, reference, spec, runtime="r", batch=2, strictness=Strictness.REPORTED)
    assert not nothing[0].within, "what is no number is never within"


def test_reduced_arithmetic_is_held_to_what_99_of_100_values_keep() -> None:
    y = TensorSpec(name="y", dtype="FP32", shape=(1000,))
    x = TensorSpec(name="x", dtype="FP32", shape=(2,))
    spec = ModelSpec(name="m", file="m.onnx", sha256="0" * 64, inputs=(x,), outputs=(y,), max_batch=1)
    reference = {"y": np.zeros((1, 1000), np.float32)}
    found = {"y": np.zeros((1, 1000), np.float32)}
    found["y"][0, :5] = 9.0
    kinds = (Strictness.REDUCED, Strictness.EXACT)
    made = [compare_outputs(found, reference, spec, runtime="r", batch=1, strictness=kind)[0].within for kind in kinds]
    assert made == [True, False]


def test_recorded_answers_are_as_good_as_their_source(tiny: TinyPack, tmp_path: Path) -> None:
    spec = face_of(tiny)
    kept = reference_answers(spec, {"face_encoder": crops(9)}, lambda f: {"embedding": tiny.embedding(f["crop"])})
    path = tmp_path / "reference.npz"
    np.savez(path, **kept)
    found = recorded(spec, read_samples(path))
    assert found is not None
    samples, reference = found
    report = verify_model(tiny.pack, spec, samples, reference=reference)
    assert (report.holds, report.reference) == (True, "recorded")
    assert recorded(tiny.pack.model("voice_encoder"), kept) is None


def test_the_command_writes_what_it_found(tiny: TinyPack, tmp_path: Path, capsys: Any) -> None:
    report, samples = tmp_path / "parity.json", tmp_path / "samples.npz"
    np.savez(samples, face_encoder=crops(5))
    words = ["verify", "--pack", str(tiny.pack.directory), "--report", str(report), "--samples", str(samples)]
    assert main([*words, "--model", "face_encoder", "--precision", "fp16"]) == 0
    assert "face_encoder: holds against onnxruntime-f32, least cosine" in capsys.readouterr().out
    assert main([*words, "--model", "voice_activity"]) == 0
    written = json.loads(report.read_text())
    assert written["pack"] == tiny.pack.digest
    assert set(written["models"]) == {"face_encoder", "voice_activity"}
    assert written["models"]["face_encoder"]["figures"][0]["allowed"] == {"absolute": 0.05, "cosine": 0.999}


def test_the_command_fails_where_something_does_not_hold(tiny: TinyPack, tmp_path: Path, capsys: Any) -> None:
    spec, reference = face_of(tiny), tmp_path / "reference.npz"
    kept = reference_answers(spec, {}, lambda feed: {"embedding": tiny.embedding(feed["crop"])[:, ::-1]})
    np.savez(reference, **kept)
    words = ["verify", "--pack", str(tiny.pack.directory), "--model", "face_encoder", "--reference", str(reference)]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "face_encoder: DOES NOT HOLD against recorded" in said
    assert "allowed {'absolute': 0.05, 'cosine': 0.999}" in said
    scaled_weights(tiny.pack.file_of(spec), 2.0)
    assert main(words) == 2
    assert "is damaged" in capsys.readouterr().err


def test_an_engine_of_the_stand_in_is_compared(tiny: TinyPack, tmp_path: Path) -> None:
    trt = stand_in("11.1.0.106")
    spec, store = face_of(tiny), EngineStore(tmp_path / "engines")
    build = Build(Precision.FP16, EngineOptions(), EngineKey("GPU", "8.9", "580", "11.1.0.106"))
    (engine,) = build_engines(trt, tiny.pack, [spec.name], build, store, samples={}, say=lambda _: None)
    contender = Contender("engine-fp16", engine_runner(trt, trt.memory, engine.plan, spec), Strictness.REDUCED)
    report = verify_model(tiny.pack, spec, {"face_encoder": crops(8)}, others=[contender])
    assert [figure.batch for figure in report.figures if figure.runtime == "engine-fp16"] == [1, 3, 4]
    assert report.holds


def test_torch_runs_what_the_spec_declares(tiny: TinyPack) -> None:
    import torch

    weights = torch.from_numpy(tiny.face_weights)
    run = torch_runner(lambda crop: crop.flatten(1).float() @ weights, face_of(tiny))
    np.testing.assert_allclose(run({"crop": crops(2)})["embedding"], tiny.embedding(crops(2)), rtol=1e-4, atol=1e-4)


def test_samples_are_checked(tiny: TinyPack, tmp_path: Path) -> None:
    spec = face_of(tiny)
    assert feed_of(spec, {"body_encoder": crops(2)}) is None
    assert list(feed_of(spec, {"face_encoder.crop": crops(2)}) or {}) == ["crop"]
    with pytest.raises(PackError, match=r"are uint8\[2, 8, 4, 3\], expected uint8\[N, 8, 8, 3\]"):
        feed_of(spec, {"face_encoder": crops(2)[:, :, :4]})
    with pytest.raises(PackError, match="no samples at"):
        read_samples(tmp_path / "absent.npz")
    assert len(tiled({"crop": crops(3)}, 7)["crop"]) == 7
    np.testing.assert_array_equal(tiled({"crop": crops(3)}, 2)["crop"], crops(3))


def test_noise_has_the_declared_types() -> None:
    kinds = ("UINT8", "FP32", "FP16", "INT32", "INT64", "BOOL")
    inputs = tuple(TensorSpec(name=kind.lower(), dtype=kind, shape=(2, 3)) for kind in kinds)
    y = TensorSpec(name="y", dtype="FP32", shape=(1,))
    spec = ModelSpec(name="m", file="m.onnx", sha256="0" * 64, inputs=inputs, outputs=(y,), max_batch=4)
    feed = noise_of(spec, 5)
    assert {name: (values.dtype, values.shape) for name, values in feed.items()} == {
        tensor.name: (tensor.numpy_dtype, (5, 2, 3)) for tensor in inputs
    }


def test_rows_run_in_batches_in_their_order() -> None:
    sizes = []

    def run(feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        sizes.append(len(feed["x"]))
        return {"y": feed["x"] * 2}

    feed = {"x": np.arange(8)}
    np.testing.assert_array_equal(in_batches(run, feed, 3)["y"], np.arange(6) * 2)
    np.testing.assert_array_equal(in_batches(run, feed, 1, most=2)["y"], [0, 2])
    assert sizes == [3, 3, 1, 1]


def slow_map(embeddings: np.ndarray, identities: np.ndarray) -> float:
    """From the definition, one pair at a time."""
    precisions = []
    for asker in range(len(embeddings)):
        others = [row for row in range(len(embeddings)) if row != asker]
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        ranked = sorted(others, key=lambda row: -float(unit[asker] @ unit[row]))
        found, hits = [], 0
        for rank, row in enumerate(ranked, 1):
            if identities[row] == identities[asker]:
                hits += 1
                found.append(hits / rank)
        if found:
            precisions.append(sum(found) / len(found))
    return sum(precisions) / len(precisions)


def test_retrieval_is_what_its_definition_says() -> None:
    rng = np.random.default_rng(2)
    identities = rng.integers(0, 6, 24)
    identities[0] = 99
    embeddings = rng.normal(size=(24, 5)) + 0.7 * identities[:, None] % 3
    assert mean_average_precision(embeddings, identities) == pytest.approx(slow_map(embeddings, identities))
    assert mean_average_precision(np.eye(2)[[0, 0, 1, 1]], np.array([1, 1, 2, 2])) == 1.0
    with pytest.raises(ValueError, match="two rows"):
        mean_average_precision(np.eye(2), np.array([1, 2]))


@pytest.mark.parametrize(("after", "kept"), [(0.6, True), (0.61, True), (0.5951, True), (0.595, False), (0.59, False)])
def test_the_rule_keeps_what_loses_under_half_a_point(after: float, kept: bool) -> None:
    assert loses_little(Retrieval(0.6, 1.0), Retrieval(after, 1.0)) is kept


def measured(losses: dict[str, float], asked: list[str]) -> Any:
    def measure(spec: ModelSpec, path: Path) -> Retrieval:
        asked.append(f"{spec.name} {path.name}")
        return Retrieval(0.6 - (losses[spec.name] if ".int8" in path.name else 0.0), 10.0)

    return measure


def samples_of(pack: Pack) -> dict[str, np.ndarray]:
    return {spec.name: noise_of(spec, 8)[spec.inputs[0].name] for spec in pack.models.values()}


def test_a_pack_keeps_the_networks_that_lose_little(tiny: TinyPack, tmp_path: Path) -> None:
    out, asked = tmp_path / "int8", []
    losses = {"face_encoder": 0.001, "body_encoder": 0.02, "voice_encoder": 0.0}
    decisions = int8_pack(tiny.pack, samples_of(tiny.pack), measured(losses, asked), out)
    kept = {decision.model: decision.kept for decision in decisions}
    assert kept == {
        "person_detector": False,
        "face_encoder": True,
        "body_encoder": False,
        "voice_activity": False,
        "voice_encoder": True,
    }
    made = Pack.load(out)
    made.verify()
    assert made.version == "1-int8"
    assert made.digest != tiny.pack.digest
    assert made.calibration == tiny.pack.calibration
    files = {spec.name: spec.file for spec in made.models.values()}
    assert files["face_encoder"] == "face_encoder.int8.onnx"
    assert files["body_encoder"] == "body_encoder.onnx"
    assert sorted(path.name for path in out.iterdir()) == sorted([*files.values(), "pack.json"])
    assert "loses 2.00 points of mAP" in next(d.reason for d in decisions if d.model == "body_encoder")
    embedded = verify_model(made, made.model("face_encoder"), {"face_encoder": crops(8)})
    assert embedded.holds
    assert "build engines from the float pack" in embedded.left_out[0]


def test_a_text_pair_goes_along_with_its_vocabulary(tmp_path: Path) -> None:
    folder = tmp_path / "reads"
    folder.mkdir()
    pack = write_tiny_pack(folder, sound=False, text=True).pack
    losses = {"face_encoder": 0.0, "body_encoder": 0.1, "text_image_encoder": 0.1}
    decisions = int8_pack(pack, samples_of(pack), measured(losses, []), tmp_path / "int8")
    assert next(one.reason for one in decisions if one.model == "text_encoder").startswith("makes no embedding")
    made = Pack.load(tmp_path / "int8")
    made.verify()
    assert "vocabulary.json" in made.files


def test_nothing_kept_is_no_pack(tiny: TinyPack, tmp_path: Path) -> None:
    losses = dict.fromkeys(("face_encoder", "body_encoder", "voice_encoder"), 0.1)
    decisions = int8_pack(tiny.pack, samples_of(tiny.pack), measured(losses, []), tmp_path / "int8")
    assert not any(decision.kept for decision in decisions)
    assert not (tmp_path / "int8" / "pack.json").exists()
    with pytest.raises(PackError, match="give a new folder"):
        int8_pack(tiny.pack, {}, measured(losses, []), tiny.pack.directory)


def test_the_int8_command_measures_on_labelled_crops(tiny: TinyPack, tmp_path: Path, capsys: Any) -> None:
    rng = np.random.default_rng(4)
    people = rng.integers(0, 256, (5, 8, 8, 3))
    identity = np.repeat(np.arange(5), 4)
    shown = np.clip(people[identity] + rng.normal(0, 20, (20, 8, 8, 3)), 0, 255).astype(np.uint8)
    np.savez(tmp_path / "samples.npz", face_encoder=shown[::2])
    np.savez(tmp_path / "validation.npz", **{"face_encoder": shown[1::2], "face_encoder.identity": identity[1::2]})
    words = ["int8", "--pack", tiny.pack.directory, "--out", tmp_path / "int8", "--arithmetic", "f32"]
    words += ["--samples", tmp_path / "samples.npz", "--validation", tmp_path / "validation.npz"]
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    assert "face_encoder: INT8 (loses " in said
    assert "body_encoder: as it was (no samples to calibrate on)" in said
    figures = json.loads((tmp_path / "int8" / "int8.json").read_text())
    assert figures["face_encoder"]["kept"] is True
    assert figures["face_encoder"]["after"]["rows_per_s"] > 0.0


def proposals(*scores: float) -> dict[str, np.ndarray]:
    boxes = np.stack([np.full(4, 10.0 * score) for score in scores]).astype(np.float32)[None]
    return {"boxes": boxes, "scores": np.array(scores, np.float32)[None, :, None]}


@pytest.mark.parametrize(
    ("found", "compared", "within"),
    [
        (proposals(0.9, 0.5, 0.1), 2, True),
        (proposals(0.5, 0.9, 0.1), 2, True),  # in another order
        (proposals(0.9, 0.5, 0.2), 2, True),  # what is not confident does not count
        (proposals(0.9, 0.1, 0.1), 2, False),  # one is gone
        (proposals(0.0, 0.0, 0.0), 2, False),  # all are
    ],
    ids=["equal", "order", "weak", "one lost", "all lost"],
)
def test_a_detectors_confident_proposals_are_paired(
    tiny: TinyPack, found: dict[str, np.ndarray], compared: int, within: bool
) -> None:
    spec, kind = tiny.pack.model("person_detector"), Strictness.EXACT
    (figure,) = compare_outputs(found, proposals(0.9, 0.5, 0.1), spec, runtime="r", batch=1, strictness=kind)
    assert (figure.output, figure.compared, figure.within) == ("boxes+scores", compared, within)
