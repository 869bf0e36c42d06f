from pathlib import Path

import numpy as np
import pytest

from packs.preprocessing import crop_square, crop_stretch
from training.data.batches import Prefetcher, epoch_rows, step_generator
from training.data.colour import random_blur, random_compression, random_light
from training.data.crops import augment_crop, body_regions, cut_region, load_crops, square_regions
from training.data.frames import Boxes, FrameTruth, augmented_frame, read_frame, settled
from training.data.shards import DataError, open_frames
from training.recipe import FrameAugment, RecipeError, phase_at, read_recipe, total_steps

RECIPES = Path(__file__).parents[2] / "training" / "recipes"


def recipe(name: str):
    return read_recipe(RECIPES / f"{name}.toml")


def test_people_of_all_shards_are_read(data: Path) -> None:
    frames = open_frames(data / "train")
    people = frames.people()
    assert len(frames.shards) == 4
    assert len(people) == 3 * 16
    assert people.face.shape == (48, 4)
    assert [person["sex"] for person in frames.attributes[:2]] == ["male", "female"]


def test_crops_come_in_the_order_of_their_rows(data: Path) -> None:
    frames = open_frames(data / "train")
    wanted = np.zeros(48, dtype=bool)
    wanted[[2, 20, 47]] = True
    every = frames.crops("face_crop", np.ones(48, dtype=bool))
    np.testing.assert_array_equal(frames.crops("face_crop", wanted), every[wanted])
    with pytest.raises(DataError, match="47 rows were asked"):
        frames.crops("face_crop", wanted[1:])


def test_absent_data_says_how_to_render_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="python -m synthetic frames"):
        open_frames(tmp_path)


def test_labels_have_no_gaps_and_outfits_are_classes_of_their_own(data: Path) -> None:
    frames = open_frames(data / "train")
    faces, bodies = load_crops([frames], recipe("face").crops), load_crops([frames], recipe("body").crops)
    assert set(faces.labels.tolist()) == set(range(faces.classes))
    assert bodies.classes > faces.classes


def smooth_image(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 / width, y * 255 / height, (x + y) * 255 / (height + width)], axis=2).astype(np.uint8)


def test_a_stored_face_crop_holds_what_serving_would_cut() -> None:
    image, box = smooth_image(720, 1280), np.array([500.0, 300.0, 580.0, 400.0], np.float32)
    stored = crop_square(image, box, 112, 1.5)
    again = cut_region(stored, square_regions(1, 112)[0], 96, 96)
    direct = crop_square(image, box, 96, 1.25)
    assert np.abs(again.astype(int) - direct).max() <= 3


@pytest.mark.parametrize("box", [(600, 200, 700, 500), (0, 100, 150, 720), (1100, 3, 1280, 400)])
def test_a_stored_body_crop_holds_what_serving_would_cut(box) -> None:
    image, box = smooth_image(720, 1280), np.array(box, np.float32)
    stored = crop_stretch(image, box, 144, 72, 1.1)
    region = body_regions(box[None], 144, 72)[0]
    again = cut_region(stored, region, 128, 64)
    direct = crop_stretch(image, box, 128, 64, 1.0)
    assert np.abs(again.astype(int) - direct).mean() <= 2.0


def test_augmented_crops_are_the_same_for_one_seed(data: Path) -> None:
    crops = load_crops([open_frames(data / "train")], recipe("body").crops)
    augment = recipe("body").augment
    one, two = (
        augment_crop(crops.images[0], crops.regions[0], (64, 32), augment, step_generator(1, 9)) for _ in range(2)
    )
    other = augment_crop(crops.images[0], crops.regions[0], (64, 32), augment, step_generator(1, 10))
    assert one.shape == (64, 32, 3)
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_no_light_change_is_none() -> None:
    image = smooth_image(20, 30)
    assert random_light(image, 0.0, np.random.default_rng(0)) is image


