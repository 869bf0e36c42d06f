"""Times, scores and evidence as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote

from personsearch.cli.json_view import modality_name
from personsearch.v1 import appearance_pb2, geometry_pb2, hit_pb2

__all__ = [
    "clock",
    "evidence_in_words",
    "file_name",
    "percent",
    "place_in_words",
    "seconds_from_clock",
    "shares_in_words",
    "span",
    "speech_in_words",
]

SHORT_ID_DIGITS = 8
MOST_STRETCHES = 3


def clock(seconds: float) -> str:
    """Write seconds as m:ss, or h:mm:ss from an hour on; the fraction is dropped, as a player's clock does."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def seconds_from_clock(text: str) -> float:
    """Read seconds, m:ss or h:mm:ss; raises ValueError."""
    try:
        numbers = [float(piece) for piece in text.split(":")]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or min(numbers) < 0:
        raise ValueError(f"got {text!r} for a time, expected seconds, m:ss or h:mm:ss")
    total = 0.0
    for number in numbers:
        total = total * 60 + number
    return total


def span(stretch: geometry_pb2.Span) -> str:
    """Write a stretch of time as "1:02-1:09"."""
    return f"{clock(stretch.start_s)}-{clock(stretch.end_s)}"


def speech_in_words(appearance: appearance_pb2.Appearance) -> str:
    """Say when somebody speaks in an appearance, such as "speaks 0:04.2-0:05.1, 0:09.0-0:09.8"; "" when never."""
    if appearance.kind == appearance_pb2.APPEARANCE_KIND_SPEECH:
        return "speech, nobody on screen"
    stretches = [spoken.span for spoken in appearance.speech]
    told = ", ".join(f"{_fine_clock(one.start_s)}-{_fine_clock(one.end_s)}" for one in stretches[:MOST_STRETCHES])
    more = f" and {len(stretches) - MOST_STRETCHES} more times" if len(stretches) > MOST_STRETCHES else ""
    return f"speaks {told}{more}" if told else ""


def percent(fraction: float) -> str:
    """Write a fraction as whole percent, below 1 % with one digit; only a full 1 is 100 %, and only 0 is 0 %."""
    if fraction >= 1:
        return "100 %"
    if 0.0 < fraction < 0.01:
        return f"{max(0.1, round(100 * fraction, 1)):.1f} %" if fraction >= 0.001 else "<0.1 %"
    return f"{min(99, round(100 * fraction))} %"


def shares_in_words(shares: Iterable[hit_pb2.ModalityShare]) -> str:
    """Write the shares of a hit, such as "face 80 %, body 20 %"."""
    return ", ".join(f"{modality_name(share.modality)} {percent(share.share)}" for share in shares)


def evidence_in_words(steps: Iterable[hit_pb2.EvidenceStep]) -> str:
    """Write the chain from the query to the hit, such as "part 1 -face 98 %-> 0a1b2c3d -body 91 %-> here"."""
    chain = list(steps)
    words = []
    for position, step in enumerate(chain):
        if position == 0:
            source = f"part {step.part_index + 1}" if step.WhichOneof("source") == "part_index" else "the query"
            words.append(source)
        here = position == len(chain) - 1
        target = "here" if here else step.target_appearance_id[:SHORT_ID_DIGITS]
        by = "confirmed" if step.confirmed else f"{modality_name(step.modality)} {percent(step.probability)}"
        words.append(f"-{by}-> {target}")
    return " ".join(words)


def place_in_words(box: geometry_pb2.Box) -> str:
    """Say where in a picture a box lies, such as "upper left"."""
    column = _third((box.x_min + box.x_max) / 2, ("left", "centre", "right"))
    row = _third((box.y_min + box.y_max) / 2, ("upper", "middle", "lower"))
    return f"{row} {column}"


def file_name(source_uri: str) -> str:
    """Return the last piece of a path or URI."""
    return PurePosixPath(unquote(source_uri)).name


def _fine_clock(seconds: float) -> str:
    """Write seconds as a clock with tenths: much is said in one second."""
    tenths = round(seconds * 10)
    return f"{clock(tenths // 10)}.{tenths % 10}"


def _third(centre: float, names: tuple[str, str, str]) -> str:
    return names[min(2, int(centre * 3))]
