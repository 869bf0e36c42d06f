from pathlib import Path

import pytest
import torch

import models
from models.blocks import PixelInput, conv_unit, residual_block
from models.checkpoints import (
    PRESETS,
    Checkpoint,
    CheckpointError,
    network_from_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from models.detector import DetectorGraph, LevelHead, box_head, location_centres
from models.encoder import pooled_projection


def pixels(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_pixels_are_centred_and_transposed() -> None:
    image = torch.tensor([[[[0, 127, 255]]]], dtype=torch.uint8)
    normalised = PixelInput()(image)
    assert normalised.shape == (1, 3, 1, 1)
    torch.testing.assert_close(normalised.flatten(), torch.tensor([-1.0, 127 / 127.5 - 1.0, 1.0]))


def test_a_residual_block_with_silent_body_is_its_activation() -> None:
    block = residual_block(4, hidden=2).eval()
    torch.nn.init.zeros_(block.body[1].norm.weight)
    x = torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(block(x), x.relu())


def test_a_unit_refuses_a_norm_of_another_width() -> None:
    unit = conv_unit(3, 8)
    with pytest.raises(ValueError, match="8 channels, norm takes 4"):
        models.ConvUnit(conv=unit.conv, norm=torch.nn.BatchNorm2d(4), activation=torch.nn.Identity())


@pytest.mark.parametrize(
    ("build", "sizes"),
    [(models.face_encoder, [(96, 96), (48, 48)]), (models.body_encoder, [(128, 64), (64, 32)])],
    ids=["face", "body"],
)
def test_encoders_take_both_sizes_that_recipes_use(build, sizes) -> None:
    encoder = build().eval()
    for height, width in sizes:
        with torch.inference_mode():
            assert encoder(pixels(2, height, width, 3)).shape == (2, 256)


@pytest.mark.parametrize("build", [models.face_encoder, models.body_encoder])
def test_a_crop_and_its_mirror_image_are_one(build) -> None:
    encoder = build().eval()
    generator = torch.Generator().manual_seed(3)
    crop = torch.randint(0, 256, (3, 64, 32, 3), dtype=torch.uint8, generator=generator)
    with torch.no_grad():
        seen, mirrored = encoder(crop), encoder(crop.flip(2))
        encoder.mirrored = False
        expected = (encoder(crop) + encoder(crop.flip(2))) / 2.0
    torch.testing.assert_close(seen, mirrored)
    torch.testing.assert_close(seen, expected)


def test_the_projection_averages_over_its_grid() -> None:
    projection = pooled_projection(2, grid=(2, 1), embedding_dim=4).eval()
    torch.nn.init.eye_(projection[2].weight)
    features = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[2.0, 2.0], [0.0, 4.0]]]])
    # channel 0: row means 2 and 6; channel 1: 2 and 2 (the fresh norm only divides by sqrt(1 + eps))
    torch.testing.assert_close(projection(features), torch.tensor([[2.0, 6.0, 2.0, 2.0]]), atol=1e-4, rtol=1e-4)


def test_location_centres_run_row_by_row() -> None:
    centres = location_centres(2, 3, 8, torch.device("cpu"))
    assert centres.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]


def test_the_head_decodes_distances_from_each_centre() -> None:
    head = box_head(4, levels=1, classes=2, prior=0.01).eval()
    torch.nn.init.zeros_(head.distance.weight)
    torch.nn.init.zeros_(head.distance.bias)  # exp(0) = one stride on every side
    found = head([torch.randn(1, 4, 2, 2)], [8])
    assert found.boxes.shape == (1, 4, 2, 4)
    torch.testing.assert_close(found.boxes[0, 3, 1], torch.tensor([4.0, 4.0, 20.0, 20.0]))


def test_the_head_starts_at_its_prior() -> None:
    head = box_head(4, levels=1, classes=3, prior=0.01).eval()
    scores = head([torch.zeros(1, 4, 1, 1)], [8]).logits.sigmoid()
    assert scores.mean().item() == pytest.approx(0.01, rel=0.05)


