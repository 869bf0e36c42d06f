"""Runs the protocols `csm`, `apes` and `iqiyi`: from films, a kept read-back or a data set to a report."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.datasets.apes import is_apes, load_apes
from evaluation.datasets.errors import DataError
from evaluation.datasets.gathering import gather, stack_of
from evaluation.datasets.iqiyi import is_iqiyi, load_iqiyi
from evaluation.datasets.ppcc import is_ppcc
from evaluation.datasets.references import References, attach, not_embedded
from evaluation.datasets.store import read_search, write_search
from evaluation.datasets.synthcast import truths_of
from evaluation.datasets.tracklets import CastSearch
from evaluation.datasets.wider import is_wider, load_wider, with_voices
from evaluation.fusers.average import AverageFuser
from evaluation.fusers.fuser import Fuser, Weighing
from evaluation.fusers.product import ProductFuser
from evaluation.fusers.trained import packed_fusers, trained_fuser
from evaluation.protocols.apes.report import page_of_apes, plots_of_apes, report_of_apes
from evaluation.protocols.apes.samplings import PACK, Sampling, SamplingMaps, committed_samplings, read_sampling
from evaluation.protocols.apes.table import run_apes
from evaluation.protocols.csm.affinities import page_of_affinities, report_of_affinities, run_affinities
from evaluation.protocols.csm.report import page_of_csm, plots_of_csm, report_of_csm
from evaluation.protocols.csm.table import run_csm
from evaluation.protocols.iqiyi.networks import read_clip_network
from evaluation.protocols.iqiyi.report import page_of_iqiyi, plots_of_iqiyi, report_of_iqiyi
from evaluation.protocols.iqiyi.split import split_cast
from evaluation.protocols.iqiyi.table import run_iqiyi
from evaluation.truth import load_film
from packs.manifest import Pack
from services.fusion.fusing import Aspect
from services.runtime.settings import StackSettings

__all__ = ["PROTOCOLS", "Sources", "run_protocol"]

PROTOCOLS = ("csm", "apes", "iqiyi")
Say = Callable[[str], None]
# Of a report: captions and files of plots in a folder.
Draw = Callable[[Mapping[str, Any], Path], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a protocol runs on.

    Attributes:
        films: Folders of SynthCast films; empty with `data`.
        data: Folder of a published data set.
        appearances: Where the read-back of the films is kept: read where it is there, else written.
        state: Folder of a kept stack whose gallery the films are in, or go into.
        fusers: ONNX files of networks that fuse; rows of every table are made of each. Without any, those that are
            served with the pack of the embeddings.
        samplings: Trainings for `apes`, as `python -m training samplings` writes them; without any those of the
            repository, where they learned from the embeddings of the same pack.
        networks: ONNX files of networks that name clips, for `iqiyi`, as `python -m training clips` writes them.
        embeddings: Made by somebody for a data set without any; several are several trainings, for `apes`.
    """

    films: Sequence[Path] = ()
    data: Path | None = None
    appearances: Path | None = None
    state: Path | None = None
    embeddings: Sequence[Path] = ()
    fusers: Sequence[Path] = ()
    samplings: Sequence[Path] = ()
    networks: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class _Made:
    report: dict[str, Any]
    page: Callable[[Mapping[str, Any], Mapping[str, str] | None], str]
    draw: Draw | None


