"""One short film for all tests of this room, and a loud skip where nothing can be drawn."""

import pytest

from synthetic.renderer import Renderer
from synthetic.testing import TinyFilm, tiny_film, why_not_drawable


@pytest.fixture(scope="session")
def drawable() -> None:
    """Skip, saying why, on a machine without EGL."""
    reason = why_not_drawable()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def film(drawable: None, tmp_path_factory: pytest.TempPathFactory) -> TinyFilm:
    return tiny_film(tmp_path_factory.mktemp("film"), seed=3, seconds=2.4)


@pytest.fixture(scope="module")
def renderer(drawable: None):
    with Renderer(width=640, height=360) as made:
        yield made
