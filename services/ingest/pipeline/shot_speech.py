"""What is kept of a shot's speech until the film is over, so that who speaks is decided over all of it.

It is a few hundred floats for each piece of speech and each person of a shot in which somebody speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packs.arrays import F32, F64
from packs.spec import Modality

__all__ = ["Piece", "Player", "ShotSpeech"]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A piece of speech: [start_s, end_s) in seconds of the film, and its voice.

    `voice` is float32[D] as the encoder gave it: its length says how sure the encoder is.
    """

    start_s: float
    end_s: float
    voice: F32

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class Player:
    """Somebody in the picture: when, in seconds of the film, and their looks.

    `looks` are float32[D] of each modality that was seen, as long as their quality.
    """

    start_s: float
    end_s: float
    looks: Mapping[Modality, F32]


@dataclass(frozen=True, slots=True, eq=False)
class ShotSpeech:
    """The speech of one shot, and who is there to speak it.

    Attributes:
        start_frame: Of the shot.
        pieces: N pieces in order of time.
        players: P people, in the order in which they are stored.
        evidence: float64[N, P, K], what each mouth says of each piece (`speakers.EVIDENCE`).
        present: float64[N, P], 1 where the person is in the picture while the piece is spoken, else 0.
    """

    start_frame: int
    pieces: tuple[Piece, ...]
    players: tuple[Player, ...]
    evidence: F64
    present: F64
