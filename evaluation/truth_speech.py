"""What is said in a film, by the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["TruthSpeech", "speech_from_truth"]


@dataclass(frozen=True, slots=True)
class TruthSpeech:
    """One line of one speaker.

    Attributes:
        key: Unique over all films of a run.
        identity: Whose voice it is; unique over all casts of a run.
        start_s: Its start, in seconds of the film.
        end_s: Its end.
        tracklet: Key of the tracklet that shows the speaker; None when the speaker is off screen or the line dubbed.
        dubbed: Whether somebody else's mouth moves to it.
    """

    key: str
    identity: str
    start_s: float
    end_s: float
    tracklet: str | None
    dubbed: bool = False

    @property
    def duration_s(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    @property
    def span_s(self) -> tuple[float, float]:
        """Start and end."""
        return self.start_s, self.end_s

    @property
    def appearance(self) -> str:
        """Key of the appearance that it belongs to: the tracklet, or itself where it stands alone."""
        return self.tracklet or self.key


def speech_from_truth(film: str, cast: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[TruthSpeech]:
    """Read the `speech` rows of a truth file, in their order."""
    for number, raw in enumerate(rows):
        tracklet = raw["tracklet_id"]
        yield TruthSpeech(
            key=f"{film}/speech{number}",
            identity=f"{cast}/{raw['identity_id']}",
            start_s=float(raw["start_s"]),
            end_s=float(raw["end_s"]),
            tracklet=None if tracklet is None else f"{film}/{tracklet}",
            dubbed=bool(raw.get("dubbed", False)),
        )
