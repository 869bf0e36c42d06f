from pathlib import Path

import pytest
import torch

from models import body_encoder, face_encoder
from models.checkpoints import Checkpoint, CheckpointError, network_from_checkpoint, read_checkpoint, write_checkpoint
from models.presets import FACE_IMAGE
from packs.spec import Modality
from training.data.shards import open_frames
from training.levelling import USUAL_LENGTH, level_faces, median_length
from training.measure.sets import crop_test


def written(preset: str, path: Path) -> Path:
    torch.manual_seed(3)
    network = {"face_encoder": face_encoder, "body_encoder": body_encoder}[preset]()
    write_checkpoint(path, Checkpoint(preset=preset, step=7, weights=network.state_dict()))
    return path


def test_faces_get_the_usual_length_and_keep_their_directions(data: Path, tmp_path: Path) -> None:
    path, frames = written("face_encoder", tmp_path / "weights.pt"), open_frames(data / "train")
    before = read_checkpoint(path)
    levelled = level_faces(path, frames)
    assert read_checkpoint(path).weights["projection.3.weight"].equal(before.weights["projection.3.weight"])

    after = read_checkpoint(levelled)
    assert (after.preset, after.step) == (before.preset, before.step)
    crops = crop_test(frames, Modality.FACE, FACE_IMAGE).crops
    one, two = (network_from_checkpoint(checkpoint, "face_encoder") for checkpoint in (before, after))
    assert median_length(two, crops) == pytest.approx(USUAL_LENGTH, rel=1e-4)
    assert median_length(one, crops) != pytest.approx(USUAL_LENGTH, rel=1e-2)
    with torch.inference_mode():
        first, second = (network(torch.from_numpy(crops)) for network in (one, two))
    assert torch.nn.functional.cosine_similarity(first, second).min() > 0.99999


def test_only_faces_are_levelled(data: Path, tmp_path: Path) -> None:
    path = written("body_encoder", tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match="body_encoder"):
        level_faces(path, open_frames(data / "train"))
