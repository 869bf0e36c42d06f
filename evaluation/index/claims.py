"""What is asked of the index, line by line, and whether it holds: figures of reports against their bounds.

A claim is made of the reports of the steps alone, so it can be made again of a kept result file. What was not measured
does not hold. What other commands measure is listed with where, and holds neither way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.ceiling.report import share_of
from evaluation.index.claim import Claim, figure_at, part_at

__all__ = ["claims_of"]

Report = Mapping[str, Any]
Reports = Mapping[str, Report]

STEPS = ("face", "+ head", "+ voice", "+ body")
FUSERS = ("average", "MMA", "associative")
SAMPLINGS = ("Weak", "Within", "Across")
NAMED = ("+ ensemble", "+ NetVLAD", "+ MMA")
# What the face's weight must fall with; further ways to look at it are told.
FALLING = ("blur", "yaw")
GROUPS = ("apparent_age", "skin", "sex")
READS = {"attributes": "a perfect reader", "and_uniforms": "a perfect reader told of uniforms"}
ELSEWHERE = (
    ("reference test vectors and the six properties", "the fast tests"),
    ("cost on Milvus Standalone", "benchmarks/"),
    ("Redis emptied and stopped in the middle of a query load", "tests/e2e/"),
)


def claims_of(reports: Reports, gallery: Mapping[str, int]) -> list[Claim]:
    """All claims, in the order of the requirements.

    Args:
        reports: By the names of the steps: `csm`, `apes`, `iqiyi`, `identities`, `spine`, and of extras.
        gallery: `films` and `sharing`: how many films there are, and how many of them share one cast.
    """
    parts = (_gallery(reports, gallery), _csm(reports), _tables(reports), _hidden(reports), _sureness(reports))
    claims = [claim for part in parts for claim in part]
    claims += [*_identities(reports), *_by_group(reports)]
    return claims + [Claim(line, "measured elsewhere", None, note=where) for line, where in ELSEWHERE]


def _gallery(reports: Reports, gallery: Mapping[str, int]) -> list[Claim]:
    line = "films and galleries"
    tracklets = figure_at(reports.get("csm"), "counts", "tracklets")["value"]
    return [
        Claim(line, "films", gallery.get("films"), ">=", 20),
        Claim(line, "films that share one cast", gallery.get("sharing"), ">=", 5),
        Claim(line, "tracklets in the pooled gallery", tracklets, ">=", 2000),
    ]


def _csm(reports: Reports) -> list[Claim]:
    line, report = "csm", reports.get("csm", {})
    chance = figure_at(report, "map_all", "chance")["value"]
    table = report.get("table", [])
    told = {(row["step"], row["fuser"], row["way"]) for row in table}
    ways = ("none", figure_at(report, "full", "way")["value"])
    wanted = {(step, fuser, way) for step in STEPS for fuser in FUSERS for way in ways}
    claims = [Claim(line, "rows of the ablation that are missing", _missing(wanted, told, report), "<=", 0)]
    for name, sign, bound in (("face_only", None, None), ("full", None, None), ("gain", ">=", 0.15)):
        interval = figure_at(report, "intervals", f"map_all.{name}")
        value = figure_at(report, "map_all", name)["value"]
        blind = None if name == "gain" else chance
        claims.append(
            Claim(line, f"map_all.{name}", **interval | {"value": value}, sign=sign, bound=bound, chance=blind)
        )
    films = report.get("films")
    short = None if films is None else sum(bool(one["falls_short"]) for one in films.values())
    claims.append(Claim(line, "films that fall below face only by more than the interval", short, "<=", 0))
    return [*claims, *_over_average(line, report), *_face_weights(line, reports)]


def _over_average(line: str, report: Report) -> list[Claim]:
    whole = figure_at(report, "full", "way")["value"]
    found = [one for one in report.get("over_average", []) if one["fuser"] == "associative"]
    claims = [
        Claim(
            line,
            f"associative over average, {one['way']}",
            **figure_at(one),
            sign=">" if one["way"] == whole else None,
            bound=0.0 if one["way"] == whole else None,
        )
        for one in found
    ]
    return claims or [Claim(line, "associative over average", None, ">", 0.0)]


def _face_weights(line: str, reports: Reports) -> list[Claim]:
    """By blur and yaw where that was measured, else by the quality of the face."""
    falls = reports.get("faces", {}).get("falls", {}).get("associative")
    if falls is not None:
        asked = {kind: (">=", 1) if kind in FALLING else (None, None) for kind in falls}
        return [
            Claim(line, f"the face's weight falls with {kind}", int(fell), *asked[kind]) for kind, fell in falls.items()
        ]
    parts = reports.get("csm", {}).get("face_weights", {}).get("associative") or []
    fall = parts[-1]["weight"] - parts[0]["weight"] if parts else None
    return [Claim(line, "the face's weight, clearest fifth less the least clear", fall, ">", 0.0, note="by quality")]


def _tables(reports: Reports) -> list[Claim]:
    apes, iqiyi = reports.get("apes", {}), reports.get("iqiyi", {})
    heard = {(model, one) for model in ("face", "voice", "cross-modal") for one in SAMPLINGS} | {("random", "-")}
    wanted = {("seen and heard", *one) for one in heard}
    wanted |= {("seen", "face", one) for one in SAMPLINGS} | {("seen", "random", "-")}
    told = {(row["task"], row["model"], row["sampling"]) for row in apes.get("table", [])}
    claims = [Claim("apes", "rows of Tables 3 and 4 that are missing", _missing(wanted, told, apes), "<=", 0)]
    blind = {row["task"]: row["map"] for row in apes.get("table", []) if row["model"] == "random"}
    for row in apes.get("table", []):
        if row["model"] != "random" and (row["task"], row["model"], row["sampling"]) in wanted:
            name = f"{row['task']}: {row['model']}, {row['sampling']}, mAP"
            interval = figure_at(row["intervals"], "map") | {"value": row["map"]}
            claims.append(Claim("apes", name, **interval, chance=blind[row["task"]]))
    rows = iqiyi.get("table", [])
    missing = _missing(set(NAMED), {row["name"] for row in rows}, iqiyi)
    claims.append(Claim("iqiyi", "rows of Table 3 that are missing", missing, "<=", 0))
    chance = next((row["map"] for row in rows if row["name"] == "random"), None)
    return claims + [
        Claim(
            "iqiyi", f"{row['name']}, {row['fuser']}, MAP@100", row["map"], None, None, row["low"], row["high"], chance
        )
        for row in rows
        if row["name"] in NAMED
    ]


def _hidden(reports: Reports) -> list[Claim]:
    csm, spine = reports.get("csm", {}), reports.get("spine", {})
    claims = []
    for name in ("r_precision", "recall_at_50"):
        chance = figure_at(csm, "faceless", "chance", name)["value"]
        figure = figure_at(csm, "faceless", name) | {"chance": chance}
        claims.append(Claim("no visible face", name, **figure, sign=">=", bound=0.5))
    heard = figure_at(csm, "kinds", "voice", "map") | {"chance": figure_at(csm, "kinds", "voice", "chance")["value"]}
    claims.append(Claim("HEARD", "mAP, whole system", **heard, sign=">=", bound=0.6))
    served = figure_at(spine, "intervals", "voice_map") | figure_at(spine, "voice_map")
    served["chance"] = figure_at(spine, "chance", "voice_map")["value"]
    claims.append(Claim("HEARD", "mAP, through the services", **served, sign=">=", bound=0.6))
    return [*claims, *_uniforms(csm, reports.get("served", {}).get("figures", {}))]


def _uniforms(csm: Report, served: Mapping[str, Any]) -> list[Claim]:
    """Read both ways, of all links and of all pairs in one uniform; as searches follow links, where that is known."""
    asked = (
        ("uniform_of_links", "share of links that join two people in one uniform", "<=", 0.02),
        ("uniform_linked", "share of pairs of two people in one uniform that are linked", "<=", 0.02),
        ("same_linked", "share of one person's same-clothes pairs that are linked", ">=", 0.6),
    )
    claims = []
    for key, name, sign, bound in asked:
        links = f"{key}.links"
        figure = figure_at(served, links) if links in served else figure_at(csm, "body_links", key)
        claims.append(Claim("uniforms", name, **figure, sign=sign, bound=bound))
    return claims


def _sureness(reports: Reports) -> list[Claim]:
    """Of each query kind: as the product serves it where that was measured, else by the protocol."""
    figures = reports.get("served", {}).get("figures", {})
    if figures:
        return _served(figures, reports.get("ceiling"))
    kinds = reports.get("csm", {}).get("kinds_as_served", {})
    claims = []
    for kind in kinds or ("portrait", "voice"):
        told = kinds.get(kind)
        error = figure_at(told, "intervals", "calibration_error") | figure_at(told, "calibration_error")
        claims.append(Claim("calibration", f"error, {kind}", **error, sign="<=", bound=0.05))
        found = figure_at(told, "open_set", "share")
        low, high = figure_at(told, "open_set", "share_interval")["value"] or (None, None)
        claims.append(Claim("open set", f"found at FPIR 1 % over rank 1, {kind}", found["value"], ">=", 0.5, low, high))
    return claims


def _served(figures: Mapping[str, Any], ceiling: Report | None) -> list[Claim]:
    claims = []
    lines = {
        "calibration_error": ("calibration", "<=", 0.05),
        "calibration_error_likely": ("calibration", None, None),
        "open_set_share": ("open set", ">=", 0.5),
        "map": ("query kinds", None, None),
    }
    for name in sorted(figures):
        measure, _, kind = name.partition(".")
        if measure in lines:
            line, sign, bound = lines[measure]
            figure = figure_at(figures, name) if isinstance(figures[name], Mapping) else {"value": figures[name]}
            claims.append(Claim(line, f"{measure}, {kind}, as served", **figure, sign=sign, bound=bound))
            if name == "open_set_share.text":
                claims += _ceiling(ceiling)
    return claims


def _ceiling(report: Report | None) -> list[Claim]:
    """Beside what is asked of descriptions, what somebody would get who sees everything; nothing is asked of that."""
    shares = {
        f"text, {reads}, FPIR {float(allowed):.0%}": share_of(report, reader, allowed)
        for reader, reads in READS.items()
        for allowed in ("0.01", "0.05")
    }
    note = "for comparison: section on a perfect reader"
    return [Claim("open set", name, **share, note=note) for name, share in shares.items() if share is not None]


def _identities(reports: Reports) -> list[Claim]:
    line, report = "identities", reports.get("identities", {})
    claims = []
    for name in ("pairwise", "b_cubed"):
        for when in ("before", "after"):
            told = figure_at(report, "together", "all", when, name, "interval")
            told["value"] = figure_at(report, "together", "all", when, name, "f1")["value"]
            told["chance"] = figure_at(report, "together", "all", when, name, "chance_f1")["value"]
            claims.append(Claim(line, f"{name} F1, all films, {when} corrections", **told))
    for key in ("higher_on_every_film", "undo_restores_bit_for_bit"):
        value = report.get(key)
        claims.append(Claim(line, key.replace("_", " "), None if value is None else int(value), ">=", 1))
    return claims


def _by_group(reports: Reports) -> list[Claim]:
    places = {
        "csm, portraits": ("csm", "by_group", "portrait"),
        "csm, voices": ("csm", "by_group", "voice"),
        "apes": ("apes", "by_group", "seen", "groups"),
        "iqiyi": ("iqiyi", "by_group"),
        "identities": ("identities", "by_group", "b_cubed_f1"),
        "spine, portraits": ("spine", "by_group", "portrait_map_all"),
        "spine, voices": ("spine", "by_group", "voice_map"),
    }
    found = {name: part_at(reports, *place) for name, place in places.items()}
    return [
        Claim("groups", f"{name}: groupings without figures", _missing(set(GROUPS), set(one or ()), one), "<=", 0)
        for name, one in found.items()
    ]


def _missing(wanted: set[Any], told: set[Any], report: Any) -> int | None:
    """How many of the wanted are not told; None without a report."""
    return len(wanted - told) if report else None
