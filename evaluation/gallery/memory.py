"""What a measurement has learnt so far, on disk, so that a killed one goes on: answers, and how long ingest took.

Answers are kept apart by what made them: the videos of the gallery, the pack, and the sources of the product. A changed
product is asked anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evaluation.asking import TOP_K, Answer, Question
from evaluation.metrics.ranking import RankedHit

__all__ = ["AnswerMemory", "IngestMemory", "source_digest"]

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("packs", "personsearch", "services")


def source_digest(root: Path = ROOT, rooms: Iterable[str] = PRODUCT) -> str:
    """Digest of the product's Python sources, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for room in sorted(rooms):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class AnswerMemory:
    """Answers of one state of a gallery; each is a file, written whole or not at all.

    Args:
        folder: Where answers of all states lie.
        video_ids: The videos of the gallery.
        pack_digest: The pack that is asked with.
        source: Digest of the product's sources.
    """

    def __init__(self, folder: Path, video_ids: Iterable[str], pack_digest: str, source: str) -> None:
        made_by = json.dumps([sorted(video_ids), pack_digest, source, TOP_K])
        self.folder = folder / hashlib.sha256(made_by.encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, question: Question) -> Answer | None:
        """Return the answer to a question, None when it has not been asked."""
        path = self._path(question)
        if not path.exists():
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        hits = tuple(RankedHit(*hit) for hit in kept["hits"])
        return Answer(question, hits, kept["latency_s"], kept["degraded"], kept["refusal"])

    def put(self, answer: Answer) -> None:
        """Keep an answer."""
        facts = {
            "hits": [[hit.appearance_id, hit.score, hit.modality] for hit in answer.hits],
            "latency_s": answer.latency_s,
            "degraded": answer.degraded,
            "refusal": answer.refusal,
        }
        _write(self._path(answer.question), facts)

    def _path(self, question: Question) -> Path:
        asked = f"{question.kind} {question.expand} {question.file.identity} "
        name = hashlib.sha256(asked.encode() + question.file.path.read_bytes()).hexdigest()[:32]
        return self.folder / f"{name}.json"


class IngestMemory:
    """How long the ingest of each video took, where one run saw all of it, and by which sources it was made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._videos: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def wall_s(self, video_id: str) -> float | None:
        """Time that the ingest took; None when that is not known."""
        wall_s = self._videos.get(video_id, {}).get("wall_s")
        return None if wall_s is None else float(wall_s)

    def source(self, video_id: str) -> str | None:
        """Digest of the sources that it was ingested by; None when that is not known."""
        source = self._videos.get(video_id, {}).get("source")
        return None if source is None else str(source)

    def put(self, video_id: str, wall_s: float | None, source: str) -> None:
        """Keep what is known of an ingest."""
        self._videos[video_id] = {"wall_s": wall_s, "source": source}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _write(self._path, self._videos)


def _write(path: Path, value: object) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)
