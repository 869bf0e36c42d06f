"""`python -m evaluation presets`: what a server answers is compared with what torch answered, and faults are seen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.cli import app
from evaluation.presets.comparing import compare_served, states_of
from evaluation.presets.table import HEADINGS, holds, report_of, rows_of, table_of
from packs.arrays import AnyArray
from packs.errors import PackError
from packs.manifest import Pack, PackManifest
from packs.spec import ModelSpec, TensorSpec, Tolerance
from services.runtime.settings import StackSettings
from services.supervisor.child import SOURCE_ROOT
from services.supervisor.triton import TritonUnavailableError, find_triton, triton_python

TRAIN = SOURCE_ROOT / ".venv-train" / "bin" / "python"
ROWS, FRAMES = 8, 4


def f32(name: str, *shape: int, tolerance: Tolerance | None = None) -> TensorSpec:
    return TensorSpec(name=name, dtype="FP32", shape=shape, tolerance=tolerance)


def running_sum() -> ModelSpec:
    """A network that is given chunks of a sound and remembers how loud all of it was."""
    return ModelSpec(
        name="running_sum",
        file="running_sum.onnx",
        sha256="0" * 64,
        inputs=(f32("frames", FRAMES, 1), f32("total", 1)),
        outputs=(f32("sums", FRAMES, 1), f32("total_out", 1)),
        max_batch=ROWS,
        tolerance=Tolerance(absolute=0.001),
        arithmetic="f32",
    )


def encoder() -> ModelSpec:
    return ModelSpec(
        name="encoder",
        file="encoder.onnx",
        sha256="0" * 64,
        inputs=(f32("x", 3),),
        outputs=(f32("embedding", 3), f32("length", 1, tolerance=Tolerance(absolute=0.5))),
        max_batch=ROWS,
        tolerance=Tolerance(absolute=0.001, cosine=0.999),
        embedding_dim=3,
    )


class Server:
    """Answers as the two networks do, or with one of three faults."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.batches: list[int] = []

    async def infer(
        self, model: str, inputs: Mapping[str, AnyArray], *, deadline_s: float | None = None
    ) -> dict[str, AnyArray]:
        first = next(iter(inputs.values()))
        self.batches.append(len(first))
        if model == "encoder":
            rows = np.roll(first, 1, axis=0) if self.fault == "rows" and len(first) == ROWS else first
            return {"embedding": rows, "length": np.linalg.norm(first, axis=1, keepdims=True)}
        total = np.zeros_like(inputs["total"]) if self.fault == "forgets" else inputs["total"]
        sums = np.cumsum(first, axis=1) + total[:, None]
        return {"sums": sums, "total_out": sums[:, -1] + (1.0 if self.fault == "drifts" else 0.0)}

    async def ready(self, model: str) -> bool:
        return True

    async def aclose(self) -> None:
        """Nothing to let go."""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return Pack.of(tmp_path, PackManifest(name="presets", version="0", models=(encoder(), running_sum())))


@pytest.fixture
def reference() -> dict[str, AnyArray]:
    """What torch would have answered."""
    rng = np.random.default_rng(0)
    x, frames = rng.normal(size=(ROWS, 3)).astype(np.float32), rng.random((ROWS, FRAMES, 1), np.float32)
    total, whole = rng.random((ROWS, 1), np.float32), rng.random((2, 3 * FRAMES, 1), np.float32)
    sums = np.cumsum(frames, axis=1) + total[:, None]
    return {
        "encoder.in.x": x,
        "encoder.out.embedding": x,
        "encoder.out.length": np.linalg.norm(x, axis=1, keepdims=True),
        "running_sum.in.frames": frames,
        "running_sum.in.total": total,
        "running_sum.out.sums": sums,
        "running_sum.out.total_out": sums[:, -1],
        "running_sum.stream.in.frames": whole,
        "running_sum.stream.out.sums": np.cumsum(whole, axis=1),
    }


async def test_every_output_is_compared_at_every_batch_and_a_stream_chunk_by_chunk(
    pack: Pack, reference: dict[str, AnyArray]
) -> None:
    server = Server()
    figures = await compare_served(server, pack, reference, "bf16")
    assert holds(figures)
    found = [(one.output, one.batch, one.runtime) for one in figures["encoder"]]
    assert found == [(name, batch, "triton-bf16") for batch in (1, 3, ROWS) for name in ("embedding", "length")]
    assert ("sums of 3 chunks", 2, "triton-f32") in [(o.output, o.batch, o.runtime) for o in figures["running_sum"]]
    # Three executions of each small batch as far as the rows go, one of the largest; then two streams in three chunks.
    assert server.batches == [1, 1, 1, 3, 3, 8, 1, 1, 1, 3, 3, 8, 2, 2, 2]
    assert states_of(running_sum()) == {"total": "total_out"}
    assert states_of(encoder()) == {}


