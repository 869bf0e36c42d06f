"""Two kinds of plots as SVG: lines over a unit square, and bars with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Bar", "Line", "bar_plot", "line_plot"]

COLOURS = ("#1f5fa8", "#c4501b", "#2b7a4b", "#7a4ba0", "#8a6d00")
# Plot area of line plots, margins and room for the legend, in px.
SIDE, LEFT, TOP, BOTTOM, RIGHT, LEGEND = 340, 56, 34, 46, 16, 170
ROW, NAMES, LENGTH = 22, 250, 320
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y), each in [0, 1], joined in their order."""

    name: str
    points: Sequence[tuple[float, float]]
    marks: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure in [0, 1] with its interval, and a tick where chance is."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    chance: float | None = None


def line_plot(title: str, x_label: str, y_label: str, lines: Sequence[Line], *, diagonal: bool = False) -> str:
    """Draw lines over the unit square, with a legend beside them; `diagonal` adds y = x."""
    parts = [_text(LEFT + SIDE / 2, 18, title, "middle", 13)]
    for step in STEPS:
        x, y = _at(step, 0)[0], _at(0, step)[1]
        parts.append(_rule(x, TOP, x, TOP + SIDE, "#e4e4e4") + _rule(LEFT, y, LEFT + SIDE, y, "#e4e4e4"))
        parts.append(_text(x, TOP + SIDE + 16, f"{step:g}", "middle") + _text(LEFT - 6, y + 4, f"{step:g}", "end"))
    if diagonal:
        parts.append(_rule(*_at(0, 0), *_at(1, 1), "#999999", dash="4 4"))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        spots = [_at(x, y) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if line.marks:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
        y = TOP + 14 + 16 * number
        x = LEFT + SIDE + RIGHT
        parts.append(_rule(x, y - 4, x + 20, y - 4, colour, width=3) + _text(x + 26, y, line.name))
    parts.append(_text(LEFT + SIDE / 2, TOP + SIDE + 36, x_label, "middle"))
    middle = TOP + SIDE / 2
    parts.append(f'<g transform="rotate(-90 14 {middle:g})">{_text(14, middle, y_label, "middle")}</g>')
    return _document(LEFT + SIDE + RIGHT + LEGEND, TOP + SIDE + BOTTOM, parts)


def bar_plot(title: str, bars: Sequence[Bar]) -> str:
    """Draw bars beside each other, with intervals as whiskers and chance as a dark tick."""
    bottom = TOP + ROW * len(bars)
    parts = [_text(NAMES, 18, title, "start", 13)]
    for step in STEPS:
        x = NAMES + step * LENGTH
        parts.append(_rule(x, TOP, x, bottom, "#e4e4e4") + _text(x, bottom + 16, f"{step:g}", "middle"))
    for number, bar in enumerate(bars):
        top = TOP + ROW * number
        middle = top + ROW / 2
        width = max(0.0, bar.value) * LENGTH
        parts.append(_text(NAMES - 8, middle + 4, bar.name, "end"))
        parts.append(f'<rect x="{NAMES}" y="{top + 4}" width="{width:.1f}" height="{ROW - 8}" fill="{COLOURS[0]}"/>')
        if bar.interval:
            low, high = (NAMES + edge * LENGTH for edge in bar.interval)
            parts.append(_rule(low, middle, high, middle, "#222222", width=2))
        if bar.chance is not None:
            x = NAMES + bar.chance * LENGTH
            parts.append(_rule(x, top + 1, x, top + ROW - 1, "#c4501b", width=2))
        parts.append(_text(NAMES + LENGTH + 8, middle + 4, f"{bar.value:.3f}"))
    return _document(NAMES + LENGTH + 60, bottom + 26, parts)


def _at(x: float, y: float) -> tuple[float, float]:
    return LEFT + x * SIDE, TOP + (1 - y) * SIDE


def _rule(x0: float, y0: float, x1: float, y1: float, colour: str, *, width: float = 1, dash: str | None = None) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _document(width: float, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *parts, "</svg>"]) + "\n"
