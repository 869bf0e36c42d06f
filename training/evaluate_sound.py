"""The figures of the networks that hear, on voices that neither training nor calibration has heard."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.naive import mean_mfcc, mean_std_mfcc
from packs.manifest import Pack
from training.data.voices import VoiceSet
from training.measure.evidence import equal_error_rate
from training.measure.people import people_groups
from training.measure.retrieval import Retrieval, chance, retrieve
from training.measure.served import F32, unit
from training.measure.voices import (
    Keys,
    best_threshold,
    embed_clips,
    frame_errors,
    loudness_of_clips,
    seconds_of_speech,
    speech_of_clips,
)


def voice_figures(pack: Pack, voices: VoiceSet) -> dict[str, Any]:
    """Retrieval of single clips among all clips in which somebody speaks, beside baselines that need no training."""
    rows = voices.spoken
    identity = voices.identity[rows].astype(np.int64)
    clips = [voices.clip(row) for row in rows.tolist()]
    ways = {
        "network": unit(embed_clips(pack, voices, rows)),
        "mean_mfcc": mean_mfcc(clips),
        "mean_std_mfcc": mean_std_mfcc(clips),
        "chance": chance(len(rows)),
    }
    found = {name: retrieve(vectors, identity, same_view=np.arange(len(rows))) for name, vectors in ways.items()}
    network = found["network"]
    return {
        "clips": len(rows),
        "identities": len(np.unique(identity)),
        "tasks": {
            "anywhere": {
                name: one.figures() | {"equal_error": round(_equal_error(ways[name], identity), 4)}
                for name, one in found.items()
            }
        },
        "by_group": {name: network.figures(mask) for name, mask in _groups(voices, rows, network).items()},
    }


def activity_figures(pack: Pack, voices: VoiceSet) -> dict[str, Any]:
    """Errors per frame at the pack's threshold; the baseline's threshold is chosen where it does best, on this set."""
    hearing = pack.manifest.hearing
    if hearing is None:
        raise ValueError(f"pack {pack.name} has no operating point for voice activity: calibrate it first")
    speech = speech_of_clips(pack, voices)
    loudness = loudness_of_clips(voices)
    return {
        "clips": len(voices),
        "frames": len(voices.speech),
        "speech_share": round(float(voices.speech.mean()), 4),
        "network": asdict(frame_errors(speech, voices.speech, hearing.threshold)),
        "loudness": asdict(frame_errors(loudness, voices.speech, best_threshold(loudness, voices.speech))),
    }


def _equal_error(vectors: F32, identity: Keys) -> float:
    first, second = np.triu_indices(len(identity), k=1)
    same = identity[first] == identity[second]
    cosines = (vectors @ vectors.T)[first, second]
    return equal_error_rate(cosines, same)


def _groups(voices: VoiceSet, rows: Keys, network: Retrieval) -> dict[str, NDArray[np.bool_]]:
    asked = rows[network.queries]
    seconds = seconds_of_speech(voices, asked)
    snr_db = voices.snr_db[asked]
    masks = {
        "speech_under_1_s": seconds < 1.0,
        "speech_1_to_2_s": (seconds >= 1.0) & (seconds < 2.0),
        "speech_2_s_and_more": seconds >= 2.0,
        "snr_under_10_db": snr_db < 10.0,
        "snr_10_to_20_db": (snr_db >= 10.0) & (snr_db < 20.0),
        "snr_20_db_and_more": snr_db >= 20.0,
    }
    return masks | people_groups([voices.attributes[who] for who in voices.identity[asked].tolist()])
