"""The command's plan, what it keeps, and its steps without a stack."""

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.asking import IngestedFilm
from evaluation.cli import app
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.index import cli, others
from evaluation.index import steps as module
from evaluation.index.claims import claims_of
from evaluation.index.extra import Given
from evaluation.index.kept import KeptSteps, Made
from evaluation.index.plan import IndexPlan, cast_of, films_of_largest_cast
from evaluation.index.steps import StepError, Steps, clip_networks, run_steps
from evaluation.index.taking import Taken
from evaluation.protocols.spine import SpineResult, evaluate_spine
from evaluation.report import report_of_spine, setting_of
from evaluation.served.extra import served_extra
from evaluation.truth import Film
from packs.manifest import Pack
from packs.spec import Modality

ROOT = Path(__file__).parents[3]
FACTS = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": "0" * 64}}
FACE, VOICE = Modality.FACE, Modality.VOICE


def silent(line: str) -> None:
    """Nobody listens."""


def film(name: str, cast: str) -> Film:
    return Film(name, Path(name) / "film.mp4", 200, 100, 25.0, 10.0, (), (), {f"cast{cast}/c{cast}-i0": {}})


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Two casts of three people, eight tracklets each, who can be told by face and voice."""
    random = np.random.default_rng(0)
    names = [f"cast{cast}/p{person}" for cast in (1, 2) for person in range(3) for _ in range(8)]
    who = np.repeat(np.arange(6), 8)
    looks = {modality: random.normal(size=(6, 16)) for modality in (FACE, VOICE)}
    rows = {m: ModalityRows.of(own[who] + 0.3 * random.normal(size=(48, 16))) for m, own in looks.items()}
    starts = 10.0 * np.arange(48)
    tracklets = Tracklets.of(
        [f"t{row}" for row in range(48)], ["f"] * 48, names, rows, spans_s=np.stack([starts, starts + 1], axis=1)
    )
    people = sorted(set(names))
    films, ids = ["f"] * 6, [f"q{row}" for row in range(6)]
    portraits = Tracklets.of(ids, films, people, {FACE: ModalityRows.of(looks[FACE])})
    voices = Tracklets.of([f"v{row}" for row in range(6)], films, people, {VOICE: ModalityRows.of(looks[VOICE])})
    path = tmp_path / "appearances.npz"
    write_search(path, CastSearch("made", tracklets, portraits, voices), FACTS)
    return path


@pytest.fixture
def plan(kept: Path, tmp_path: Path) -> Steps:
    pack = Pack.load(ROOT / "packs" / "demo")
    folders = (tmp_path / "milvus", tmp_path / "report", tmp_path / "networks")
    return Steps([film("f", "1")], kept, *folders, pack, (), 20, None, {})


@pytest.fixture
def spine(truth, line, answer, appearance, tmp_path: Path) -> tuple[SpineResult, dict]:
    """One person who is seen, heard and found."""
    left = (0.0, 0.0, 50.0, 100.0)
    tracklets = (truth("a1", 0, 50, left, face=(0.0, 0.0, 40.0, 40.0)),)
    spoken = (line("l", 0.5, 1.5, tracklet="a1"),)
    known = Film("f", tmp_path / "film.mp4", 200, 100, 25.0, 4.4, tracklets, (), {"a": {"sex": "male"}}, spoken)
    answers = [
        answer("a", ("1", 0.9), kind=kind, expand=how) for kind in ("portrait", "voice") for how in (True, False)
    ]
    result = evaluate_spine(
        [IngestedFilm(known, "v", 1.1)], {"v": [appearance("1", 0.0, 2.0, left, (0.5, 1.5))]}, answers, {}
    )
    pack = Pack.load(ROOT / "packs" / "demo")
    return result, report_of_spine(result, setting_of(pack, "local"))


@pytest.fixture
def told_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    """The identities have tests of their own, which start the record's server."""
    monkeypatch.setattr(module, "_identities", lambda steps: ({"higher_on_every_film": True}, "# Identities\n"))


def test_most_films_have_their_own_cast_and_the_last_share_one(tmp_path: Path) -> None:
    films = IndexPlan(20, 5, 2.0, 12, 9801, tmp_path).film_plans()
    assert [(one.seed, one.cast_seed) for one in films[:15]] == [(seed, seed) for seed in range(9801, 9816)]
    assert [(one.seed, one.cast_seed) for one in films[15:]] == [(seed, 9821) for seed in range(9821, 9826)]
    assert films[0].folder == tmp_path / "films" / "s9801"
    with pytest.raises(ValueError, match="got 3 films that share a cast, of 2"):
        IndexPlan(2, 3, 2.0, 12, 1, tmp_path).film_plans()


