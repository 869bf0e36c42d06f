"""Fit what the sound says of a mouth: ``python -m tools.fit_mouths --out services/ingest/pipeline/mouths.npz``.

Lines are spoken by people of the casts 110 to 119 (training seeds), with noise; the last fifth of them is kept for the
test. Prints how well the jaw is known on those.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import lfilter, resample_poly

from services.ingest.pipeline.mouth_reader import bands_of, sound_features
from synthetic.identity import make_identity
from synthetic.sound.visemes import mouth_track
from synthetic.sound.voice import Line, draw_mood, speak
from synthetic.sound.words import make_text

FPS, FRAME, EARLY = 25, 640, 4
RIDGE = 300.0
LINES, TEST_SHARE = 450, 0.2


def lines(count: int) -> Iterator[tuple[Any, Any]]:
    """Spoken lines, float32[640 N] at 16 kHz, and their jaw at 25 frames a second, float32[N]."""
    random = np.random.default_rng(5)
    asked = []
    for _ in range(count):
        person = make_identity(int(random.integers(110, 120)), int(random.integers(0, 40)))
        asked.append(Line(person, make_text(random), draw_mood(random)))
    for spoken in speak(asked):
        sound = resample_poly(spoken.sound, 1, 3).astype(np.float32)
        frames = -(-len(sound) // FRAME) + 2 * EARLY
        mouth = mouth_track(spoken, frames, FPS, offset_s=EARLY / FPS)
        padded = np.zeros(frames * FRAME, np.float32)
        padded[EARLY * FRAME :][: len(sound)] = sound
        yield padded, mouth.jaw


def fit_sound(pairs: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """Ridge regression on noisy lines."""
    random = np.random.default_rng(0)
    rows, wanted, numbers = [], [], []
    for number, (clean, mouth) in enumerate(pairs):
        noise = lfilter([1.0], [1.0, -random.uniform(0.0, 0.97)], random.normal(size=len(clean)))
        voice = lfilter([1.0, random.uniform(-0.4, 0.4)], [1.0], clean / clean.std())
        mixed = voice + noise / noise.std() * 10.0 ** (-random.uniform(10.0, 30.0) / 20.0)
        bands = bands_of((random.uniform(0.03, 0.12) * mixed).astype(np.float32))
        frames = np.asarray(4.0 * np.arange(len(mouth)), dtype=np.float64)
        rows.append(sound_features(bands - bands.mean(axis=0), frames))
        wanted.append(mouth)
        numbers += [number] * len(mouth)
    features, goals = np.concatenate(rows), np.concatenate(wanted)
    test = np.array(numbers) >= (1.0 - TEST_SHARE) * len(pairs)
    mean, spread = features[~test].mean(axis=0), features[~test].std(axis=0)
    standard = np.concatenate([(features - mean) / spread, np.ones((len(features), 1))], axis=1)
    left = standard[~test].T @ standard[~test] + RIDGE * np.eye(standard.shape[1])
    linear = np.linalg.solve(left, standard[~test].T @ goals[~test])
    print(f"jaw: correlation {np.corrcoef(standard[test] @ linear, goals[test])[0, 1]:.3f}")
    return {"linear": linear, "mean": mean, "spread": spread}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and write the weights as float16."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the file of weights")
    options = parser.parse_args(arguments)
    weights = fit_sound(list(lines(LINES)))
    np.savez_compressed(options.out, **{name: one.astype(np.float16) for name, one in weights.items()})


if __name__ == "__main__":
    main()
