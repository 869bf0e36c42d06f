"""APES with AVA-ActiveSpeaker: whom each face track shows, and when it is heard.

Files (methods.md 3.3)::

    APES-{split}.csv                    header; entity_id, video_id, identity
    ava_activespeaker_{split}.csv       video_id, frame_timestamp, entity_box (4), label, entity_id
                                        (the published code's has three more: entity_id, label_id, instance_id)
    faces/{entity_id}/{timestamp}.jpg, audio/{entity_id}.wav

The last `_` of an APES entity id is a `:` in AVA. `EXTRA_OR_AMBIGUOUS` is nobody and left out. Who is heard: a row
labelled SPEAKING_AUDIBLE, or 1. Identities are not shared between videos, so a person's name has the video's before
it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.datasets.errors import DataError, needed_csv
from evaluation.datasets.references import Reference, References
from packs.spec import Modality

__all__ = ["is_apes", "load_apes"]

AMBIGUOUS = "EXTRA_OR_AMBIGUOUS"
HEARD = ("SPEAKING_AUDIBLE", "1")
LABELS = ("NOT_SPEAKING", "SPEAKING_AUDIBLE", "SPEAKING_NOT_AUDIBLE", "0", "1", "2")
AVA_COLUMNS = 8


@dataclass(slots=True)
class _Track:
    times: list[str] = field(default_factory=list)
    heard: bool = False


def is_apes(data: Path, split: str = "val") -> bool:
    """Whether a folder has this layout."""
    return (data / f"APES-{split}.csv").is_file()


def load_apes(data: Path, split: str = "val") -> References:
    """Read a split. Raises DataError."""
    path = data / f"APES-{split}.csv"
    tracks = _tracks(data / f"ava_activespeaker_{split}.csv")
    found: list[Reference] = []
    for number, row in enumerate(needed_csv(path)[1:], start=2):
        if len(row) != 3:
            raise DataError(path, f"line {number} has {len(row)} columns, expected entity_id, video_id, identity")
        entity, video, identity = row[0][::-1].replace("_", ":", 1)[::-1], row[1], row[2]
        if identity == AMBIGUOUS:
            continue
        track = tracks.get((video, entity))
        if track is None:
            raise DataError(path, f"line {number}: {entity} of {video} is not in the active-speaker file")
        found.append(_reference(data, entity, video, identity, track))
    if not found:
        raise DataError(path, "names nobody")
    return References(f"APES {split}", tuple(found))


def _reference(data: Path, entity: str, video: str, identity: str, track: _Track) -> Reference:
    times = sorted(track.times, key=float)
    media = {Modality.FACE: tuple(data / "faces" / entity / f"{time}.jpg" for time in times)}
    if track.heard:
        media[Modality.VOICE] = (data / "audio" / f"{entity}.wav",)
    span_s = (float(times[0]), float(times[-1]))
    return Reference(entity, video, f"{video}/{identity}", media, span_s=span_s, speaks=track.heard)


def _tracks(path: Path) -> dict[tuple[str, str], _Track]:
    tracks: dict[tuple[str, str], _Track] = {}
    for number, (video, time, label, entity) in _rows(path):
        if label not in LABELS:
            raise DataError(path, f"line {number} has the label {label!r}, expected one of {', '.join(LABELS)}")
        try:
            float(time)
        except ValueError:
            raise DataError(path, f"line {number} has the time {time!r}, expected seconds") from None
        track = tracks.setdefault((video, entity), _Track())
        track.times.append(time)
        track.heard = track.heard or label in HEARD
    if not tracks:
        raise DataError(path, "has no rows")
    return tracks


def _rows(path: Path) -> Iterable[tuple[int, tuple[str, str, str, str]]]:
    for number, row in enumerate(needed_csv(path), start=1):
        if row[0] == "video_id":
            continue
        if len(row) < AVA_COLUMNS:
            raise DataError(path, f"line {number} has {len(row)} columns, expected at least {AVA_COLUMNS}")
        # The published code's file ends in entity_id, label_id, instance_id; AVA's own in label, entity_id.
        label, entity = (row[-2], row[-3]) if len(row) > AVA_COLUMNS else (row[-2], row[-1])
        yield number, (row[0], row[1], label, entity)
