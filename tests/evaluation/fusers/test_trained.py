"""Networks that fuse, from their files: what they say of a pair, what they refuse, and the rows they make."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.parser import parse_model
from typer.testing import CliRunner

from evaluation.cli import app
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.fusers.fuser import Weighing
from evaluation.fusers.graphs import direct_of, links_of
from evaluation.fusers.product import ProductFuser
from evaluation.fusers.trained import trained_fuser
from evaluation.protocols.csm.face_weights import face_weights
from packs.calibration import Calibration
from packs.errors import PackError
from packs.fuser import FuserCard, FuserPart, SubsetCalibration
from packs.spec import Modality

FACE, BODY, VOICE = Modality.FACE, Modality.BODY, Modality.VOICE
LINE = Calibration(slope=24.0, intercept=-12.0)
WEIGHING = Weighing.of({FACE: LINE})
DIGEST = "0" * 64
# Face and body beside each other, each by its quality.
GRAPH = """
<ir_version: 8, opset_import: ["" : 18]>
fuse (float[N,2] present, float[N,2] quality, float[N,DIM] face, float[N,DIM] body)
    => (float[N,WIDE] together, float[N,2] weights)
<int64[1] one = {1}, float floor = {0.000001}> {
    seen = Mul(present, quality)
    total = ReduceSum<keepdims = 1>(seen, one)
    held = Max(total, floor)
    weights = Div(seen, held)
    first, second = Split<axis = 1, num_outputs = 2>(weights)
    left = Mul(first, face)
    right = Mul(second, body)
    side = Concat<axis = 1>(left, right)
    length = ReduceL2<keepdims = 1>(side, one)
    bound = Max(length, floor)
    together = Div(side, bound)
}
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(dim: int = 4, graph: str = GRAPH, **changed: object) -> Path:
        path = tmp_path / "fuser.onnx"
        onnx.save(parse_model(graph.replace("DIM", str(dim)).replace("WIDE", str(2 * dim))), str(path))
        lines = [SubsetCalibration(modalities=some, calibration=LINE) for some in ((FACE,), (BODY,), (FACE, BODY))]
        parts = tuple(FuserPart(modality=modality, dim=dim) for modality in (FACE, BODY))
        card = FuserCard(name="made up", pack=DIGEST, parts=parts, calibrations=tuple(lines))
        path.with_suffix(".json").write_text(card.model_copy(update=changed).model_dump_json())
        return path

    return write


def tracklets(count: int, seed: int) -> Tracklets:
    rng = np.random.default_rng(seed)
    rows = {
        modality: ModalityRows.of(rng.normal(size=(count, 4)), rng.random(count) < 0.7, 0.1 + 0.9 * rng.random(count))
        for modality in (FACE, BODY, VOICE)
    }
    starts = 10.0 * np.arange(count)
    return Tracklets.of(
        [f"t{number}" for number in range(count)],
        ["m"] * count,
        [None] * count,
        rows,
        spans_s=np.stack([starts, starts + 5.0], axis=1),
    )


def test_a_portrait_is_the_plain_search_by_faces(written: Callable[..., Path]) -> None:
    """Property (d) of methods.md 1.2, though the gallery has bodies too."""
    gallery = tracklets(200, 0)
    portrait = Tracklets.of(["q"], [""], ["p"], {FACE: ModalityRows.of(np.eye(4)[:1])})
    found = direct_of(trained_fuser(written(), WEIGHING), portrait, gallery, (FACE, BODY))
    plain = direct_of(ProductFuser(WEIGHING), portrait, gallery, (FACE, BODY))
    # The product bounds what one modality may say at 12 nats: no line here says more.
    assert found == pytest.approx(plain, abs=1e-6)
    assert (found[0, ~gallery.present(FACE)] == 0.0).all()


def test_a_pair_is_compared_by_what_both_have(written: Callable[..., Path]) -> None:
    fuser, pair = trained_fuser(written(), WEIGHING), tracklets(30, 1)
    found = links_of(fuser, pair, (FACE, BODY, VOICE), 60.0, least=0.0).toarray()
    some = [one for modality in (FACE, BODY) for one in [pair.rows[modality]]]
    for i, j in np.argwhere(np.triu(np.ones((30, 30)), 1)).tolist():
        both = [one.present[i] and one.present[j] and (m == 0 or 10 * (j - i) - 5 <= 60) for m, one in enumerate(some)]
        if not any(both):
            assert found[i, j] == 0.0
            continue
        ends = []
        for row in (i, j):
            weight = np.array([one.quality[row] * kept for one, kept in zip(some, both, strict=True)])
            vector = np.concatenate([share * one.vectors[row] for share, one in zip(weight, some, strict=True)])
            ends.append(vector / np.linalg.norm(vector))
        prior = max(WEIGHING.linking.prior_log_odds[m] for m, kept in zip((FACE, BODY), both, strict=True) if kept)
        said = 24.0 * float(ends[0] @ ends[1]) - 12.0 + prior
        assert found[i, j] == pytest.approx(1.0 / (1.0 + np.exp(-said)), abs=1e-5)


