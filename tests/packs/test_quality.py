import numpy as np
import pytest

from packs.quality import IQIYI_FACES, best_rows


def test_the_clearest_come_first_and_equals_in_their_order() -> None:
    quality = np.array([1.0, 5.0, 3.0, 5.0], np.float32)
    assert best_rows(quality, 3, np.random.default_rng(0)).tolist() == [1, 3, 2]


def test_too_few_are_repeated_until_there_are_enough() -> None:
    quality = np.array([1.0, 2.0, 0.5], np.float32)
    rows = best_rows(quality, IQIYI_FACES, np.random.default_rng(0))
    assert rows.shape == (32,)
    assert rows[:3].tolist() == [1, 0, 2]
    # All of the three are drawn again among 29 draws; the chance that one is not is 2e-5.
    assert set(rows[3:].tolist()) == {0, 1, 2}


def test_chance_is_the_callers() -> None:
    quality = np.arange(5, dtype=np.float32)
    first, second = (best_rows(quality, 20, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_clip_without_views_has_no_best() -> None:
    with pytest.raises(ValueError, match="mark it as missing"):
        best_rows(np.zeros(0, np.float32), 32, np.random.default_rng(0))
    with pytest.raises(ValueError, match="got nan"):
        best_rows(np.array([np.nan], np.float32), 32, np.random.default_rng(0))
