"""Blurred and turned faces: which are taken, what blur does, and what a curve says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from evaluation.clearness.cli import falls, page_of_faces
from evaluation.clearness.samples import BLURS, FaceSample, face_samples
from evaluation.clearness.tracklets import best_yaws_deg, tracklet_curves
from evaluation.clearness.weights import curve_of, measured, trend_of
from evaluation.datasets.tracklets import ModalityRows, Tracklets
from evaluation.fusers.fuser import Weighing
from evaluation.fusers.trained import packed_fusers
from evaluation.truth import FaceViews, Film
from evaluation.tubes import Tube
from packs.arrays import F32, U8
from packs.calibration import Calibration
from packs.fuser import FuserCard, FuserPart, SubsetCalibration
from packs.fusers import FUSERS_DIR, FuserPack
from packs.preprocessing import prepare_crop
from packs.spec import Modality, Preprocessing
from services.backends.fusers import FakeRepresenter
from services.backends.vision import Embedded

FACE, BODY = Modality.FACE, Modality.BODY
BOX = (60.0, 20.0, 100.0, 60.0)
FRAMES = 30


class Cuts:
    """Crops of 16 pixels; norms grow with the contrast of a crop, as an encoder is surer of what is sharp."""

    def crop(self, modality: Modality, image: U8, box: F32) -> U8:
        return prepare_crop(image, box, Preprocessing(kind="square", height=16, width=16))

    async def embed(self, modality: Modality, crops: U8) -> Embedded:
        vectors = np.zeros((len(crops), 4), np.float32)
        vectors[:, 0] = 1.0
        contrast = crops.reshape(len(crops), -1).astype(np.float32).std(axis=1)
        return Embedded(vectors, np.asarray(2.0 * contrast / 80.0, np.float32))


@pytest.fixture
def film(tmp_path: Path, truth) -> Film:
    """A chequered face that turns by six degrees a frame, until it is turned away."""
    path = tmp_path / "film.mp4"
    rows, columns = np.indices((120, 160))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "1"})
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        picture = np.full((120, 160, 3), 255 * ((rows // 4 + columns // 4) % 2)[..., None], dtype=np.uint8)
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    frames = np.arange(FRAMES)
    views = FaceViews(Tube(frames, np.tile(BOX, (FRAMES, 1))), 6.0 * frames.astype(np.float64))
    whole = (40.0, 10.0, 120.0, 110.0)
    shown = replace(truth("t", 0, FRAMES, whole, identity="a"), views=views)
    return Film(
        "film", path, 160, 120, 25, 1.2, (shown, replace(shown, key="passes by", identity="c", counts=False)), (), {}
    )


def test_one_face_of_each_kind_is_taken(film: Film) -> None:
    blurred, turned = face_samples(film, Cuts())
    assert [sample.condition for sample in blurred] == list(range(len(BLURS)))
    assert [sample.condition for sample in turned] == [0, 1, 2, 3, 4]
    assert {sample.tracklet for sample in [*blurred, *turned]} == {"t"}
    contrasts = [float(sample.face.std()) for sample in blurred]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[-1] < 0.3 * contrasts[0]
    assert all((sample.body == blurred[0].body).all() for sample in blurred)


def card() -> FuserCard:
    line = SubsetCalibration(modalities=(FACE, BODY), calibration=Calibration(slope=1.0, intercept=0.0))
    parts = tuple(FuserPart(modality=modality, dim=4) for modality in (FACE, BODY))
    return FuserCard(name="fake", pack="f" * 64, parts=parts, calibrations=(line,))


async def test_quality_and_weight_fall_with_blur(film: Film) -> None:
    blurred, _ = face_samples(film, Cuts())
    both = await measured(blurred, Cuts(), {"fake": FakeRepresenter(card())})
    seen = both["length"]
    assert (both["both"].quality <= seen.quality).all()
    assert seen.quality[0] > 0.5
    assert seen.quality[-1] == 0.0
    assert seen.weights["fake"][-1] < seen.weights["fake"][0] - 0.1


def sample(person: int, condition: int) -> FaceSample:
    nothing = np.zeros((1, 1, 3), np.uint8)
    return FaceSample(f"p{person}", f"t{person}", condition, nothing, nothing)


def test_a_curve_compares_tracklets_with_themselves() -> None:
    samples = [sample(person, condition) for person in range(20) for condition in (0, 1, 2)]
    # People differ by far more than the conditions do; the last condition changes nothing.
    values = np.array([one.condition > 0 for one in samples]) * -0.01
    values = values + np.array([0.1 * int(one.identity[1:]) for one in samples])
    curve = curve_of(values, samples)
    assert [one.falls for one in curve.values()] == [None, True, False]
    assert curve[1].step is not None
    assert curve[1].step.value == pytest.approx(-0.01)
    assert curve[0].mean.interval[1] - curve[0].mean.interval[0] > 0.3
    apart = curve_of(values[:2], [sample(0, 0), sample(1, 1)])
    assert apart[1].step is None


def test_a_trend_is_that_within_tracklets() -> None:
    # Whoever turns far away has the greater weight, and yet each one's falls.
    seen = [(person, condition) for person in range(20) for condition in ((0, 1) if person < 10 else (3, 4))]
    samples = [sample(person, condition) for person, condition in seen]
    values = np.array([0.02 * person - 0.01 * condition for person, condition in seen])
    trend = trend_of(values, samples)
    assert trend is not None
    assert trend.value == pytest.approx(-0.01)
    assert trend.interval[1] < 0.0
    assert trend_of(values[::2], samples[::2]) is None
    curves = {"weights": {"x": plain([(0.1, 0.0, 0.2), (0.3, 0.2, 0.4)], [None, (-0.1, 0.1)])}}
    assert not falls(curves, "x")
    assert falls(curves | {"trends": {"x": {"value": -0.01, "interval": [-0.02, -0.005]}}}, "x")
    assert not falls(curves | {"trends": {"x": {"value": -0.01, "interval": [-0.02, 0.001]}}}, "x")


def plain(means: list[tuple[float, float, float]], steps: list[tuple[float, float] | None]) -> dict[str, object]:
    return {
        str(number): {
            "faces": 5,
            "mean": {"value": value, "interval": [low, high]},
            "step": None if step is None else {"value": sum(step) / 2, "interval": list(step)},
        }
        for number, ((value, low, high), step) in enumerate(zip(means, steps, strict=True))
    }


def test_a_report_says_whether_it_falls() -> None:
    down = plain([(0.5, 0.45, 0.55), (0.3, 0.25, 0.35)], [None, (-0.3, -0.1)])
    up = plain([(0.3, 0.25, 0.35), (0.5, 0.45, 0.55)], [None, (0.1, 0.3)])
    flat = plain([(0.5, 0.45, 0.55), (0.5, 0.45, 0.55)], [None, (-0.1, 0.1)])
    told = {name: falls({"weights": {"x": curve}}, "x") for name, curve in (("down", down), ("up", up), ("flat", flat))}
    assert told == {"down": True, "up": False, "flat": False}
    kinds = {"quality": down, "weights": {"associative": down}}
    page = page_of_faces(
        {
            "setting": {"films": ["f"]},
            "blur_share_of_width": [0.0, 0.1],
            "yaw_deg": [[0, 15], [15, 30]],
            "blur": kinds,
            "yaw": kinds,
            "falls": {"associative": {"blur": True, "yaw": False}},
            "falls_by_length": {"associative": {"blur": True, "yaw": True}},
        }
    )
    assert "| 0.10 | 5 | 0.300 (0.250 to 0.350) | 0.300 (0.250 to 0.350) | -0.200 (-0.300 to -0.100) |" in page
    assert "Falls: associative: blur yes; associative: yaw no. Without `blur_tells`: associative: blur yes" in page


def test_tracklets_are_turned_as_their_best_frames_are(film: Film) -> None:
    spans_s = np.array([[0.0, 1.2], [0.8, 1.2], [0.4, 0.48], [5.0, 6.0], [0.0, 1.2], [0.0, 1.2]])
    names = ["a", "a", "a", "a", "b", None]
    dims = {FACE: 256, BODY: 256}
    rng = np.random.default_rng(1)
    quality = np.array([1.0, 0.1, 0.5, 0.5, 0.5, 0.5])
    rows = {one: ModalityRows.of(rng.normal(size=(6, dim)), quality=quality) for one, dim in dims.items()}
    tracklets = Tracklets.of([f"t{row}" for row in range(6)], ["film"] * 6, names, rows, spans_s=spans_s)
    yaws_deg = best_yaws_deg(tracklets, [film])
    # Frames 0, 1, 2; 20, 21, 22; and 10, 11, 12.
    assert yaws_deg[:3] == pytest.approx([6.0, 126.0, 66.0])
    assert np.isnan(yaws_deg[3:]).all()
    learned = FuserPack.load(FUSERS_DIR).pack.manifest.fusers[0].card.pack
    fusers = {"associative": packed_fusers(Weighing.of({}), learned)[0]}
    measured_quality, weights = tracklet_curves([tracklets], [film], fusers)
    assert [(bin_, one.mean.value) for bin_, one in measured_quality.items()] == [
        (0, pytest.approx(1.0)),
        (4, pytest.approx(0.5)),
    ]
    assert set(weights["associative"]) == {0, 4}
    with pytest.raises(ValueError, match="no tracklet of the read-backs"):
        tracklet_curves([tracklets], [], fusers)