def test_the_largest_part_with_a_line_speaks(written: Callable[..., Path]) -> None:
    gallery = tracklets(20, 2)
    lines = (SubsetCalibration(modalities=(BODY,), calibration=LINE),)
    partly = trained_fuser(written(calibrations=lines), WEIGHING)
    found = links_of(partly, gallery, (FACE, BODY), 60.0, least=0.0).toarray()
    # The prior is that of the pair, whatever speaks of it.
    whole = trained_fuser(written(), WEIGHING)
    alone = links_of(whole, gallery, (BODY,), 60.0, least=0.0).toarray()
    assert found == pytest.approx(alone, abs=1e-6)


def test_the_weight_of_faces_follows_their_quality(written: Callable[..., Path]) -> None:
    parts = face_weights(trained_fuser(written(), WEIGHING), tracklets(400, 3))
    assert len(parts) == 5
    assert [one.most for one in parts] == sorted(one.most for one in parts)
    weights = [one.weight for one in parts]
    assert weights == sorted(weights)
    assert weights[-1] > weights[0] + 0.2
    assert face_weights(trained_fuser(written(), WEIGHING), tracklets(2, 4)) == ()


def test_files_that_do_not_fit_are_refused(written: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no network at"):
        trained_fuser(tmp_path / "none.onnx", WEIGHING)
    path = written()
    with pytest.raises(PackError, match="of the pack 000000000000, not of ffffffffffff: train it anew"):
        trained_fuser(path, WEIGHING, "f" * 64)
    path = written(graph=GRAPH.replace("together", "joint"))
    with pytest.raises(PackError, match="gives"):
        trained_fuser(path, WEIGHING)
    path.write_bytes(b"not a network")
    with pytest.raises(PackError, match="is no network that can be run"):
        trained_fuser(path, WEIGHING)
    card = path.with_suffix(".json")
    card.write_text(json.dumps({"name": "x"}))
    with pytest.raises(PackError, match="is no card"):
        trained_fuser(path, WEIGHING)
    card.unlink()
    with pytest.raises(PackError, match="no card at"):
        trained_fuser(path, WEIGHING)


@pytest.mark.parametrize("parts", [(FACE, FACE), (FACE, VOICE)])
def test_cards_that_contradict_themselves_are_refused(parts: tuple[Modality, ...]) -> None:
    taken = tuple(FuserPart(modality=modality, dim=4) for modality in parts)
    line = SubsetCalibration(modalities=(BODY if VOICE in parts else FACE,), calibration=LINE)
    with pytest.raises(ValueError, match=r"twice|does not take"):
        FuserCard(name="x", pack=DIGEST, parts=taken, calibrations=(line,))


def test_csm_gets_rows_of_a_network(written: Callable[..., Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    gallery = tracklets(24, 5)
    who = [f"p{number % 3}" for number in range(24)]
    faces = np.eye(4)[[number % 3 for number in range(24)]] + 0.2 * rng.normal(size=(24, 4))
    rows = dict(gallery.rows) | {FACE: ModalityRows.of(faces)}
    shown = Tracklets.of(gallery.ids, gallery.movies, who, rows, spans_s=gallery.spans_s)
    asked = Tracklets.of(["a", "b", "c"], ["m"] * 3, ["p0", "p1", "p2"], {FACE: ModalityRows.of(np.eye(4)[:3])})
    kept, out, page = tmp_path / "kept.npz", tmp_path / "r.json", tmp_path / "r.md"
    facts = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": DIGEST}}
    write_search(kept, CastSearch("made", shown, asked), facts)
    words = ["run", "--protocol", "csm", "--appearances", kept, "--json", out, "--markdown", page, "--fuser"]

    def run(fuser: Path) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*map(str, words), str(fuser)], env={"COLUMNS": "200"})
        return done.exit_code, done.output

    code, told = run(written())
    assert code == 0, told
    report = json.loads(out.read_text())
    made = [row for row in report["table"] if row["fuser"] == "made up"]
    assert {row["way"] for row in made} >= {"none", "chains", "consensus"}
    assert {row["step"] for row in made} == {"face", "+ voice", "+ body"}
    assert len(report["face_weights"]["made up"]) == 5
    assert "mean weight of the face" in page.read_text()
    code, told = run(written(pack="f" * 64))
    assert code == 1
    assert "train it anew" in told
