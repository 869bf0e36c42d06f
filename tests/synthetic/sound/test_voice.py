"""Voices: the same lines sound the same, people sound different, and the times of phonemes fit the sound."""

import hashlib

import numpy as np
import pytest

from synthetic.identity import make_identity
from synthetic.sound.voice import SPEECH_RMS, Line, Mood, Spoken, draw_mood, speak, speaks, voice_variant
from synthetic.sound.words import make_long_text, make_text

TEXTS = ("maybe Bob bought my umbrella", "we saw the blue car")


@pytest.fixture(scope="module")
def spoken() -> list[Spoken]:
    return speak([Line(make_identity(4, k), text) for text in TEXTS for k in range(3)])


def test_the_same_lines_give_the_same_samples_and_times(spoken: list[Spoken]) -> None:
    again = speak([Line(make_identity(4, k), text) for text in TEXTS for k in range(3)])
    for one, two in zip(spoken, again, strict=True):
        assert np.array_equal(one.sound, two.sound)
        assert one.phonemes == two.phonemes


def test_breathy_voices_do_not_depend_on_the_clock() -> None:
    breathy = [p for p in (make_identity(4, k) for k in range(12)) if "breath " in voice_variant(p)][:2]
    assert len(breathy) == 2
    digests = {
        hashlib.sha256(b"".join(s.sound.tobytes() for s in speak([Line(p, TEXTS[1]) for p in breathy]))).hexdigest()
        for _ in range(3)
    }
    assert len(digests) == 1


def test_people_sound_different(spoken: list[Spoken]) -> None:
    digests = {hashlib.sha256(s.sound.tobytes()).hexdigest() for s in spoken}
    assert len(digests) == len(spoken)


def test_sound_is_trimmed_and_at_one_level(spoken: list[Spoken]) -> None:
    for line in spoken:
        assert line.sound.dtype == np.float32
        assert float(np.abs(line.sound).max()) <= 0.98
        assert float(np.sqrt(np.mean(line.sound**2))) == pytest.approx(SPEECH_RMS, rel=0.05)
        assert 0.4 < line.duration_s < 4
        assert float(np.abs(line.sound[:1440]).max()) > 0.001


def test_phonemes_follow_one_another_and_fill_the_line(spoken: list[Spoken]) -> None:
    for line in spoken:
        assert all(start < end for start, end, _ in line.phonemes)
        assert all(a[1] <= b[0] + 1e-6 for a, b in zip(line.phonemes, line.phonemes[1:], strict=False))
        assert line.phonemes[0][0] < 0.06
        assert line.duration_s - line.phonemes[-1][1] < 0.06
    assert sum(name == "b" for _, _, name in spoken[0].phonemes) >= 3


def test_vowels_are_louder_than_closures(spoken: list[Spoken]) -> None:
    """The times of phonemes are those of the sound: open vowels carry more power than stops."""
    loud, soft = [], []
    for line in spoken:
        for start, end, name in line.phonemes:
            part = line.sound[round(start * line.rate_hz) : round(end * line.rate_hz)]
            power = float(np.mean(part**2))
            if name[0] in "aAV":
                loud.append(power)
            elif name[0] in "ptk":
                soft.append(power)
    assert np.median(loud) > 3 * np.median(soft)


def test_mood_moves_pitch_and_rate_but_not_the_formants() -> None:
    person = make_identity(4, 1)
    calm, upset = voice_variant(person), voice_variant(person, Mood(pitch=10, rate=1.2, range=1.5))
    differing = [a.split()[0] for a, b in zip(calm.splitlines(), upset.splitlines(), strict=True) if a != b]
    assert differing == ["pitch"]
    slow, fast = speak([Line(person, TEXTS[1], Mood(rate=0.8)), Line(person, TEXTS[1], Mood(rate=1.3))], 16_000)
    assert fast.duration_s < 0.8 * slow.duration_s


def test_a_quarter_of_a_cast_never_speaks() -> None:
    silent = [k for k in range(40) if not speaks(make_identity(9, k))]
    assert len(silent) == 10
    assert len({k % 4 for k in silent}) > 1


def test_lines_are_mostly_about_a_second() -> None:
    rng = np.random.default_rng(1)
    lines = [Line(make_identity(4, k % 20), make_text(rng), draw_mood(rng)) for k in range(60)]
    lengths = [line.duration_s for line in speak(lines, 16_000)]
    assert 0.9 <= float(np.median(lengths)) <= 1.3
    assert len(make_long_text(rng).split()) > 6


def test_nothing_to_say_is_nothing() -> None:
    assert speak([]) == []


def test_silence_from_the_synthesiser_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="returned no sound for ''"):
        speak([Line(make_identity(4, 1), "")])
