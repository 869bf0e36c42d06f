"""`python -m export verify --triton`: what a real Triton answers, compared as every other runtime is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from export.__main__ import main
from packs.testing import TinyPack


@pytest.mark.triton
def test_a_real_triton_agrees_at_every_batch(tiny: TinyPack, triton_address: str, tmp_path: Path, capsys: Any) -> None:
    report = tmp_path / "parity.json"
    words = ["verify", "--pack", str(tiny.pack.directory), "--triton", triton_address, "--report", str(report)]
    assert main(words) == 0, capsys.readouterr().out
    models = json.loads(report.read_text())["models"]
    assert set(models) == set(tiny.pack.models)
    for name, found in models.items():
        served = [figure for figure in found["figures"] if figure["runtime"] == "triton"]
        most = tiny.pack.model(name).max_batch
        assert [figure["batch"] for figure in served] == sorted({1, min(3, most), most})
        assert all(figure["within"] for figure in served)
