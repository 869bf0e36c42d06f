"""The sound of a film: lines fit into their shots, mouths belong to who is on screen, the mix holds the plan."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from synthetic.film.script import FPS, FilmSpec, write_script
from synthetic.sound.sample import write_sample
from synthetic.sound.scene import SAMPLES_PER_FRAME, has_music, mix, shot_mouth
from synthetic.sound.speech import plan_speech
from synthetic.sound.voice import SAMPLE_RATE, Line, Spoken, speaks


def test_lines_fit_into_their_shots_in_order_of_time(heard: Any) -> None:
    assert len(heard.speeches) > 10
    for speech in heard.speeches:
        shot = heard.script.shots[speech.shot]
        assert shot.start * SAMPLES_PER_FRAME <= speech.start < speech.end <= shot.end * SAMPLES_PER_FRAME
        assert speech.end - speech.start == len(speech.spoken.sound)
    starts = [speech.start for speech in heard.speeches]
    assert starts == sorted(starts)


def test_movers_are_on_screen_and_owners_are_where_they_are_said_to_be(heard: Any) -> None:
    for speech in heard.speeches:
        people = heard.script.shots[speech.shot].people
        assert speaks(heard.script.cast[speech.person])
        assert speech.on_screen == (speech.mover == speech.person)
        assert speech.dubbed == (speech.mover is not None and speech.mover != speech.person)
        assert speech.mover is None or speech.mover in people
        assert speech.on_screen or speech.person not in people


def test_voices_seldom_overlap_and_shares_are_as_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the lengths of the lines matter here: twenty films need not be spoken by the synthesiser.
    monkeypatch.setattr("synthetic.sound.speech.speak", _hummed)
    films = [plan_speech(write_script(FilmSpec(seed, seed, 12, 5.0))) for seed in range(20)]
    speeches = [speech for film in films for speech in film]
    overlaps = [a.end > b.start for film in films for a, b in pairwise(film) if a.shot == b.shot]
    assert 0.005 < float(np.mean(overlaps)) <= 0.05
    assert float(np.mean([s.mover is None for s in speeches])) == pytest.approx(0.12, abs=0.025)
    assert float(np.mean([s.dubbed for s in speeches])) == pytest.approx(0.04, abs=0.015)
    assert min(len(film) for film in films) > 90
    for film in films:
        for shot in {s.shot for s in film}:
            assert len({s.mover for s in film if s.shot == shot and s.mover is not None}) <= 3


def _hummed(lines: list[Line]) -> list[Spoken]:
    """A stand-in for the synthesiser: the more words, the longer the line."""
    lengths = [round((0.25 + 0.2 * len(line.text.split())) * SAMPLE_RATE) for line in lines]
    return [Spoken(np.zeros(n, np.float32), line.text, ()) for n, line in zip(lengths, lines, strict=True)]


def test_the_plan_is_the_same_again_and_another_seed_says_other_things(heard: Any) -> None:
    again = plan_speech(heard.script)
    assert [(s.start, s.end, s.person, s.mover) for s in again] == [
        (s.start, s.end, s.person, s.mover) for s in heard.speeches
    ]
    other = plan_speech(write_script(FilmSpec(65, 64, 6, 0.3)))
    assert [s.spoken.text for s in other][:5] != [s.spoken.text for s in again][:5]


def test_the_mix_is_the_film_long_and_louder_where_somebody_speaks(heard: Any) -> None:
    sound, silent = mix(heard.script, heard.speeches), mix(heard.script, [])
    assert sound.dtype == np.float32
    assert len(sound) == len(silent) == heard.script.spec.frames * SAMPLES_PER_FRAME
    assert float(np.abs(sound).max()) <= 0.98
    for speech in heard.speeches:
        span = slice(speech.start, speech.end)
        added = sound[span] - silent[span]
        measured = 10 * np.log10(np.mean(added**2) / np.mean(silent[span] ** 2))
        # The tail of the line before may lie under this one.
        assert measured == pytest.approx(speech.snr_db, abs=1.5)


def test_a_film_without_shots_still_has_its_rooms_and_music(heard: Any) -> None:
    quiet = mix(replace(heard.script, shots=()), [])
    for scene in heard.script.scenes:
        part = quiet[scene.start * SAMPLES_PER_FRAME : scene.end * SAMPLES_PER_FRAME]
        level_db = 10 * np.log10(np.mean(part**2))
        assert -62 < level_db < -20
        assert level_db > -38 or not has_music(heard.script, scene)


def test_only_movers_move_their_mouths_while_the_line_lasts(heard: Any) -> None:
    speech = next(s for s in heard.speeches if s.on_screen)
    shot = heard.script.shots[speech.shot]
    mouth = shot_mouth(heard.speeches, shot, speech.person)
    assert mouth.jaw.shape == (shot.end - shot.start,)
    first = (speech.start / SAMPLES_PER_FRAME) - shot.start
    last = (speech.end / SAMPLES_PER_FRAME) - shot.start
    assert mouth.jaw[int(first) : int(last) + 1].max() > 0.25
    mine = [s for s in heard.speeches if s.shot == shot.number and s.mover == speech.person]
    free = np.ones(shot.end - shot.start, bool)
    for s in mine:
        low, high = s.start / SAMPLES_PER_FRAME - shot.start - 3, s.end / SAMPLES_PER_FRAME - shot.start + 3
        free[max(int(low), 0) : int(high) + 1] = False
    assert not mouth.jaw[free].any()
    nobody = next(k for k in range(6) if k not in {s.mover for s in heard.speeches if s.shot == shot.number})
    assert not shot_mouth(heard.speeches, shot, nobody).jaw.any()


def test_the_mouth_follows_the_loudness_of_the_line(heard: Any) -> None:
    """What links a voice to a face: jaw and loudness go together, and not with a shift of half a second."""
    jaws, loud = [], []
    for speech in (s for s in heard.speeches if s.on_screen):
        shot = heard.script.shots[speech.shot]
        track = np.zeros((shot.end - shot.start) * SAMPLES_PER_FRAME, np.float32)
        at = speech.start - shot.start * SAMPLES_PER_FRAME
        track[at : at + len(speech.spoken.sound)] = speech.spoken.sound
        only = [s for s in heard.speeches if s is speech]
        jaws.append(shot_mouth(only, shot, speech.person).jaw)
        loud.append(np.sqrt((track.reshape(-1, SAMPLES_PER_FRAME) ** 2).mean(1)))
    jaw, envelope = np.concatenate(jaws), np.concatenate(loud)
    shifted = np.roll(envelope, FPS // 2)
    assert np.corrcoef(jaw, envelope)[0, 1] > 0.6
    assert np.corrcoef(jaw, envelope)[0, 1] > np.corrcoef(jaw, shifted)[0, 1] + 0.3


def test_a_sample_is_written_where_music_and_two_voices_are(heard: Any, tmp_path: Path) -> None:
    start, end = write_sample(heard.script, heard.speeches, tmp_path / "sample.mp3", seconds=8.0)
    scene = next(s for s in heard.script.scenes if s.start / FPS <= start < s.end / FPS)
    assert has_music(heard.script, scene)
    assert len({s.person for s in heard.speeches if s.start_s >= start and s.end_s <= end}) >= 2
    with av.open(str(tmp_path / "sample.mp3")) as container:
        count = sum(frame.samples for frame in container.decode(audio=0))
    assert count / SAMPLE_RATE == pytest.approx(end - start, abs=0.2)


def test_a_film_without_music_gives_no_sample(heard: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both music and two voices"):
        write_sample(heard.script, [], tmp_path / "sample.mp3")
