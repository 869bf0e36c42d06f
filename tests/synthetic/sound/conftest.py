"""One film planned with its speech, for all tests of this room; nothing is drawn."""

from dataclasses import dataclass

import pytest

from synthetic.film.script import FilmSpec, Script, write_script
from synthetic.sound.scene import Speech, schedule_speech


@dataclass(frozen=True, slots=True)
class Heard:
    """A script and what is said in it."""

    script: Script
    speeches: list[Speech]


@pytest.fixture(scope="session")
def heard() -> Heard:
    script = write_script(FilmSpec(64, 64, 6, 0.8))
    return Heard(script, schedule_speech(script))
