"""Speak lines with eSpeak NG in a process of its own (the library is GPL and is never loaded into SynthCast itself).

Run as `python espeak_worker.py JOBS`, where JOBS is a JSON file of `{"library", "data", "lines": [...]}`; each line has
`text`, `variant` (the text of a voice variant file), `rate`, `pitch`, `range` and `out` (a file for raw int16 samples).
Prints the sample rate. Imports nothing of the project.
"""

import ctypes
import json
import sys
from collections.abc import Callable
from pathlib import Path

_RETRIEVAL_SYNCHRONOUS = 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_VOICE_FILE = "person"


def main(jobs_path: str) -> int:
    """Speak all lines of a job file; returns the exit status."""
    jobs = json.loads(Path(jobs_path).read_text())
    library = ctypes.CDLL(jobs["library"])
    rate = library.espeak_Initialize(_RETRIEVAL_SYNCHRONOUS, 0, str(jobs["data"]).encode(), 0)
    if rate <= 0:
        sys.stderr.write(f"espeak_Initialize returned {rate} for data in {jobs['data']}\n")
        return 2
    chunks: list[bytes] = []
    callback = _collector(chunks)
    library.espeak_SetSynthCallback(callback)
    for line in jobs["lines"]:
        _speak(library, Path(jobs["data"]), line, chunks)
    sys.stdout.write(f"{rate}\n")
    return 0


def _collector(chunks: list[bytes]) -> "ctypes._FuncPointer":
    kind: Callable[..., ctypes._FuncPointer] = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )

    def take(wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: object) -> int:
        if count > 0:
            chunks.append(ctypes.string_at(wave, 2 * count))
        return 0

    return kind(take)


def _speak(library: ctypes.CDLL, data: Path, line: dict[str, object], chunks: list[bytes]) -> None:
    (data / "voices" / "!v" / _VOICE_FILE).write_text(str(line["variant"]))
    chunks.clear()
    status = library.espeak_SetVoiceByName(f"en-us+{_VOICE_FILE}".encode())
    if status != 0:
        raise RuntimeError(f"espeak_SetVoiceByName returned {status} for the private voice in {data}")
    for parameter, key in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "range")):
        library.espeak_SetParameter(parameter, int(str(line[key])), 0)
    text = str(line["text"]).encode()
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    Path(str(line["out"])).write_bytes(b"".join(chunks))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
