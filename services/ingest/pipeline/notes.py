"""What was heard in a film, kept until its speakers are known: a kill loses none of it, and memory holds none.

Each commit of an ingest writes one note, before the video's row moves. A note is named by the frame at which its
stretch of film begins, and says where the next one begins, so the notes from frame 0 to the checkpoint are a chain. An
ingest that goes on from a checkpoint writes the notes behind it anew.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, AnyArray
from packs.spec import Modality
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Video
from services.ingest.identifiers import notes_key, notes_prefix
from services.ingest.pipeline.shot_speech import Piece, Player, ShotSpeech

__all__ = ["LostNotesError", "Notes", "NotesStore"]


class LostNotesError(RuntimeError):
    """A note is not there though the checkpoint lies behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """Of a stretch of film: how many people were written, and the speech of each of its shots that has any."""

    tracklet_count: int
    shots: tuple[ShotSpeech, ...]


class NotesStore:
    """Keeps notes beside a video's media."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media

    async def write(self, video: Video, next_frame: int, notes: Notes) -> None:
        """Write the note of the stretch that begins at the video's checkpoint and ends before `next_frame`."""
        key = notes_key(video.gallery, video.video_id, video.generation, video.committed_frame)
        await self._media.put(key, _packed(next_frame, notes))

    async def read(self, video: Video) -> Notes:
        """Read all notes up to the video's checkpoint as one.

        Raises:
            LostNotesError: If one is missing.
        """
        frame, count = 0, 0
        shots: list[ShotSpeech] = []
        while frame < video.committed_frame:
            content = await self._media.get(notes_key(video.gallery, video.video_id, video.generation, frame))
            if content is None:
                raise LostNotesError(f"the note of frame {frame} is not there; delete the video and ingest it again")
            frame, notes = _unpacked(content)
            count += notes.tracklet_count
            shots += notes.shots
        return Notes(count, tuple(shots))

    async def forget(self, video: Video) -> None:
        """Delete the notes of a video."""
        await self._media.delete_prefix(notes_prefix(video.gallery, video.video_id))


def _packed(next_frame: int, notes: Notes) -> bytes:
    """A note as a file of arrays; `shape` has a row for each shot: its frame, N pieces, P people, K numbers."""
    shots = notes.shots
    pieces = [piece for shot in shots for piece in shot.pieces]
    players = [player for shot in shots for player in shot.players]
    arrays: dict[str, AnyArray] = {
        "head": np.array([next_frame, notes.tracklet_count], np.int64),
        "shape": np.array([[one.start_frame, *one.evidence.shape] for one in shots], np.int64).reshape(-1, 4),
        "evidence": _flat([shot.evidence for shot in shots]),
        "present": _flat([shot.present for shot in shots]),
        "said": np.array([[one.start_s, one.end_s] for one in pieces], np.float64).reshape(-1, 2),
        "voices": _stacked([one.voice for one in pieces]),
        "seen": np.array([[one.start_s, one.end_s] for one in players], np.float64).reshape(-1, 2),
    }
    for modality in Modality:
        with_look = [(place, one.looks[modality]) for place, one in enumerate(players) if modality in one.looks]
        if with_look:
            arrays[f"{modality}.who"] = np.array([place for place, _ in with_look], np.int64)
            arrays[f"{modality}.looks"] = _stacked([look for _, look in with_look])
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def _unpacked(content: bytes) -> tuple[int, Notes]:
    """The frame at which the next note begins, and the note."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = dict(stored)
    said, seen = arrays["said"].tolist(), arrays["seen"].tolist()
    pieces = [Piece(start_s, end_s, voice) for (start_s, end_s), voice in zip(said, arrays["voices"], strict=True)]
    looks = _looks(arrays, len(seen))
    players = [Player(start_s, end_s, look) for (start_s, end_s), look in zip(seen, looks, strict=True)]
    evidence, present = arrays["evidence"], arrays["present"]
    shots = []
    for frame, n, p, k in arrays["shape"].tolist():
        mine, evidence = evidence[: n * p * k].reshape(n, p, k), evidence[n * p * k :]
        here, present = present[: n * p].reshape(n, p), present[n * p :]
        shots.append(ShotSpeech(frame, tuple(pieces[:n]), tuple(players[:p]), mine, here))
        pieces, players = pieces[n:], players[p:]
    next_frame, count = arrays["head"].tolist()
    return next_frame, Notes(count, tuple(shots))


def _looks(arrays: Mapping[str, AnyArray], count: int) -> list[dict[Modality, F32]]:
    made: list[dict[Modality, F32]] = [{} for _ in range(count)]
    for modality in Modality:
        if f"{modality}.who" in arrays:
            for place, look in zip(arrays[f"{modality}.who"].tolist(), arrays[f"{modality}.looks"], strict=True):
                made[place][modality] = look
    return made


def _flat(parts: Sequence[AnyArray]) -> AnyArray:
    return np.concatenate([np.zeros(0), *(part.ravel() for part in parts)])


def _stacked(vectors: Sequence[F32]) -> F32:
    return np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)
