"""What edges are worth once it is known who is who."""

import numpy as np
import pytest

from packs.spec import Modality
from services.association.context import BETWEEN, LEAST_SIZE, WITHIN, IdentityContext, in_context
from services.association.identities.people import People
from services.association.identities.state import IdentityState
from services.backends.associations.blocks import EdgeBlock
from services.backends.schemas import Association

ANNA = [f"anna{number}" for number in range(LEAST_SIZE)]
BEN = [f"ben{number}" for number in range(LEAST_SIZE)]


@pytest.fixture
def context() -> IdentityContext:
    clusters = {"a": tuple(ANNA), "b": tuple(BEN), "small": ("lone",)}
    return IdentityContext.of(People(state=IdentityState.of(clusters)))


def worth(edge: Association, context: IdentityContext) -> float:
    return float(in_context(EdgeBlock.of([edge]), context).probabilities[0])


@pytest.mark.parametrize("said", [0.2, 0.5, 0.9])
def test_an_edge_is_worth_more_inside_of_an_identity_than_between_two(context: IdentityContext, said: float) -> None:
    inside = worth(Association(ANNA[0], ANNA[1], Modality.BODY, said), context)
    between = worth(Association(ANNA[0], BEN[0], Modality.BODY, said), context)
    assert inside == pytest.approx(float(WITHIN.of(said)))
    assert between == pytest.approx(float(BETWEEN.of(said)))
    assert between < said
    assert between < inside


def test_what_nobody_knows_or_is_small_stays_and_so_does_what_was_confirmed(context: IdentityContext) -> None:
    assert worth(Association(ANNA[0], "new", Modality.FACE, 0.4), context) == pytest.approx(0.4)
    assert worth(Association(ANNA[0], "lone", Modality.FACE, 0.4), context) == pytest.approx(0.4)
    assert worth(Association(ANNA[0], BEN[0], Modality.FACE, 1.0, confirmed=True), context) == 1.0


def test_the_order_of_edges_stays_in_each_case(context: IdentityContext) -> None:
    said = np.linspace(0.2, 0.99, 20)
    for first, second in ((ANNA[0], ANNA[1]), (ANNA[0], BEN[0])):
        found = [worth(Association(first, second, Modality.HEAD, float(one)), context) for one in said]
        assert found == sorted(found)


def test_nothing_is_nothing(context: IdentityContext) -> None:
    assert len(in_context(EdgeBlock.of([]), context)) == 0
