import numpy as np
import pytest

from evaluation.datasets.tracklets import ModalityRows, Tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.protocols.csm.clothes import clothes_figures
from packs.spec import Modality

E1, E2, E3 = np.eye(3)
# Person, outfit, start, body: a in her coat three times, once looking different; b in the same coat; c in another,
# looking like b; a in the coat when clothes hold no more.
WORN = [
    ("a", "coat", 0.0, E1),
    ("a", "coat", 10.0, E1),
    ("a", "coat", 20.0, E2),
    ("b", "coat", 30.0, E1),
    ("c", "scarf", 40.0, E1),
    ("a", "coat", 500.0, E1),
]


def made(rows: list[tuple[str, str, float, np.ndarray]]) -> Tracklets:
    return Tracklets.of(
        [str(number) for number in range(len(rows))],
        ["f"] * len(rows),
        [person for person, *_ in rows],
        {Modality.BODY: ModalityRows.of(np.stack([body for *_, body in rows]))},
        spans_s=[(start, start + 1.0) for _, _, start, _ in rows],
        outfits=[outfit for _, outfit, _, _ in rows],
    )


def test_links_of_the_same_clothes_and_of_uniforms_are_told_apart(fusers: list[Fuser]) -> None:
    found = clothes_figures(made(WORN), fusers[0])
    assert found is not None
    # Of a's three pairs in the window one looks the same.
    assert found.same_linked.value == pytest.approx(1 / 3)
    # Of a's three pairs with b two do.
    assert found.uniform_linked is not None
    assert found.uniform_linked.value == pytest.approx(2 / 3)
    # Links: a-a, twice a-b, twice a-c, b-c.
    assert found.links == 6
    assert found.uniform_of_links.value == pytest.approx(2 / 6)
    assert found.strangers_of_links.value == pytest.approx(5 / 6)


def test_without_uniforms_or_clothes_there_is_nothing_to_say(fusers: list[Fuser]) -> None:
    alone = clothes_figures(made(WORN[:2]), fusers[0])
    assert alone is not None
    assert alone.uniform_linked is None
    assert clothes_figures(made([(person, "", start, body) for person, _, start, body in WORN]), fusers[0]) is None
    assert clothes_figures(made(WORN[1:3]), fusers[0]) is None