def test_casts_are_told_from_truths() -> None:
    films = [film("a", "1"), film("b", "2"), film("c", "2")]
    assert [cast_of(one) for one in films] == ["cast1", "cast2", "cast2"]
    assert films_of_largest_cast(films) == 2
    assert films_of_largest_cast([]) == 0


def test_a_step_is_made_once_of_the_same_and_again_of_another(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("one")
    made: list[str] = []

    def make() -> Made:
        made.append("x")
        return {"number": len(made)}, f"page {len(made)}"

    def once(words: tuple[str, ...] = ()) -> Made:
        return KeptSteps(tmp_path / "report", [source], words).once("csm", make, silent)

    assert once() == once() == ({"number": 1}, "page 1")
    assert once(("20",)) == ({"number": 2}, "page 2")
    source.write_text("two")
    assert once(("20",)) == ({"number": 3}, "page 3")
    # A run that was cut off between the report and its key makes it again.
    (tmp_path / "report" / ".csm.key").unlink()
    assert once(("20",))[0] == {"number": 4}


def test_steps_run_from_the_read_back_alone_and_are_kept(plan: Steps, told_identities: None) -> None:
    seen = []

    def extra(given: object) -> Made:
        seen.append(given)
        return {"figures": {"calibration_error.portrait": {"value": 0.01}}}, "# Served\n"

    whole = replace(plan, extras={"served": extra})
    lines: list[str] = []
    made = run_steps(whole, lines.append)
    assert list(made) == ["csm", "apes", "iqiyi", "identities", "served"]
    assert made["csm"][0]["protocol"] == "csm"
    assert json.loads((plan.report / "apes.json").read_text())["protocol"] == "apes"
    assert (plan.report / "iqiyi.md").read_text().startswith("# Protocol `iqiyi`")
    assert (plan.report / "csm_across.svg").exists()
    assert any("rows NetVLAD and MMA of iqiyi are left out" in line for line in lines)
    lines.clear()
    again = run_steps(whole, lines.append)
    assert again == made
    assert len(seen) == 1
    assert [line for line in lines if "as an earlier run left it" in line] == [
        f"{name}: as an earlier run left it" for name in made
    ]


def test_a_step_with_nothing_to_measure_says_so_and_the_others_go_on(plan: Steps, told_identities: None) -> None:
    def nothing(given: Given) -> Made:
        raise ValueError("no film shows a face")

    lines: list[str] = []
    made = run_steps(replace(plan, extras={"faces": nothing}), lines.append)
    assert made["faces"] == ({}, "# Faces\n\nNot measured: no film shows a face\n")
    assert made["csm"][0]
    assert "faces: not measured: no film shows a face" in lines
    assert not (plan.report / ".faces.key").exists()


def test_answers_as_served_have_the_figures_that_claims_look_for(plan: Steps) -> None:
    given = Given(plan.films, plan.appearances, plan.record, plan.pack, silent)
    report, page = served_extra(given)
    wanted = {
        f"{name}.{kind}" for name in ("calibration_error", "open_set_share") for kind in ("portrait", "voice", "hit")
    }
    assert wanted <= set(report["figures"])
    assert page.startswith("# As served")
    assert "| portrait |" in page
    claims = {claim.name: claim for claim in claims_of({"served": report}, {})}
    told = claims["calibration_error, portrait, as served"]
    assert told.value == report["figures"]["calibration_error.portrait"]["value"]
    assert told.low is not None
    assert told.low <= told.value <= told.high


def test_faces_are_those_of_the_films_and_of_their_read_back(plan: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def measure(folders: list[Path], pack: Path, fusers: None, threads: int) -> dict:
        asked.append((folders, pack))
        return {"falls": {"associative": {"blur": True, "yaw": True}}}

    def more(report: dict, folders: list[Path], appearances: list[Path], *rest: object) -> dict:
        asked.append((folders, appearances))
        return report

    monkeypatch.setattr(others, "measure_faces", measure)
    monkeypatch.setattr(others, "with_tracklets", more)
    monkeypatch.setattr(others, "page_of_faces", lambda report: "# Faces\n")
    given = Given(plan.films, plan.appearances, plan.record, plan.pack, silent)
    assert others.faces(given) == ({"falls": {"associative": {"blur": True, "yaw": True}}}, "# Faces\n")
    assert asked == [([Path("f")], plan.pack.directory), ([Path("f")], [plan.appearances])]


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_trainer_that_fails_is_told_and_one_that_is_missing_leaves_rows_out(plan: Steps, tmp_path: Path) -> None:
    trainer = script(tmp_path / "python", "import sys\nsys.exit('no torch here')\n")
    with pytest.raises(StepError, match="no torch here"):
        clip_networks(plan.appearances, plan.networks, trainer, silent)
    assert clip_networks(plan.appearances, plan.networks, tmp_path / "none", silent) == []


def test_the_trainer_is_given_the_read_back_and_not_asked_again(plan: Steps, tmp_path: Path) -> None:
    trainer = script(
        tmp_path / "python",
        f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from evaluation.datasets.store import read_search
from evaluation.protocols.iqiyi.cards import ClipCard, digest_of_clips
from evaluation.protocols.iqiyi.split import split_cast
assert sys.argv[1:4] == ["-m", "training", "clips"], sys.argv
out = Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir(exist_ok=True)
train = split_cast(read_search(Path(sys.argv[sys.argv.index("--appearances") + 1]))[0]).train
part = dict(modality="face", dim=16)
card = ClipCard(name="+ MMA", people=("a", "b"), clips=digest_of_clips(train), parts=(part,), recipe={{}})
(out / "mma.onnx").write_bytes(b"")
(out / "mma.json").write_text(card.model_dump_json())
""",
    )
    lines: list[str] = []
    for _ in range(2):
        assert clip_networks(plan.appearances, plan.networks, trainer, lines.append) == [plan.networks / "mma.onnx"]
    assert lines == ["training the networks of iqiyi"]
    card = plan.networks / "mma.json"
    card.write_text(card.read_text().replace('"clips":"', '"clips":"0'))
    # Those of other clips are trained anew.
    clip_networks(plan.appearances, plan.networks, trainer, lines.append)
    assert len(lines) == 2
    assert '"clips":"0' not in card.read_text()


def test_the_command_reports_and_requires(
    kept: Path, tmp_path: Path, told_identities: None, monkeypatch: pytest.MonkeyPatch, spine: tuple[SpineResult, dict]
) -> None:
    """All but the stack, which has tests of its own."""
    result, report = spine
    pack = Pack.load(ROOT / "packs" / "demo")

    def taken(films: list[Film], record: Path, out: Path, *rest: object, **how: object) -> Taken:
        assert record == out / "state"
        (out / "appearances.npz").write_bytes(kept.read_bytes())
        return Taken(result, report, {"pack": {"name": "demo", "version": "0", "digest": "0" * 64}}, pack)

    monkeypatch.setattr(cli, "_taken", taken)
    monkeypatch.setattr(cli, "EXTRAS", {})
    monkeypatch.setattr(cli, "load_film", lambda folder: film(folder.name, "1"))
    (tmp_path / "s1").mkdir()
    out = tmp_path / "out"
    words = ["index", "--films", str(tmp_path / "s1"), "--out", str(out), "--trainer", str(tmp_path / "none")]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    told = json.loads((out / "report" / "report.json").read_text())
    assert told["gallery"] == {"films": 1, "sharing": 1}
    assert set(told["steps"]) == {"csm", "apes", "iqiyi", "identities", "spine"}
    assert told["requirements"]["films and galleries: films >= 20"] is False
    assert told["requirements"]["identities: higher on every film >= 1"] is True
    assert told["map_all"]["full"] == told["steps"]["csm"]["map_all"]["full"]
    assert "## Protocol `spine`" in (out / "report" / "report.md").read_text()
    assert "does not hold: films and galleries: films >= 20" in done.output
    assert CliRunner().invoke(app, [*words, "--require"], env={"COLUMNS": "200"}).exit_code == 1


def test_films_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a" / "s1").mkdir(parents=True)
    (tmp_path / "b" / "s1").mkdir(parents=True)
    words = ["index", "--out", str(tmp_path / "out"), "--films", str(tmp_path / "a" / "s1")]
    done = CliRunner().invoke(app, [*words, "--films", str(tmp_path / "b" / "s1")], env={"COLUMNS": "200"})
    assert done.exit_code == 1
    assert "expected them to differ" in done.output
