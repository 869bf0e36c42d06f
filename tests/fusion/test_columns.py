"""Very many candidates at once get what each would get alone."""

from __future__ import annotations

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.fusion.columns import Column, seen
from services.fusion.fusing import Candidate, Evidence, Fuser
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings
from services.runtime.trust import trust_in, trusts_in

CALIBRATION = {
    Modality.FACE: Calibration(slope=13.0, intercept=-5.0, slope_by_quality=9.0, intercept_by_quality=-4.5),
    Modality.BODY: Calibration(slope=12.0, intercept=-8.0),
    Modality.VOICE: Calibration(slope=40.0, intercept=-11.0),
}
KINDS = (Modality.FACE, Modality.FACE, Modality.VOICE, Modality.BODY, Modality.TEXT)


@pytest.mark.parametrize("seed", range(20))
async def test_columns_give_what_candidates_give(seed: int) -> None:
    dice, count = np.random.default_rng(seed), 50
    settings = FusionSettings(prior_log_odds=float(dice.choice([0.0, -3.0])), limit_log_odds=6.0)
    kinds = list(dice.choice(len(KINDS), dice.integers(1, 6), replace=False))
    columns = [
        Column(
            KINDS[kind],
            float(dice.choice([1.0, 0.5, -0.7, 0.0])),
            np.where(dice.uniform(size=count) < 0.3, np.nan, dice.uniform(-1.0, 1.0, count)),
            dice.choice([0.0, 0.4, 0.9, 1.0], count),
        )
        for kind in kinds
    ]
    links = dice.choice([0.0, 0.3, 1.0], count)
    fuser = Fuser(CALIBRATION, settings)
    expected = []
    for row in range(count):
        pieces = [
            Evidence(each.modality, float(each.cosines[row]), each.weight, float(each.qualities[row]))
            for each in columns
            if not np.isnan(each.cosines[row])
        ]
        expected.append(fuser.fuse(Candidate(tuple(pieces), float(links[row]))).probability)
    found = await FusionHandlers(CALIBRATION, settings).seen(columns, links)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_without_columns_nobody_is_seen() -> None:
    assert seen(CALIBRATION, FusionSettings(), [], np.ones(3)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("modality", [Modality.FACE, Modality.VOICE])
def test_trust_is_the_same_of_many(modality: Modality) -> None:
    qualities = np.array([0.0, 0.1, 0.5, 0.99, 1.0])
    assert trusts_in(modality, qualities) == pytest.approx([trust_in(modality, each) for each in qualities.tolist()])
