"""The product in this process: it finds who is there, alone among strangers it is unsure, and its links hold."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.cli import app
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.served.answers import fit_answers
from evaluation.served.extra import page_of_served, report_of_served
from evaluation.served.kinds import FOLDS, asked_of, hits_of, kinds_of, served_kinds, strangers_of
from evaluation.served.links import link_probabilities, served_links
from evaluation.served.product import ServedGallery
from packs.calibration import Calibration
from packs.manifest import Pack
from packs.spec import Modality
from services.search.query import Task
from services.search.retrieved import QueryVector

Make = Callable[..., CastSearch]
FACE, BODY, VOICE = Modality.FACE, Modality.BODY, Modality.VOICE


@pytest.fixture(scope="module")
def pack() -> Pack:
    """The demo pack's, with calibrations for made-up vectors."""
    loaded = Pack.load(Path("packs/demo"))
    line = dict.fromkeys((FACE, BODY, VOICE), Calibration(slope=24.0, intercept=-12.0))
    return replace(loaded, manifest=loaded.manifest.model_copy(update={"calibration": line}))


@pytest.fixture(scope="module")
def search(made_search: Make) -> CastSearch:
    return made_search(people=5, each=8)


def test_a_portrait_finds_what_shows_no_face_too(search: CastSearch, pack: Pack) -> None:
    async def main() -> np.ndarray:
        gallery = await ServedGallery.of(search.tracklets, pack)
        vector = search.portraits.rows[FACE].vectors[0]
        return await gallery.ask([QueryVector(0, FACE, 1.0, vector)], Task.SEEN)

    scores = asyncio.run(main())
    own = np.array([name == search.portraits.identities[0] for name in search.tracklets.identities])
    hidden = own & ~search.tracklets.present(FACE)
    assert scores[own & search.tracklets.present(FACE)].min() > 0.5
    assert scores[hidden].mean() > 10 * scores[~own].mean()


def test_every_kind_is_measured_and_people_who_are_not_there_are_not_found(search: CastSearch, pack: Pack) -> None:
    told = asyncio.run(served_kinds(search, pack, lambda line: None))
    assert set(told) == {"portrait", "voice", "hit"}
    for figures in told.values():
        assert figures.mean_average_precision.value > 3 * figures.chance
        assert figures.calibration_error is not None
    report = report_of_served(told, None)
    assert report["figures"]["open_set_share.portrait"]["value"] == told["portrait"].open_set.share
    assert "| `map` | portrait |" in page_of_served(report)


def test_a_stranger_is_asked_for_in_a_gallery_without_their_people(search: CastSearch, pack: Pack) -> None:
    kinds = [kind for kind in kinds_of(search) if kind.name == "portrait"]
    asked = asyncio.run(asked_of(search.tracklets, pack, kinds, lambda line: None))["portrait"]
    assert (asked.strangers < asked.scores.max(axis=1)).all()
    assert len({name for name in search.portraits.identities if name}) >= FOLDS


def test_whom_a_hit_shows_besides_is_no_wrong_find(search: CastSearch) -> None:
    names = search.tracklets.identities
    other = next(name for name in names if name not in (None, names[0]))
    mixed = replace(search.tracklets, partly=(frozenset({other}), *search.tracklets.partly[1:]))
    kind = next(one for one in kinds_of(replace(search, tracklets=mixed)) if one.name == "hit")
    row = kind.queries.ids.index(mixed.ids[0])
    strange = strangers_of(kind, row)
    assert not any(strange[place] for place, name in enumerate(names) if name == other)
    assert all(strange[place] for place, name in enumerate(names) if name not in (other, names[0]))
    # Of a portrait whoever else is found is wrong.
    assert strangers_of(replace(kind, named=False), row).sum() > strange.sum()


def test_hits_are_spread_over_what_a_person_has(search: CastSearch) -> None:
    hits = hits_of(search.tracklets)
    first = [one for one, name in zip(hits.ids, hits.identities, strict=True) if name == hits.identities[0]]
    assert len(first) == 2
    assert set(hits.ids) <= set(search.tracklets.ids)


def test_links_are_those_that_searches_follow(search: CastSearch, pack: Pack) -> None:
    worn = tuple(f"{movie}/{name}" if name else "" for movie, name in _named(search.tracklets))
    tracklets = replace(search.tracklets, outfits=worn)

    async def main() -> tuple[np.ndarray, object]:
        gallery = await ServedGallery.of(tracklets, pack)
        return await link_probabilities(gallery), await served_links(gallery)

    said, figures = asyncio.run(main())
    assert said == pytest.approx(said.T)
    people = np.array([name or "" for name in tracklets.identities])
    known = people != ""
    linked = (said >= 0.8) & known[:, None] & known[None, :]
    assert (people[:, None] == people[None, :])[linked].mean() > 0.8
    assert figures is not None


def test_maps_are_fitted_for_every_kind_and_task(search: CastSearch, pack: Pack) -> None:
    fitted = asyncio.run(fit_answers(search, pack, lambda line: None, every=2))
    assert {"seen.portrait", "seen.hit", "seen.voice"} <= set(fitted)
    for one in fitted.values():
        assert one.after[0] <= one.before[0] + 0.05


def test_the_command_writes_the_maps(
    search: CastSearch, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.served.answers.Pack.load", lambda path: pack)
    write_search(tmp_path / "kept.npz", search, {"films": {}, "pack": {}})
    kept, out = tmp_path / "kept.npz", tmp_path / "out.json"
    done = CliRunner().invoke(app, ["answers", "--appearances", str(kept), "--json", str(out), "--every", "4"])
    assert done.exit_code == 0, done.output
    assert '"seen.portrait"' in out.read_text()


def test_descriptions_are_of_a_person_in_some_clothes(search: CastSearch) -> None:
    tracklets = search.tracklets
    rows = dict(tracklets.rows) | {Modality.TEXT: ModalityRows.of(np.eye(len(tracklets), 8) + 0.1)}
    worn = tuple(f"{movie}/coat" if name else "" for movie, name in _named(tracklets))
    who = tracklets.identities[0]
    texts = Tracklets.of(["t"], ["f1"], [who], {Modality.TEXT: ModalityRows.of(np.eye(1, 8))}, outfits=[f"{who}/coat"])
    dressed = replace(search, tracklets=replace(tracklets, rows=rows, outfits=worn), texts=texts)
    kind = next(kind for kind in kinds_of(dressed) if kind.name == "text")
    assert kind.wanted == (f"{who}/coat",)
    assert kind.tracklets.identities[0] == f"{who}/coat"


def _named(tracklets: Tracklets) -> list[tuple[str, str | None]]:
    return list(zip(tracklets.movies, tracklets.identities, strict=True))
