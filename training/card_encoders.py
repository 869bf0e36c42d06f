"""The parts of a pack's card about encoders and voice activity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Report = Mapping[str, Any]

MEANINGS = {
    "face": {
        "anywhere": "One face crop asks for the same person in all other frames (any clothes, light, pose); faces of "
        "24 px and more, yaw up to 60 degrees.",
    },
    "head": {
        "in_scene": "In the scene: one crop of a head, from whatever side, asks for the same person in the other "
        "frames of its scene, among the others of the scene.",
        "turned_in_scene": "The same, asked by heads that are turned from the camera by more than 75 degrees, which "
        "show no face that could be asked for.",
        "across": "Across scenes: it asks for the same person in all other scenes, under another hat, or with the hair "
        "up.",
    },
    "body": {
        "in_scene": "In the scene: one body crop asks for the same person in the other frames of its scene, in the "
        "same light and clothes, among the others of the scene.",
        "across": "Across scenes: it asks for the same person in all other scenes, where most wear something else.",
    },
    "voice": {
        "anywhere": "One clip asks for the same voice in all other clips (other words, room, background).",
    },
}
GROUPS = {
    "seen": "of seen templates and words",
    "seen_full": "of these, full",
    "seen_partial": "of these, partial",
    "seen_negated": "of these, negated",
    "seen_synonym": "of these, in other words",
    "held_out_template": "of templates held out",
    "held_out_words": "with words held out",
    "held_out_both": "both held out",
}
SPEAKING = {
    "network": "network",
    "jaw_and_sound": "jaw that follows the sound",
    "mouth_motion": "most moved mouth",
    "largest_face": "largest face",
    "chance": "chance",
}
LABELS = {
    "bag_of_words": "bag of words",
    "network": "network",
    "pixels": "raw pixels",
    "colour_histogram": "colour histogram",
    "mean_mfcc": "mean MFCC",
    "mean_std_mfcc": "mean and spread of MFCC",
    "body_network": "the body's network, on the same people",
    "head_and_body": "head and body, cosines added",
    "chance": "chance",
}


def encoder_part(name: str, figures: Report) -> str:
    """The card's part about one encoder, from the figures of `training.evaluate`."""
    what = "clips" if "clips" in figures else "crops"
    lines = [f"## {name.capitalize()} encoder, {figures[what]} {what} of {figures['identities']} people", ""]
    for task, ways in figures["tasks"].items():
        errors = all("equal_error" in way for way in ways.values())
        lines += [MEANINGS[name][task], ""]
        lines += ["| by | mAP | rank-1 |" + (" equal error rate |" if errors else "")]
        lines += ["|---|---|---|" + ("---|" if errors else "")]
        lines += [_row(way, one) for way, one in ways.items()]
        lines += [""]
    lines += ["| queries (network) | mAP | rank-1 | queries |", "|---|---|---|---|"]
    lines += [
        f"| {group.replace('_', ' ')} | {part['map']:.3f} | {part['rank1']:.3f} | {part['queries']} |"
        for group, part in figures["by_group"].items()
        if part["queries"]
    ]
    return "\n".join([*lines, ""])


def text_part(figures: Report) -> str:
    """The card's part about the text pair, from the figures of `training.evaluate_words`."""
    ways = [way for way in ("network", "bag_of_words", "chance") if way in figures]
    rows = [
        f"| {GROUPS[group]} | {LABELS[way]} | {part['rank1']:.3f} | {part['rank10']:.3f} | {part['map']:.3f} "
        f"| {part['queries']} |"
        for group in GROUPS
        for way in ways
        if (part := figures[way][group])["queries"]
    ]
    return "\n".join(
        [
            f"## Search by words, {figures['gallery']} crops of {figures['people']} persons in outfits",
            "",
            "One sentence asks for the crops of whom it describes, in those clothes, among all crops of `test`. Many "
            "sentences fit several people. The bag of words knows colours of six bands of the body and which words "
            "go with them.",
            "",
            "| sentences | by | R@1 | R@10 | mAP | queries |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def activity_part(figures: Report) -> str:
    """The card's part about voice activity."""
    rows = [
        f"| {label} | {figures[key]['error']:.3f} | {figures[key]['miss']:.3f} | {figures[key]['false_alarm']:.3f} |"
        for key, label in (("network", "network, threshold from `val`"), ("loudness", "loudness, its best threshold"))
    ]
    return "\n".join(
        [
            f"## Voice activity, {figures['frames']} frames of 10 ms",
            "",
            f"In {figures['clips']} clips, with words and without; {100 * figures['speech_share']:.0f} % of the frames "
            f"are speech. Threshold of the network: {figures['network']['threshold']}.",
            "",
            "| by | wrong frames | speech missed | false alarms |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def speaking_part(figures: Report) -> str:
    """The card's part about the active-speaker network, from the figures of `training.evaluate_speaking`."""
    lines, moments = figures["lines"], figures["moments"]
    rows = [
        f"| {SPEAKING[way]} | {part['share']:.3f} | {part['interval'][0]:.3f} to {part['interval'][1]:.3f} |"
        for way, part in lines["right"].items()
    ]
    return "\n".join(
        [
            f"## Who speaks, {lines['lines']} lines of {len(figures['films'])} films",
            "",
            "Each line that somebody in the picture says, among at least two, asks who it is; mouths alone answer, "
            "line by line. The product adds what it knows of voices and of the rest of the film.",
            "",
            "| by | right | 95 % |",
            "|---|---|---|",
            *rows,
            "",
            f"Of {moments['faces']} faces, one each 40 ms, {100 * moments['speaking']:.0f} % speak; average precision "
            f"of the network {moments['average_precision']:.3f}.",
            "",
        ]
    )


def _row(way: str, figures: Report) -> str:
    if not figures["queries"]:
        return f"| {LABELS[way]} | no query has an answer | |"
    text = f"| {LABELS[way]} | {figures['map']:.3f} | {figures['rank1']:.3f} |"
    return text + (f" {figures['equal_error']:.3f} |" if "equal_error" in figures else "")