@pytest.mark.parametrize(
    ("fault", "model", "output"),
    [
        ("rows", "encoder", "embedding"),
        ("forgets", "running_sum", "sums of 3 chunks"),
        ("drifts", "running_sum", "total_out"),
    ],
)
async def test_a_fault_of_the_server_is_seen(
    pack: Pack, reference: dict[str, AnyArray], fault: str, model: str, output: str
) -> None:
    figures = await compare_served(Server(fault), pack, reference, "f32")
    assert not holds(figures)
    wrong = {(name, one.output) for name, found in figures.items() for one in found if not one.within}
    assert (model, output) in wrong
    lines = [row for row in rows_of(pack, figures) if row[-1] == "**no**"]
    assert len(lines) == len(wrong)
    assert not report_of(pack, figures, {})["holds"]


async def test_the_table_says_what_was_held_to_what(pack: Pack, reference: dict[str, AnyArray]) -> None:
    figures = await compare_served(Server(), pack, reference, "bf16")
    lines = table_of(pack, figures).splitlines()
    assert all(line.count("|") == len(HEADINGS) + 1 for line in lines)
    assert lines[2].startswith("| `encoder` | x FP32[3] | embedding [3] | bf16 | 8 | cos 1.00000 | cos 1.00000 |")
    assert lines[3].startswith("|  |  | length [1] | bf16 | 8 | 0 | 0 | 0 | 0.5 | 0 | yes |")
    assert lines[-1].startswith("|  |  | sums of 3 chunks | f32 | 8 |")
    report = json.loads(json.dumps(report_of(pack, figures, {"cpu": "x"})))
    assert report["models"]["encoder"]["inputs"] == {"x": "FP32[3]"}
    assert report["holds"]


async def test_nothing_compared_does_not_hold(pack: Pack, reference: dict[str, AnyArray]) -> None:
    assert not holds({})
    del reference["encoder.out.length"]
    with pytest.raises(PackError, match="torch's answers of encoder are not there"):
        await compare_served(Server(), pack, reference, "bf16")


def test_a_folder_without_a_pack_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["presets", "--pack", str(tmp_path)])
    assert result.exit_code == 2
    assert "no pack at" in result.output


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small presets of three inputs and more, one that streams and one in float32, exported by the other room."""
    if not TRAIN.exists():
        pytest.skip(f"no training environment at {TRAIN}; `make train-env` makes it")
    out = tmp_path_factory.mktemp("presets")
    names = ("associative_small", "deep_speech_small_chunk", "speaker_mel_small")
    command = [str(TRAIN), "-m", "export", "presets", "--out", str(out)]
    subprocess.run([*command, *[word for name in names for word in ("--only", name)]], cwd=SOURCE_ROOT, check=True)
    return out


@pytest.mark.triton
@pytest.mark.torch
def test_a_real_triton_agrees_with_torch(exported: Path, tmp_path: Path) -> None:
    try:
        find_triton(triton_python(StackSettings()))
    except TritonUnavailableError as error:
        pytest.skip(f"no embedded Triton: {error}")
    report, work = tmp_path / "served.json", tmp_path / "triton"
    words = ["--pack", str(exported), "--json", str(report), "--work-dir", str(work)]
    result = CliRunner().invoke(app, ["presets", *words])
    assert result.exit_code == 0, result.output
    models = json.loads(report.read_text())["models"]
    assert set(models) == {"associative_small", "deep_speech_small_chunk", "speaker_mel_small"}
    assert {one["runtime"] for one in models["speaker_mel_small"]["figures"]} == {"triton-f32"}
    assert "speaker_mel_small: OpenVINO f32" in (work / "triton.log").read_text()
    assert _batches(models["associative_small"]) == {1, 3, 64}
    assert any(one["output"] == "scores of 12 chunks" for one in models["deep_speech_small_chunk"]["figures"])


@pytest.mark.triton
@pytest.mark.torch
def test_a_real_triton_that_serves_other_weights_does_not_hold(exported: Path, tmp_path: Path) -> None:
    try:
        find_triton(triton_python(StackSettings()))
    except TritonUnavailableError as error:
        pytest.skip(f"no embedded Triton: {error}")
    other = tmp_path / "other"
    other.mkdir()
    for file in exported.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    with np.load(other / "reference.npz") as content:
        answers = dict(content)
    answers["associative_small.out.together"] = np.roll(answers["associative_small.out.together"], 1, axis=0)
    np.savez(other / "reference.npz", allow_pickle=False, **answers)
    result = CliRunner().invoke(app, ["presets", "--pack", str(other)])
    assert result.exit_code == 1, result.output


def _batches(model: Mapping[str, Any]) -> set[int]:
    return {one["batch"] for one in model["figures"]}
