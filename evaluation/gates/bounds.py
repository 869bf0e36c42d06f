"""The gates: what a figure may be, and which one it breaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MOST_OF_AN_ENCODER = 0.97


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound on one figure; `least` or `most` may be left open."""

    figure: str
    least: float = float("-inf")
    most: float = float("inf")

    def holds(self, value: float) -> bool:
        """Whether a value keeps within the bound."""
        return self.least <= value <= self.most

    @property
    def text(self) -> str:
        """The bound in words."""
        if self.least == float("-inf"):
            return f"at most {self.most:g}"
        return f"at least {self.least:g}" if self.most == float("inf") else f"{self.least:g} to {self.most:g}"


GATES = (
    Gate("naive.body_histogram_in_scene", most=0.7),
    Gate("naive.body_histogram_across", most=0.3),
    Gate("naive.face_pixels", most=0.3),
    Gate("naive.voice_mfcc", most=0.5),
    Gate("encoder.body_in_scene", most=MOST_OF_AN_ENCODER),
    Gate("encoder.body_across", most=MOST_OF_AN_ENCODER),
    Gate("encoder.face", most=MOST_OF_AN_ENCODER),
    Gate("encoder.voice", most=MOST_OF_AN_ENCODER),
    # In a flat world the busiest quarter would have a quarter of the screen time.
    Gate("films.screen_time_of_busiest_quarter", least=0.35),
    Gate("films.share_who_never_speak", least=0.15, most=0.35),
    Gate("films.median_speech_s", least=0.7, most=1.5),
    Gate("films.tracklets_without_face", least=0.3),
)


def broken(values: Mapping[str, float]) -> list[str]:
    """Say which gates the figures break, in words; figures that were not measured break none."""
    return [
        f"{gate.figure} is {values[gate.figure]:.3f}, must be {gate.text}"
        for gate in GATES
        if gate.figure in values and not gate.holds(values[gate.figure])
    ]


def gate_of(figure: str) -> Gate | None:
    """Return the gate on a figure, or None."""
    return next((gate for gate in GATES if gate.figure == figure), None)
