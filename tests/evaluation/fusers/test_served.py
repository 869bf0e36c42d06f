"""The networks that are served: the measurement has them without being told, and judges as the product does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.fusers.fuser import Weighing
from evaluation.fusers.graphs import direct_of
from evaluation.fusers.trained import packed_fusers
from evaluation.protocols.running import Sources, run_protocol
from packs.fuser import FusionMethod
from packs.fusers import FUSERS_DIR, FuserPack
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.fusers import NetworkRepresenter
from services.backends.inference.local import LocalInferenceBackend
from services.fusion.embedded import Asked, EmbeddedCandidate, Held
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings

DEMO = Pack.load(Path(__file__).resolve().parents[3] / "packs" / "demo")
FOUND = FuserPack.load(FUSERS_DIR)
WEIGHING = Weighing.of(DEMO.calibration)
METHODS = (FusionMethod.ASSOCIATIVE, FusionMethod.ATTENTION)
DIMS = FOUND.fusers[FusionMethod.ASSOCIATIVE].card.dims


def people(count: int, seed: int, every: float = 0.7) -> Tracklets:
    """Three persons who look like themselves, each tracklet with some modalities."""
    rng = np.random.default_rng(seed)
    who = np.arange(count) % 3
    rows = {}
    for modality, dim in DIMS.items():
        own = np.random.default_rng([11, dim]).normal(size=(3, dim))
        vectors = own[who] + 0.8 * rng.normal(size=(count, dim))
        rows[modality] = ModalityRows.of(vectors, rng.random(count) < every, 0.2 + 0.8 * rng.random(count))
    starts = 10.0 * np.arange(count)
    return Tracklets.of(
        [f"t{seed}-{number}" for number in range(count)],
        ["m"] * count,
        [f"p{one}" for one in who],
        rows,
        spans_s=np.stack([starts, starts + 5.0], axis=1),
        speaker=0.5 + 0.5 * rng.random(count),
    )


def held(tracklets: Tracklets, row: int) -> list[tuple[Modality, np.ndarray, float]]:
    return [
        (modality, rows.vectors[row], float(rows.quality[row]))
        for modality, rows in tracklets.rows.items()
        if rows.present[row]
    ]


@pytest.mark.parametrize("method", METHODS)
def test_the_service_judges_as_it_is_measured(method: FusionMethod) -> None:
    measured = next(one for one in packed_fusers(WEIGHING, DEMO.digest) if one.name == FOUND.fusers[method].card.name)
    queries, gallery = people(6, 1, every=0.8), people(40, 2)
    # A query's voice is worth what was heard of it; that of a tracklet also how sure it is whose it is.
    queries = Tracklets.of(queries.ids, queries.movies, queries.identities, dict(queries.rows))
    expected = direct_of(measured, queries, gallery, tuple(DIMS))
    backend = LocalInferenceBackend(FOUND.pack, threads=1)
    # Nothing is bounded in the measurement.
    settings = FusionSettings(method=method, limit_log_odds=1000.0)
    network = {method: NetworkRepresenter(backend, FOUND.fusers[method])}
    handlers = FusionHandlers(DEMO.calibration, settings, network)
    candidates = [
        EmbeddedCandidate(tuple(Held(*one) for one in held(gallery, row)), float(gallery.speaker[row]))
        for row in range(len(gallery))
    ]
    compared = 0
    for row in range(len(queries)):
        asked = [Asked(*one) for one in held(queries, row)]
        fused = asyncio.run(handlers.fuse_embeddings(asked, candidates))
        for column, verdict in enumerate(fused):
            if verdict.method is method:
                compared += 1
                assert verdict.probability == pytest.approx(expected[row, column], abs=2e-3)
    assert compared > 100
    asyncio.run(backend.aclose())


def test_networks_of_other_embeddings_are_left_out() -> None:
    assert [one.name for one in packed_fusers(WEIGHING, DEMO.digest)] == ["associative", "MMA"]
    assert packed_fusers(WEIGHING, "f" * 64) == []
    assert packed_fusers(WEIGHING, None) == []


@pytest.mark.parametrize("digest", [DEMO.digest, "f" * 64])
def test_csm_has_their_columns_without_options(digest: str, tmp_path: Path) -> None:
    gallery = people(24, 3)
    portraits = people(3, 4, every=1.0)
    faces = {Modality.FACE: portraits.rows[Modality.FACE]}
    asked = Tracklets.of(["a", "b", "c"], ["m"] * 3, ["p0", "p1", "p2"], faces)
    facts = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": digest}}
    write_search(tmp_path / "kept.npz", CastSearch("made", gallery, asked), facts)
    sources = Sources(appearances=tmp_path / "kept.npz")
    run_protocol("csm", sources, lambda line: None, tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    networks = {"MMA", "associative"} if digest == DEMO.digest else set()
    # Beside the random ranking.
    assert {row["fuser"] for row in report["table"]} - {"-"} == {"late fusion", "average", *networks}
    assert set(report["face_weights"]) == networks