def test_levels_share_convolutions_but_no_norms() -> None:
    head = box_head(4, levels=2, classes=3, prior=0.01)
    first, second = head.box_towers
    for one, other in zip(first, second, strict=True):
        assert one.conv is other.conv
        assert one.norm is not other.norm


def test_a_level_keeps_its_own_statistics() -> None:
    """After training on levels of different scale, inference gives each level what training gave it."""
    torch.manual_seed(0)
    head = box_head(4, levels=2, classes=1, prior=0.01)
    levels = [torch.randn(8, 4, 6, 6), 5.0 * torch.randn(8, 4, 3, 3) + 2.0]
    for layer in head.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0  # one batch says everything
    with torch.no_grad():
        trained = head(levels, [8, 16])
    served = head.eval()(levels, [8, 16])
    torch.testing.assert_close(served.boxes, trained.boxes, atol=1.0, rtol=0.02)


def test_a_head_wants_four_distances_a_class() -> None:
    identity = torch.nn.Identity()
    with pytest.raises(ValueError, match="expected 4 for each of 3"):
        LevelHead(
            score_towers=[identity],
            box_towers=[identity],
            score=torch.nn.Conv2d(4, 3, 1),
            distance=torch.nn.Conv2d(4, 4, 1),
        )


def test_the_detector_has_proposals_of_all_levels() -> None:
    detector = models.person_detector().eval()
    with torch.inference_mode():
        found = detector(pixels(2, 64, 96, 3))
    locations = 8 * 12 + 4 * 6 + 2 * 3
    assert found.logits.shape == (2, locations, 3)
    assert found.boxes.shape == (2, locations, 3, 4)


def test_the_served_graph_keeps_the_best_of_each_class() -> None:
    detector = models.person_detector().eval()
    image = pixels(2, 64, 96, 3)
    with torch.inference_mode():
        found = detector(image)
        boxes, scores = DetectorGraph(detector=detector, per_class=5).eval()(image)
    assert boxes.shape == (2, 15, 4)
    assert scores.shape == (2, 15, 3)
    for index in range(3):
        rows = slice(5 * index, 5 * index + 5)
        best, where = found.logits[1, :, index].sigmoid().topk(5)
        torch.testing.assert_close(scores[1, rows, index], best)
        torch.testing.assert_close(boxes[1, rows], found.boxes[1, where, index])
        others = [column for column in range(3) if column != index]
        assert scores[1, rows][:, others].abs().sum() == 0.0


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    network = models.face_encoder().eval()
    path = tmp_path / "weights.pt"
    write_checkpoint(path, Checkpoint(preset="face_encoder", step=7, weights=network.state_dict()))
    again = read_checkpoint(path)
    assert (again.preset, again.step) == ("face_encoder", 7)
    crop = pixels(1, 96, 96, 3)
    with torch.inference_mode():
        torch.testing.assert_close(network_from_checkpoint(again, "face_encoder")(crop), network(crop))


def test_a_checkpoint_of_another_network_is_refused() -> None:
    checkpoint = Checkpoint(preset="face_encoder", step=0, weights={})
    with pytest.raises(CheckpointError, match="holds a face_encoder, expected a body_encoder"):
        network_from_checkpoint(checkpoint, "body_encoder")


def test_a_partial_checkpoint_is_refused() -> None:
    weights = models.face_encoder().state_dict()
    weights.pop("projection.2.weight")
    with pytest.raises(CheckpointError, match=r"projection\.2\.weight"):
        network_from_checkpoint(Checkpoint(preset="face_encoder", step=0, weights=weights), "face_encoder")


def test_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"weights": {}}, path)
    with pytest.raises(CheckpointError, match="format None"):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        read_checkpoint(tmp_path / "absent.pt")


def test_every_preset_stays_small_enough_for_git() -> None:
    parameters = sum(p.numel() for build in PRESETS.values() for p in build().parameters())
    # In float16: all five networks, committed once, stay below the 12 MB of weights that one issue may add to git.
    assert parameters * 2 < 12e6
