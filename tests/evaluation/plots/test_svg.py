import xml.etree.ElementTree as ET

import pytest

from evaluation.plots.svg import Bar, Line, bar_plot, line_plot

SPACE = "{http://www.w3.org/2000/svg}"


def test_lines_lie_where_their_points_are() -> None:
    drawing = ET.fromstring(line_plot("a < b", "x", "y", [Line("one", [(0, 0), (1, 1)], marks=True)], diagonal=True))
    assert drawing.find(f"{SPACE}text").text == "a < b"
    points = drawing.find(f"{SPACE}polyline").get("points").split()
    (left, bottom), (right, top) = ((float(edge) for edge in point.split(",")) for point in points)
    assert right - left == pytest.approx(340)
    assert bottom - top == pytest.approx(340)
    assert len(drawing.findall(f"{SPACE}circle")) == 2
    assert [line.get("stroke-dasharray") for line in drawing.findall(f"{SPACE}line")].count("4 4") == 1


def test_bars_are_as_long_as_their_values() -> None:
    drawing = ET.fromstring(bar_plot("bars", [Bar("half", 0.5, (0.25, 0.75), 0.125), Bar("below", -0.1)]))
    _, half, below = drawing.findall(f"{SPACE}rect")
    assert float(half.get("width")) == pytest.approx(160)
    assert float(below.get("width")) == 0
    whisker = next(line for line in drawing.findall(f"{SPACE}line") if line.get("stroke") == "#222222")
    assert float(whisker.get("x2")) - float(whisker.get("x1")) == pytest.approx(160)
