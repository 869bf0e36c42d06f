"""The figures of who speaks: voice queries, speech on and off screen, speech linked to people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.asking import Answer
from evaluation.metrics.off_screen_speech import LEAST_S, OffScreenFigures, off_screen_figures
from evaluation.metrics.ranking import Shown
from evaluation.metrics.speech_time import span_iou
from evaluation.predictions import PredictedSpeech
from evaluation.rankings import RankedFigures, Verdicts, ranked_figures, verdicts_of
from evaluation.truth import Film, TruthTracklet
from evaluation.truth_speech import TruthSpeech

__all__ = ["HeardFigures", "heard_figures", "speaking_keys", "wanted_by_voice"]

# A voice query wants the appearances that speak for this long in sum.
LEAST_WANTED_S = 1.0


@dataclass(frozen=True, slots=True)
class HeardFigures:
    """What voice queries find.

    Attributes:
        voice: Over appearances that speak for a second or more, with expansion.
        voice_only: The same without expansion: what the clip matches by itself.
        moments: As `voice`, where speech of somebody on screen that came back standing alone finds its tracklet too.
        verdicts: Of all hits, with expansion: right is what shows the person in an appearance that speaks.
        off_screen: Lines spoken off screen; None when there are none.
        off_screen_span_iou: Mean IoU of their spans with what holds them, over those found by ingest; None without.
    """

    voice: RankedFigures
    voice_only: RankedFigures
    moments: RankedFigures
    verdicts: Verdicts
    off_screen: OffScreenFigures | None
    off_screen_span_iou: float | None


def heard_figures(
    films: Sequence[Film],
    expanded: Sequence[Answer],
    direct: Sequence[Answer],
    shown: Mapping[str, TruthTracklet],
    speech: Mapping[str, tuple[PredictedSpeech, TruthSpeech]],
    pool_size: int,
) -> HeardFigures | None:
    """Judge the answers to voice queries.

    `shown` says what each predicted tracklet shows, `speech` which line each predicted speech holds. `pool_size` is how
    many predicted appearances speak. Returns None when no voice was asked for that speaks long enough.
    """
    wanted = wanted_by_voice(films)
    if not any(wanted.get(answer.identity) for answer in expanded):
        return None
    strict: dict[str, Shown] = {**shown, **{name: line for name, (_, line) in speech.items()}}
    loose: dict[str, Shown] = {**shown, **{name: _Moment(line) for name, (_, line) in speech.items()}}
    speaking = speaking_keys(films)
    lines = [line for film in films for line in film.speech if _off_screen(line)]
    return HeardFigures(
        voice=ranked_figures(expanded, wanted, strict, pool_size),
        voice_only=ranked_figures(direct, wanted, strict, pool_size),
        moments=ranked_figures(expanded, wanted, loose, pool_size),
        verdicts=verdicts_of(expanded, loose, {key for keys in speaking.values() for key in keys}),
        off_screen=off_screen_figures(expanded, lines, speaking, strict),
        off_screen_span_iou=_mean_iou(lines, speech),
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    """A line seen as the appearance that it belongs to."""

    line: TruthSpeech

    @property
    def key(self) -> str:
        return self.line.appearance

    @property
    def identity(self) -> str:
        return self.line.identity


def wanted_by_voice(films: Sequence[Film]) -> dict[str, set[str]]:
    """Map identities to the appearances that speak for a second or more: counting tracklets, and lines off screen."""
    counting = {tracklet.key for film in films for tracklet in film.tracklets if tracklet.counts}
    spoken_s: dict[tuple[str, str], float] = {}
    for line in (line for film in films for line in film.speech):
        if line.tracklet is None or line.tracklet in counting:
            key = (line.identity, line.appearance)
            spoken_s[key] = spoken_s.get(key, 0.0) + line.duration_s
    return _keys(spoken_s, lambda length_s: length_s >= LEAST_WANTED_S)


def speaking_keys(films: Sequence[Film]) -> dict[str, set[str]]:
    """Map identities to all appearances in which they speak; off-screen lines below half a second are left out."""
    lines = [line for film in films for line in film.speech]
    told = [line for line in lines if line.tracklet is not None or line.duration_s >= LEAST_S]
    return _keys({(line.identity, line.appearance): line.duration_s for line in told}, lambda length_s: True)


def _keys(spoken_s: Mapping[tuple[str, str], float], kept: Callable[[float], bool]) -> dict[str, set[str]]:
    keys: dict[str, set[str]] = {}
    for (identity, key), length_s in spoken_s.items():
        if kept(length_s):
            keys.setdefault(identity, set()).add(key)
    return keys


def _off_screen(line: TruthSpeech) -> bool:
    return line.tracklet is None and not line.dubbed and line.duration_s >= LEAST_S


def _mean_iou(lines: Sequence[TruthSpeech], speech: Mapping[str, tuple[PredictedSpeech, TruthSpeech]]) -> float | None:
    asked = {line.key for line in lines}
    best: dict[str, float] = {}
    for prediction, line in speech.values():
        if line.key in asked:
            overlap = span_iou((prediction.start_s, prediction.end_s), line.span_s)
            best[line.key] = max(best.get(line.key, 0.0), overlap)
    return float(np.mean(list(best.values()))) if best else None
