"""Things to search with: voices that are heard in the film, descriptions of what is worn in it."""

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

from synthetic.film.queries import write_queries, write_wav
from synthetic.film.script import FilmSpec, write_script
from synthetic.sound.scene import Speech
from synthetic.sound.voice import Spoken


def test_who_is_heard_has_voice_clips_and_everyone_has_descriptions(tmp_path: Path) -> None:
    script = write_script(FilmSpec(3, 3, 2, 2.4 / 60))
    line = Speech(1, 0, 0, 4800, False, None, False, Spoken(np.zeros(4800, np.float32), "yes", ()), 20.0)
    queries = write_queries(script, [line, replace(line, shot=1)], tmp_path / "queries", portraits=0)
    voices = [q for q in queries if q["kind"] == "voice"]
    assert [q["identity_id"] for q in voices] == ["c3-i1", "c3-i1"]
    texts = [q for q in queries if q["kind"] == "text"]
    spoken = [q for q in queries if q["kind"] == "spoken"]
    assert {q["identity_id"] for q in texts} == {q["identity_id"] for q in spoken} == {"c3-i0", "c3-i1"}
    for query in [*texts, *spoken]:
        assert query["scene_id"] == "scene00"
        person = int(query["identity_id"].rsplit("i", 1)[1])
        assert query["outfit_id"] == script.scenes[0].outfits[person].outfit_id
        assert query["text"]
    assert all(query["path"] is None for query in texts)
    for query in [*voices, *spoken]:
        with wave.open(str(tmp_path / query["path"])) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
            assert 0.8 < file.getnframes() / 16000 < 9


def test_sound_is_written_as_it_is(tmp_path: Path) -> None:
    sound = np.array([0.0, 0.5, -1.0, 2.0], np.float32)
    write_wav(tmp_path / "a.wav", sound)
    with wave.open(str(tmp_path / "a.wav")) as file:
        samples = np.frombuffer(file.readframes(4), np.int16)
    assert samples.tolist() == [0, 16383, -32767, 32767]
