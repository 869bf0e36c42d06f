"""SynthCast voices on the disk: `index.json` and numbered npz shards of clips as they are heard in films."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.sound import SAMPLE_RATE
from training.data.shards import DataError

SCHEMA = "synthcast-voices/1"
NOBODY = -1

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VoiceSet:
    """Clips in memory.

    Attributes:
        sound: int16[N], all clips behind each other, 16 kHz.
        offsets: int64[M + 1], where each clip begins.
        speech: uint8[K], 1 where somebody speaks, for each 10 ms of all clips.
        speech_offsets: int64[M + 1], where each clip begins in `speech`.
        identity: int32[M], number in the cast, -1 where nobody speaks.
        snr_db: float32[M], voice over background, nan where nobody speaks.
        attributes: What is known of each identity, in the order of the cast; empty while the folder is being written.
    """

    sound: NDArray[np.int16]
    offsets: NDArray[np.int64]
    speech: NDArray[np.uint8]
    speech_offsets: NDArray[np.int64]
    identity: NDArray[np.int32]
    snr_db: F32
    attributes: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        return int(self.identity.shape[0])

    def clip(self, row: int) -> F32:
        """The sound of a clip: float32[n], -1..1."""
        return _floats(self.sound[self.offsets[row] : self.offsets[row + 1]])

    def part(self, row: int, start: int, end: int) -> F32:
        """Samples [start, end) of a clip; beyond its ends it is silent."""
        first, last = int(self.offsets[row]), int(self.offsets[row + 1])
        inside = _floats(self.sound[max(first, first + start) : min(last, first + end)])
        before = max(0, -start)
        result = np.zeros(end - start, np.float32)
        result[before : before + inside.shape[0]] = inside
        return result

    def activity(self, row: int) -> NDArray[np.uint8]:
        """Where a clip has speech: uint8[ceil(n / 160)]."""
        return self.speech[self.speech_offsets[row] : self.speech_offsets[row + 1]]

    @property
    def spoken(self) -> NDArray[np.int64]:
        """Rows in which somebody speaks."""
        return np.flatnonzero(self.identity != NOBODY).astype(np.int64)

    @property
    def wordless(self) -> NDArray[np.int64]:
        """Rows in which nobody does."""
        return np.flatnonzero(self.identity == NOBODY).astype(np.int64)


def open_voices(directory: Path) -> VoiceSet:
    """Read a folder of voices, complete or still growing (then: the shards that are there).

    Raises:
        DataError: If no shard is there, or the index is of another schema.
    """
    shards = sorted(directory.glob("voices_[0-9]*.npz"))
    if not shards:
        raise DataError(f"no voices in {directory}: make them with `python -m synthetic voices --out {directory}`")
    attributes = _attributes(directory / "index.json")
    columns: dict[str, list[NDArray[Any]]] = {}
    for shard in shards:
        with np.load(shard) as content:
            for name in ("clips", "speech", "identity", "snr_db"):
                columns.setdefault(name, []).append(content[name])
            for name in ("offsets", "speech_offsets"):
                columns.setdefault(name, []).append(np.diff(content[name]))
    return VoiceSet(
        sound=np.concatenate(columns["clips"]),
        offsets=_starts(columns["offsets"]),
        speech=np.concatenate(columns["speech"]),
        speech_offsets=_starts(columns["speech_offsets"]),
        identity=np.concatenate(columns["identity"]),
        snr_db=np.concatenate(columns["snr_db"]),
        attributes=attributes,
    )


def _attributes(path: Path) -> Sequence[Mapping[str, Any]]:
    if not path.exists():
        return ()
    index = json.loads(path.read_text())
    if index.get("schema") != SCHEMA or index.get("rate_hz") != SAMPLE_RATE:
        found = f"schema {index.get('schema')!r} at {index.get('rate_hz')} Hz"
        raise DataError(f"{path} has {found}, expected {SCHEMA!r} at {SAMPLE_RATE} Hz")
    people = sorted(index["identities"], key=lambda identity: int(identity["index"]))
    return tuple(person["attributes"] for person in people)


def _starts(lengths: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)


def _floats(samples: NDArray[np.int16]) -> F32:
    return samples.astype(np.float32) * np.float32(1.0 / 32768.0)
