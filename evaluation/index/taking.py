"""What needs a running stack: films are taken in, asked for and read back once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.datasets.errors import DataError
from evaluation.datasets.gathering import client_of, gathered
from evaluation.datasets.store import read_search, write_search
from evaluation.encoders.figures import EncoderFigures
from evaluation.encoders.measure import measure_encoders
from evaluation.gallery.memory import IngestMemory
from evaluation.gallery.work import GALLERY, Bar, answer_memory, ask_all, forget, ingest_all
from evaluation.protocols.spine import SpineResult, evaluate_spine
from evaluation.report import report_of_spine, setting_of
from evaluation.stack import Stack
from evaluation.truth import Film
from packs.manifest import Pack

__all__ = ["Taken", "take_in"]


@dataclass(frozen=True, slots=True)
class Taken:
    """The gallery as it answers.

    Attributes:
        spine: Of the protocol `spine`: its questions, asked through the services.
        report: Its report.
        setting: Pack, inference, machine and packages.
        pack: That was served.
    """

    spine: SpineResult
    report: dict[str, Any]
    setting: dict[str, Any]
    pack: Pack


async def take_in(
    films: Sequence[Film],
    stack: Stack,
    out: Path,
    bar: Bar,
    say: Callable[[str], None],
    *,
    encoders: bool,
    again: bool,
) -> Taken:
    """Ingest what is not there, ask what was not asked, and keep the read-back in OUT/appearances.npz."""
    pack = Pack.load(stack.settings.pack)
    answers_folder, kept = out / "answers", out / "appearances.npz"
    async with client_of(stack) as client:
        if again:
            await forget(client)
            kept.unlink(missing_ok=True)
        memory = IngestMemory(answers_folder / "ingest.json")
        ingested, appearances = await ingest_all(client, films, memory, bar, say)
        made_of = {"pack": pack.digest, "appearances": _numbers(appearances)}
        if not _is_of(kept, made_of):
            say("reading back")
            search, facts = await gathered(ingested, client, stack, GALLERY)
            write_search(kept, search, facts | {"read_back": made_of})
        say("asking for everybody")
        answers = await ask_all(client, films, answer_memory(answers_folder, ingested, pack.digest), bar)
    figures: dict[str, EncoderFigures] = {}
    if encoders:
        figures = await measure_encoders(films, pack, answers_folder / "embeddings", say)
    result = evaluate_spine(ingested, appearances, answers, figures)
    setting = dict(setting_of(pack, stack.endpoints.inference))
    return Taken(result, report_of_spine(result, setting), setting, pack)


def _is_of(kept: Path, made_of: dict[str, Any]) -> bool:
    try:
        return bool(read_search(kept)[1].get("read_back") == made_of)
    except DataError:
        return False


def _numbers(appearances: Any) -> dict[str, int]:
    """How many appearances each video has: a video that was taken in anew has a new id."""
    return {video: len(rows) for video, rows in sorted(appearances.items())}
