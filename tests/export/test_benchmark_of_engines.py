"""`benchmarks.engines` on a tiny pack: every runtime takes its turns, and the figures are about what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.engines import BASE, Turns, figures_of, main, speeds, unit_of
from packs.manifest import Pack
from packs.testing import TinyPack, write_tiny_pack


@pytest.fixture
def tiny(tmp_path: Path) -> TinyPack:
    folder = tmp_path / "pack"
    folder.mkdir()
    return write_tiny_pack(folder)


def test_a_line_for_each_model_and_batch(tiny: TinyPack, tmp_path: Path, capsys: Any) -> None:
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    labelled, table = tmp_path / "labelled.npz", tmp_path / "table.md"
    np.savez(labelled, **{"face_encoder": crops, "face_encoder.identity": np.arange(12) // 3})
    words = ["--pack", str(tiny.pack.directory), "--labelled", str(labelled), "--markdown", str(table)]
    main([*words, "--model", "face_encoder", "--model", "voice_encoder", "--turns", "3", "--turn-s", "0.001"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [(line["model"], line["batch"], line["unit"], line["inputs"]) for line in lines]
    # Tiny networks take four rows at once.
    assert found == [
        ("face_encoder", 1, "images", "real"),
        ("face_encoder", 4, "images", "real"),
        ("voice_encoder", 1, "seconds of sound", "noise"),
        ("voice_encoder", 4, "seconds of sound", "noise"),
    ]
    for line in lines:
        runtimes = line["runtimes"]
        assert runtimes[BASE]["times_onnxruntime"] == [1.0, 1.0, 1.0]
        assert all(figures["per_cpu_s"] > 0.0 for figures in runtimes.values())
    retrieval = lines[0]["retrieval"]
    assert set(retrieval) == set(lines[0]["runtimes"])
    assert all(figures["least_cosine"] > 0.999 for figures in retrieval.values())
    assert "retrieval" not in lines[2]
    assert len(table.read_text().splitlines()) == 2 + sum(len(line["runtimes"]) for line in lines)


def test_an_int8_network_stands_beside_the_one_that_it_came_from(tiny: TinyPack, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "int8"
    folder.mkdir()
    other = write_tiny_pack(folder, seed=6)
    words = ["--pack", str(tiny.pack.directory), "--int8", str(other.pack.directory), "--batches", "2"]
    main([*words, "--model", "face_encoder", "--model", "voice_activity", "--turns", "2", "--turn-s", "0.001"])
    faces, activity = (json.loads(line)["runtimes"] for line in capsys.readouterr().out.splitlines())
    assert "int8" in faces
    assert "int8" not in activity, "its file is the same"


def test_ratios_are_of_the_same_turn(tiny: TinyPack) -> None:
    def nothing(feed: object) -> dict[str, Any]:
        return {}

    base = Turns(nothing, wall_s=[2.0, 8.0, 4.0], cpu_s=[1.0, 4.0, 2.0])
    served = Turns(nothing, wall_s=[0.5, 2.0, 1.0], cpu_s=[0.5, 2.0, 1.0])
    figures = figures_of({BASE: base, "served-bf16": served}, row=0.5)
    assert figures[BASE] == {
        "per_s": 0.1,
        "per_cpu_s": 0.2,
        "times_onnxruntime": [1.0, 1.0, 1.0],
        "times_served": [0.5, 0.5, 0.5],
    }
    assert figures["served-bf16"]["times_onnxruntime"] == [2.0, 2.0, 2.0]
    assert unit_of(Pack.load(tiny.pack.directory).model("voice_activity")) == ("seconds of sound", 0.16)


def test_every_runtime_is_first_in_some_turn() -> None:
    asked: list[str] = []

    def named(name: str) -> Any:
        return lambda feed: asked.append(name) or {}

    made = speeds({name: named(name) for name in "abc"}, {"x": np.zeros((4, 1))}, 2, turns=3, turn_s=1e-9)
    assert all(len(turns.cpu_s) == 3 for turns in made.values())
    # Two runs of each warm up.
    assert "".join(asked[6:]) == "abccabbca"
