"""What to search a film with: portraits, voice clips, and descriptions, written and spoken."""

import wave
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthetic.describe import describe
from synthetic.film.portrait import write_portraits
from synthetic.film.script import Scene, Script
from synthetic.sound.queries import QUERY_RATE, narrate, voice_query
from synthetic.sound.scene import Speech
from synthetic.types import F32, generator

VOICES: Final = 2
_TEXTS: Final = 2
Json = dict[str, Any]


def write_queries(script: Script, speeches: list[Speech], folder: Path, portraits: int) -> list[Json]:
    """Write all query files of a film into `folder`; returns the queries of the truth file."""
    heard = sorted({speech.person for speech in speeches})
    return [
        *write_portraits(script.cast, script.spec.seed, folder, portraits),
        *_voices(script, heard, folder),
        *_descriptions(script, folder),
    ]


def _voices(script: Script, heard: list[int], folder: Path) -> list[Json]:
    """Two clips of everybody who is heard in the film."""
    queries = []
    for person in (script.cast[k] for k in heard):
        for n in range(VOICES):
            path = folder / f"voice_{person.identity_id}_{n}.wav"
            write_wav(path, voice_query(person, n, script.spec.seed))
            queries.append(_query("voice", person.identity_id, path))
    return queries


def _descriptions(script: Script, folder: Path) -> list[Json]:
    """Two descriptions of everybody, each as dressed in one scene, the first also read aloud."""
    queries = []
    for number, person in enumerate(script.cast):
        rng = generator(script.spec.cast_seed, script.spec.seed, 602, number)
        scenes = [scene for scene in script.scenes if number in scene.outfits]
        chosen = [int(k) for k in rng.permutation(len(scenes))[:_TEXTS]]
        for n, scene in enumerate(scenes[k] for k in chosen):
            text = _sentence(rng, scene, script, number)
            queries.append({**_query("text", person.identity_id, None), **text, **_scope(scene, number)})
            if n == 0:
                path = folder / f"spoken_{person.identity_id}_{n}.wav"
                write_wav(path, narrate(str(text["text"]), script.spec.seed + number))
                queries.append({**_query("spoken", person.identity_id, path), **text, **_scope(scene, number)})
    return queries


def _sentence(rng: np.random.Generator, scene: Scene, script: Script, number: int) -> Json:
    sentences = describe(rng, script.cast[number], scene.outfits[number])
    said = sentences[int(rng.integers(len(sentences)))].to_json()
    return {"description_kind" if key == "kind" else key: value for key, value in said.items()}


def _scope(scene: Scene, number: int) -> Json:
    return {"scene_id": scene.scene_id, "outfit_id": scene.outfits[number].outfit_id}


def _query(kind: str, identity_id: str, path: Path | None) -> Json:
    return {"kind": kind, "identity_id": identity_id, "path": f"{path.parent.name}/{path.name}" if path else None}


def write_wav(path: Path, sound: F32) -> None:
    """Write mono float32 sound of 16 kHz within -1..1 as a 16-bit WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(QUERY_RATE)
        file.writeframes(np.asarray(np.clip(sound, -1, 1) * 32767, dtype="<i2").tobytes())
