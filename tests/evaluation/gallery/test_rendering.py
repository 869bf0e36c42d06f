from pathlib import Path

import pytest

from evaluation.gallery.plan import FilmPlan
from evaluation.gallery.rendering import RenderError, render_film


def test_a_render_that_fails_says_why(tmp_path: Path) -> None:
    # The renderer wants two people at least.
    with pytest.raises(RenderError, match="exit status 2") as caught:
        render_film(FilmPlan(1, 1, 1, 0.1, tmp_path / "film"), 1)
    assert "--identities" in str(caught.value)