def run_protocol(
    protocol: str,
    sources: Sources,
    say: Say,
    json_path: Path,
    markdown_path: Path | None = None,
    plots: Path | None = None,
) -> str:
    """Run a protocol, write what is asked for and return the page.

    Raises:
        DataError: If somebody's files are not what they should be.
        PackError: If a network that fuses is not, or fuses embeddings of another pack.
        ValueError: If there is nothing to be measured.
    """
    made = _made(protocol, sources, say)
    pictures: dict[str, str] = {}
    if plots is not None and made.draw is not None:
        start = markdown_path.parent if markdown_path else plots
        pictures = {
            caption: os.path.relpath(plots / name, start) for caption, name in made.draw(made.report, plots).items()
        }
    page = made.page(made.report, pictures)
    for path, text in ((json_path, json.dumps(made.report, indent=2) + "\n"), (markdown_path, page)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return page


def _made(protocol: str, sources: Sources, say: Say) -> _Made:
    if protocol == "csm" and sources.data is not None and is_ppcc(sources.data):
        return _Made(
            report_of_affinities(run_affinities(sources.data, say), sources.data),
            lambda report, _: page_of_affinities(report),
            None,
        )
    weighing, setting = _weighing(say)
    fusers: list[Fuser] = [ProductFuser(weighing), AverageFuser(weighing)]
    if protocol == "csm":
        search, facts = _cast_search(sources, say)
        fusers += _trained(sources, weighing, facts)
        result = run_csm(search, fusers, ProductFuser(weighing, Aspect.HEARD), say)
        return _Made(report_of_csm(result, setting | facts), page_of_csm, plots_of_csm)
    if protocol == "apes":
        name, samplings, attributes, facts = _samplings(sources, say)
        both: list[Fuser] = [ProductFuser(weighing, Aspect.SEEN_AND_HEARD), AverageFuser(weighing)]
        asked = run_apes(name, samplings, [*both, *_trained(sources, weighing, facts)], say)
        return _Made(report_of_apes(asked, setting | facts, attributes), page_of_apes, plots_of_apes)
    if sources.data is not None:
        if not is_iqiyi(sources.data):
            raise DataError(
                sources.data, "has no train_gt.txt beside val_gt.txt, expected the layout of iQIYI-VID 2019"
            )
        clips, attributes, facts = load_iqiyi(sources.data), {}, {}
    else:
        search, facts = _cast_search(sources, say)
        clips, attributes = split_cast(search), dict(search.attributes)
    fusers += _trained(sources, weighing, facts)
    named = run_iqiyi(clips, fusers, [read_clip_network(path) for path in sources.networks], say)
    return _Made(report_of_iqiyi(named, attributes, setting | facts), page_of_iqiyi, plots_of_iqiyi)


def _trained(sources: Sources, weighing: Weighing, facts: Mapping[str, Any]) -> list[Fuser]:
    """Networks that fuse, those that are served where none is given; those of another pack's embeddings are refused."""
    pack = facts.get("pack", {}).get("digest")
    return [trained_fuser(path, weighing, pack) for path in sources.fusers] or list(packed_fusers(weighing, pack))


def _weighing(say: Say) -> tuple[Weighing, dict[str, Any]]:
    """The active pack's calibrations, which also weigh the embeddings of data sets, for want of better."""
    pack = Pack.load(StackSettings().pack)
    told = {"name": pack.name, "version": pack.version, "digest": pack.digest}
    say(f"calibrations of the pack {pack.name} {pack.version} ({pack.digest[:12]})")
    return Weighing.of(pack.calibration), {"calibration_of": told}


def _cast_search(sources: Sources, say: Say) -> tuple[CastSearch, dict[str, Any]]:
    if sources.data is not None:
        references = _csm_references(sources.data)
        if not sources.embeddings:
            raise not_embedded(references, sources.data)
        tracklets, portraits = (
            attach(part, sources.embeddings[0]) for part in (references.tracklets, references.queries)
        )
        return CastSearch(references.name, tracklets, portraits), {}
    return _of_films(sources, say)


def _csm_references(data: Path) -> References:
    if not is_wider(data):
        raise DataError(
            data, "has neither `meta` and `affinity` (CSM as PPCC has it) nor val.json (WIDER Person Search)"
        )
    references = load_wider(data)
    return with_voices(references, data) if (data / "voices.json").is_file() else references


def _samplings(
    sources: Sources, say: Say
) -> tuple[str, dict[str, Sampling], Mapping[str, Mapping[str, Any]], dict[str, Any]]:
    if sources.data is None:
        search, facts = _of_films(sources, say)
        trained = _trainings(sources, facts, say)
        made = {PACK: Sampling(search.tracklets)} | {one.name: one.embed(search.tracklets) for one in trained}
        told = {"samplings": [{"name": one.name, "films": list(one.films), **one.recipe} for one in trained]}
        return search.name, made, search.attributes, facts | told
    if not is_apes(sources.data):
        raise DataError(sources.data, "has no APES-val.csv, expected the files of APES and AVA-ActiveSpeaker")
    references = load_apes(sources.data)
    if not sources.embeddings:
        raise not_embedded(references, sources.data)
    attached = {path.stem.capitalize(): attach(references.tracklets, path) for path in sources.embeddings}
    return references.name, {name: Sampling(one) for name, one in attached.items()}, {}, {}


def _trainings(sources: Sources, facts: Mapping[str, Any], say: Say) -> list[SamplingMaps]:
    digest = facts["pack"]["digest"]
    if not sources.samplings:
        found = committed_samplings(digest)
        if not found:
            say(f"no training by Weak, Within and Across is of the pack {digest[:12]}: `python -m training samplings`")
        return found
    chosen = [read_sampling(path) for path in sources.samplings]
    for path, one in zip(sources.samplings, chosen, strict=True):
        if one.pack != digest:
            raise DataError(path, f"learned from embeddings of the pack {one.pack[:12]}, these are of {digest[:12]}")
    return chosen


def _of_films(sources: Sources, say: Say) -> tuple[CastSearch, dict[str, Any]]:
    kept = sources.appearances
    if kept is not None and kept.exists():
        search, facts = read_search(kept)
        asked = truths_of(sources.films)
        if asked and asked != facts["films"]:
            raise DataError(kept, f"holds other films than {sorted(asked)}: give another file, or delete it")
        made_by = facts["pack"]
        say(f"using {', '.join(facts['films'])} of {kept}, by the pack {made_by['version']} ({made_by['digest'][:12]})")
        return search, facts
    films = [load_film(folder) for folder in sources.films]
    if not films:
        raise ValueError("nothing to measure: give --films, --data, or --appearances with a file that is there")
    with stack_of(sources.state, say) as stack:
        search, facts = asyncio.run(gather(films, stack, say, keep=sources.state is not None))
    if kept is not None:
        write_search(kept, search, facts)
    return search, facts
