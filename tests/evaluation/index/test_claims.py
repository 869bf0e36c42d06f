"""Claims: read from reports of the steps, held against their bounds, and missing where a step is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.index.claim import Claim, claim_facts, figure_at, part_at
from evaluation.index.claims import claims_of
from evaluation.index.report import page_of_index, report_of_index, write_index

STEPS = ("face", "+ head", "+ voice", "+ body")
GROUPS = {"apparent_age": {}, "skin": {}, "sex": {}}


def around(value: float, **more: Any) -> dict[str, Any]:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "drawn": "identities", "count": 9} | more


def kind(error: float, share: float) -> dict[str, Any]:
    found = {"share": share, "share_interval": [share - 0.1, share + 0.1]}
    return {
        "map": around(0.7),
        "chance": 0.02,
        "open_set": found,
        "calibration_error": error,
        "intervals": {"calibration_error": {"low": error, "high": error + 0.01}},
    }


@pytest.fixture
def reports() -> dict[str, dict[str, Any]]:
    """Everything holds."""
    csm = {
        "map_all": {"face_only": 0.6, "full": 0.8, "gain": 0.2, "chance": 0.02},
        "intervals": {f"map_all.{name}": around(value) for name, value in (("face_only", 0.6), ("full", 0.8))}
        | {"map_all.gain": around(0.2)},
        "full": {"step": "+ body", "fuser": "late fusion", "way": "consensus"},
        "films": {name: {"falls_short": False} for name in ("a", "b")},
        "table": [
            {"step": step, "fuser": fuser, "way": way}
            for step in STEPS
            for fuser in ("average", "MMA", "associative")
            for way in ("none", "consensus")
        ],
        "over_average": [
            around(0.05, step="+ body", fuser="associative", way="consensus"),
            around(-0.01, step="+ body", fuser="associative", way="chains"),
            around(-0.5, step="+ body", fuser="late fusion", way="consensus"),
        ],
        "faceless": {
            "r_precision": around(0.6),
            "recall_at_50": around(0.7),
            "chance": {"r_precision": 0.01, "recall_at_50": 0.03},
        },
        "kinds": {"portrait": kind(0.2, 0.1), "voice": kind(0.2, 0.1)},
        "kinds_as_served": {"portrait": kind(0.03, 0.8), "voice": kind(0.04, 0.7)},
        "body_links": {
            "uniform_of_links": around(0.01),
            "uniform_linked": around(0.01),
            "same_linked": around(0.65),
        },
        "face_weights": {"associative": [{"weight": 0.2}, {"weight": 0.3}]},
        "by_group": {"portrait": GROUPS, "voice": GROUPS},
        "counts": {"tracklets": 2100},
    }
    interval = {"map": {"low": 0.8, "high": 0.9}}
    rows = [("seen and heard", model, way) for model in ("face", "voice", "cross-modal") for way in _WAYS]
    rows += [("seen", "face", way) for way in _WAYS]
    rows += [("seen and heard", "random", "-"), ("seen", "random", "-")]
    apes = {
        "table": [
            {"task": task, "model": model, "sampling": way, "map": 0.85, "intervals": interval}
            for task, model, way in rows
        ],
        "by_group": {"seen": {"groups": GROUPS}},
    }
    named = ("random", "+ ensemble", "+ NetVLAD", "+ MMA")
    iqiyi = {
        "table": [{"name": name, "fuser": "x", "map": 0.5, "low": 0.4, "high": 0.6} for name in named],
        "by_group": GROUPS,
    }
    told = {"f1": 0.8, "interval": {"low": 0.7, "high": 0.9}, "chance_f1": 0.05}
    identities = {
        "together": {"all": {when: {"pairwise": told, "b_cubed": told} for when in ("before", "after")}},
        "higher_on_every_film": True,
        "undo_restores_bit_for_bit": True,
        "by_group": {"b_cubed_f1": GROUPS},
    }
    spine = {
        "voice_map": 0.65,
        "intervals": {"voice_map": {"low": 0.6, "high": 0.7}},
        "chance": {"voice_map": 0.03},
        "by_group": {"portrait_map_all": GROUPS, "voice_map": GROUPS},
    }
    return {"csm": csm, "apes": apes, "iqiyi": iqiyi, "identities": identities, "spine": spine}


_WAYS = ("Weak", "Within", "Across")
GALLERY = {"films": 20, "sharing": 5}


def failed(claims: list[Claim]) -> list[str]:
    return [f"{claim.line}: {claim.name}" for claim in claims if claim.holds is False]


def test_everything_that_is_asked_holds_when_it_does(reports: dict[str, Any]) -> None:
    claims = claims_of(reports, GALLERY)
    assert failed(claims) == []
    lines = list(dict.fromkeys(claim.line for claim in claims))
    assert lines[:9] == [
        "films and galleries",
        "csm",
        "apes",
        "iqiyi",
        "no visible face",
        "HEARD",
        "uniforms",
        "calibration",
        "open set",
    ]
    by_name = {(claim.line, claim.name): claim for claim in claims}
    full = by_name["csm", "map_all.full"]
    assert (full.value, full.low, full.chance, full.holds) == (0.8, pytest.approx(0.75), 0.02, None)
    assert by_name["csm", "associative over average, chains"].holds is None
    assert by_name["calibration", "error, portrait"].value == 0.03
    # What other commands measure is listed, and holds neither way.
    elsewhere = [claim for claim in claims if claim.name == "measured elsewhere"]
    assert len(elsewhere) == 3
    assert all(claim.holds is None and claim.note for claim in elsewhere)


def test_what_was_not_measured_does_not_hold() -> None:
    claims = claims_of({}, {})
    assert all(claim.holds is False for claim in claims if claim.sign is not None)
    assert {
        "csm: map_all.gain",
        "identities: higher on every film",
        "open set: found at FPIR 1 % over rank 1, voice",
    } <= {*failed(claims)}


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        (("csm", "map_all", "gain"), 0.14, "csm: map_all.gain"),
        (("csm", "films", "a", "falls_short"), True, "csm: films that fall below face only by more than the interval"),
        (("csm", "faceless", "r_precision"), around(0.4), "no visible face: r_precision"),
        (
            ("csm", "body_links", "uniform_of_links"),
            around(0.03),
            "uniforms: share of links that join two people in one uniform",
        ),
        (("csm", "body_links"), None, "uniforms: share of one person's same-clothes pairs that are linked"),
        (("csm", "kinds_as_served", "voice"), kind(0.06, 0.8), "calibration: error, voice"),
        (("csm", "kinds_as_served", "voice"), kind(0.01, 0.4), "open set: found at FPIR 1 % over rank 1, voice"),
        (("csm", "over_average"), [], "csm: associative over average"),
        (("csm", "table"), [], "csm: rows of the ablation that are missing"),
        (("csm", "counts", "tracklets"), 1999, "films and galleries: tracklets in the pooled gallery"),
        (("apes", "table"), [], "apes: rows of Tables 3 and 4 that are missing"),
        (("iqiyi", "table"), [], "iqiyi: rows of Table 3 that are missing"),
        (("spine", "voice_map"), 0.5, "HEARD: mAP, through the services"),
        (("identities", "undo_restores_bit_for_bit"), False, "identities: undo restores bit for bit"),
        (("iqiyi", "by_group"), {"skin": {}}, "groups: iqiyi: groupings without figures"),
    ],
)
def test_each_line_can_break(reports: dict[str, Any], path: tuple[str, ...], value: Any, name: str) -> None:
    place: Any = reports
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert name in failed(claims_of(reports, GALLERY))


def test_links_are_those_that_searches_follow_where_these_are_known(reports: dict[str, Any]) -> None:
    figures = {"uniform_of_links.links": around(0.5), "same_linked.links": around(0.9)}
    claims = claims_of(reports | {"served": {"figures": figures}}, GALLERY)
    told = {claim.name: claim.value for claim in claims if claim.line == "uniforms"}
    assert told["share of links that join two people in one uniform"] == 0.5
    assert told["share of pairs of two people in one uniform that are linked"] == 0.01
    assert told["share of one person's same-clothes pairs that are linked"] == 0.9


def test_figures_as_served_stand_in_place_of_the_protocols(reports: dict[str, Any]) -> None:
    figures = {
        "calibration_error.portrait": around(0.02),
        "calibration_error.text": around(0.09),
        "open_set_share.portrait": {"value": 0.9},
        "latency_ms": 3.0,
    }
    claims = claims_of(reports | {"served": {"figures": figures}}, GALLERY)
    names = [claim.name for claim in claims if claim.line in ("calibration", "open set")]
    assert names == [
        "calibration_error, portrait, as served",
        "calibration_error, text, as served",
        "open_set_share, portrait, as served",
    ]
    assert failed(claims) == ["calibration: calibration_error, text, as served"]


def test_faces_by_blur_and_yaw_stand_in_place_of_those_by_quality(reports: dict[str, Any]) -> None:
    falls = {"associative": {"blur": True, "yaw": False, "yaw, sharpness": False}}
    claims = claims_of(reports | {"faces": {"falls": falls}}, GALLERY)
    assert failed(claims) == ["csm: the face's weight falls with yaw"]


def test_places_in_reports() -> None:
    report = {"a": {"b": around(0.5), "c": 3}}
    assert figure_at(report, "a", "b") == {"value": 0.5, "low": 0.45, "high": 0.55}
    assert figure_at(report, "a", "c") == {"value": 3}
    assert figure_at(report, "a", "d", "e") == figure_at(None, "a") == {"value": None}
    assert part_at(report, "a", "c", "x") is None


def test_the_report_has_the_claims_on_top_and_every_page_below(reports: dict[str, Any], tmp_path: Path) -> None:
    reports["csm"]["map_all"]["gain"] = 0.1
    made = {name: (report, f"# Protocol `{name}`\n\n## Part\n") for name, report in reports.items()}
    claims = claims_of(reports, GALLERY)
    setting = {"pack": {"name": "demo", "version": "1", "digest": "d" * 64}}
    report = write_index(tmp_path, claims, made, GALLERY, setting)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert report["map_all"]["face_only"] == 0.6
    assert set(report["films"]) == {"a", "b"}
    assert report["requirements"]["csm: map_all.gain >= 0.15"] is False
    assert sum(not holds for holds in report["requirements"].values()) == 1
    page = (tmp_path / "report.md").read_text()
    assert page.startswith(
        "# The multimodality index\n\n20 films, 5 of which share one cast. Pack demo 1 (dddddddddddd)"
    )
    assert "**Does not hold: csm: map_all.gain >= 0.15.**" in page
    assert "| csm | map_all.gain | 0.100 | 0.150 to 0.250 |  | >= 0.15 | **no** |" in page
    assert "| HEARD | mAP, through the services | 0.650 | 0.600 to 0.700 | 0.030 | >= 0.6 | yes |" in page
    assert page.index("| csm |") < page.index("\n## Protocol `csm`") < page.index("\n### Part")
    assert "(index.svg)" in page
    assert (tmp_path / "index.svg").read_text().startswith("<svg")
    assert page == page_of_index(report, made)


def test_a_report_without_a_failure_says_so(reports: dict[str, Any]) -> None:
    claims = claims_of(reports, GALLERY)
    report = report_of_index(claims, {"csm": (reports["csm"], "")}, GALLERY, {})
    assert "**Everything that is asked holds.**" in page_of_index(report, {})
    assert claim_facts(claims[0]) == {
        "line": "films and galleries",
        "name": "films",
        "value": 20,
        "sign": ">=",
        "bound": 20,
        "low": None,
        "high": None,
        "chance": None,
        "note": "",
        "holds": True,
    }
