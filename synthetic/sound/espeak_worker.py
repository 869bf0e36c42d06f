"""Speak lines with eSpeak NG in a process of its own (the library is GPL and is never loaded into SynthCast itself).

Run as `python espeak_worker.py JOBS`, where JOBS is a JSON file of `{"library", "data", "sound", "marks", "lines"}`;
each of the lines has `text`, `variant` (the text of a voice variant file), `rate`, `pitch`, `range` and `seed`. All
samples (int16) go one after the other to the file `sound`; `marks` gets `{"rate", "lines"}`, where each line has
`samples` and `phonemes`: pairs of a start in samples of the line and of one of eSpeak NG's mnemonics. Imports nothing
of the project.
"""

import ctypes
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

_RETRIEVAL_SYNCHRONOUS = 2
_PHONEME_EVENTS = 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
# Loud voices are cut off at full scale with the usual volume of 100.
_QUIET = 60
_UTF8 = 1
_LIST_TERMINATED, _PHONEME = 0, 7
_VOICE_FILE = "person"


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Listener:
    """Takes what the synthesiser hands out: samples and the times at which phonemes start."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.phonemes: list[tuple[int, str]] = []
        self.callback = _CALLBACK(self._take)

    def _take(self, wave: Any, count: int, events: Any) -> int:
        if count > 0:
            self.chunks.append(ctypes.string_at(wave, 2 * count))
        k = 0
        while events[k].type != _LIST_TERMINATED:
            if events[k].type == _PHONEME:
                self.phonemes.append((events[k].sample, bytes(events[k].id.string).decode("utf-8", "replace")))
            k += 1
        return 0

    def clear(self) -> None:
        self.chunks.clear()
        self.phonemes.clear()


def main(jobs_path: str) -> int:
    """Speak all lines of a job file; returns the exit status."""
    jobs = json.loads(Path(jobs_path).read_text())
    library = ctypes.CDLL(jobs["library"])
    rate = library.espeak_Initialize(_RETRIEVAL_SYNCHRONOUS, 0, str(jobs["data"]).encode(), _PHONEME_EVENTS)
    if rate <= 0:
        sys.stderr.write(f"espeak_Initialize returned {rate} for data in {jobs['data']}\n")
        return 2
    listener = _Listener()
    library.espeak_SetSynthCallback(listener.callback)
    with Path(jobs["sound"]).open("wb") as sound:
        marks = [_speak(library, Path(jobs["data"]), line, listener, sound) for line in jobs["lines"]]
    Path(jobs["marks"]).write_text(json.dumps({"rate": rate, "lines": marks}))
    return 0


def _speak(
    library: ctypes.CDLL, data: Path, line: dict[str, object], listener: _Listener, sound: BinaryIO
) -> dict[str, object]:
    # One variant file is rewritten for each line: a data folder holds at most 349 voices.
    (data / "voices" / "!v" / _VOICE_FILE).write_text(str(line["variant"]))
    listener.clear()
    status = library.espeak_SetVoiceByName(f"en-us+{_VOICE_FILE}".encode())
    if status != 0:
        raise RuntimeError(f"espeak_SetVoiceByName returned {status} for the private voice in {data}")
    for parameter, key in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "range")):
        library.espeak_SetParameter(parameter, int(str(line[key])), 0)
    library.espeak_SetParameter(_VOLUME, _QUIET, 0)
    # Breath is made of random numbers that are otherwise seeded by the clock.
    library.espeak_ng_SetRandSeed(ctypes.c_long(int(str(line["seed"]))))
    text = str(line["text"]).encode()
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    samples = b"".join(listener.chunks)
    sound.write(samples)
    return {"samples": len(samples) // 2, "phonemes": list(listener.phonemes)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
