import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoints import read_checkpoint
from tests.training.with_processes import drawn, fails, trained
from training.data.loader import batches_ahead
from training.data.shards import DataError

PROGRAM = Path(__file__).with_name("with_processes.py")


def in_processes(*arguments: object) -> subprocess.CompletedProcess[str]:
    root = PROGRAM.parents[2]
    return subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(root)},
    )


def test_processes_make_the_same_batches_in_the_same_order(tmp_path: Path) -> None:
    done = in_processes("drawn", tmp_path / "drawn.npy")
    assert done.returncode == 0, done.stderr
    with batches_ahead(drawn, first=3, end=12) as batches:
        got = np.stack(list(batches))
    expected = np.stack([drawn(step) for step in range(3, 12)])
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.load(tmp_path / "drawn.npy"), expected)


def test_a_batch_that_cannot_be_made_reaches_the_loop() -> None:
    with batches_ahead(fails, first=0, end=2) as batches, pytest.raises(DataError, match="no crops"):
        next(batches)
    done = in_processes("fails")
    assert done.returncode != 0
    assert "DataError" in done.stderr
    assert "step 0 has no crops" in done.stderr


def test_processes_train_as_a_thread_does(data: Path, tmp_path: Path) -> None:
    one = trained(data, tmp_path / "thread", 0)
    done = in_processes("train", data, tmp_path / "processes")
    assert done.returncode == 0, done.stderr
    two = read_checkpoint(Path(done.stdout.strip()))
    for key, value in read_checkpoint(one).weights.items():
        torch.testing.assert_close(two.weights[key], value, atol=1e-4, rtol=1e-3)