@pytest.mark.parametrize("change", [random_blur, random_compression])
def test_a_changed_image_keeps_its_shape_and_rough_content(change) -> None:
    image = smooth_image(60, 80)
    for seed in range(6):
        changed = change(image, np.random.default_rng(seed))
        assert changed.shape == image.shape
        assert np.abs(changed.astype(int) - image).mean() < 15


def test_settled_boxes_are_clipped_ignored_or_dropped() -> None:
    truth = Boxes(
        boxes=np.array([[-90, 0, 10, 50], [50, 10, 60, 25], [200, 0, 240, 40], [20, 20, 25, 26]], np.float32),
        classes=np.array([2, 0, 2, 0]),
        ignored=np.array([False, False, False, False]),
    )
    rest = settled(truth, 100, 100)
    assert rest.boxes.tolist() == [[0, 0, 10, 50], [50, 10, 60, 25], [20, 20, 25, 26]]
    assert rest.ignored.tolist() == [True, False, True]


def test_boxes_follow_their_frame(data: Path) -> None:
    """The made-up faces are flat colours: after any change, a box's centre still shows its own colour."""
    frames = open_frames(data / "train")
    truth = FrameTruth(frames.people())
    augment = FrameAugment(least_zoom=0.6, largest_zoom=1.6, colour=0.0, blur=0.0)
    image = read_frame(frames, 0)
    boxes = truth.of(0)
    for seed in range(8):
        changed, moved = augmented_frame(image, boxes, (384, 640), augment, np.random.default_rng(seed))
        faces = moved.boxes[(moved.classes == 0) & ~moved.ignored]
        colours = [image[int((b[1] + b[3]) / 2), int((b[0] + b[2]) / 2)] for b in boxes.boxes[boxes.classes == 0]]
        for box in faces:
            seen = changed[int((box[1] + box[3]) / 2), int((box[0] + box[2]) / 2)].astype(int)
            assert min(np.abs(seen - colour).max() for colour in colours) < 20


def test_every_epoch_visits_every_row() -> None:
    seen = np.concatenate([epoch_rows(10, 4, step, seed=1) for step in range(3)])
    assert set(seen.tolist()) == set(range(10))
    assert not np.array_equal(epoch_rows(10, 4, 0, seed=1), epoch_rows(10, 4, 3, seed=1))


def test_prefetched_batches_come_in_order() -> None:
    with Prefetcher(lambda step: step * step, first=2, end=7) as batches:
        assert list(batches) == [4, 9, 16, 25, 36]


def test_a_failing_batch_reaches_the_loop() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise ValueError("no such frame")
        return step

    got = []
    with Prefetcher(make, first=0, end=9) as batches, pytest.raises(ValueError, match="no such frame"):
        got.extend(batches)
    assert got == [0, 1]


def test_leaving_early_stops_the_thread() -> None:
    prefetcher = Prefetcher(lambda step: step, first=0, end=10**9)
    with prefetcher as batches:
        assert next(iter(batches)) == 0
    assert not prefetcher._thread.is_alive()


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_committed_recipes_are_read(name: str) -> None:
    parsed = recipe(name)
    assert phase_at(parsed, 0) == parsed.phases[0]
    assert phase_at(parsed, total_steps(parsed) - 1) == parsed.phases[-1]
    with pytest.raises(ValueError, match="beyond"):
        phase_at(parsed, total_steps(parsed))


def test_a_misspelt_recipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text((RECIPES / "face.toml").read_text().replace("margin = 0.4", "marign = 0.4"))
    with pytest.raises(RecipeError, match="marign"):
        read_recipe(path)
    with pytest.raises(RecipeError, match="no recipe at"):
        read_recipe(tmp_path / "absent.toml")


def test_two_sets_are_two_casts(data: Path) -> None:
    choice = recipe("face").crops
    train, closeups = open_frames(data / "train"), open_frames(data / "closeups")
    one, other, both = (
        load_crops([train], choice),
        load_crops([closeups], choice),
        load_crops([train, closeups], choice),
    )
    assert both.classes == one.classes + other.classes
    assert set(both.labels[: len(one)]).isdisjoint(both.labels[len(one) :])
    assert both.rows[len(one)] == other.rows[0] + len(train.people())
