"""The truth file of a film (schema "synthcast/1", described in SCHEMA.md)."""

import json
from pathlib import Path
from typing import Any, Final

from synthetic.film.script import FPS, Script
from synthetic.film.shoot import Observed
from synthetic.film.sound import Speech
from synthetic.truth import Box
from synthetic.types import FRAME_HEIGHT, FRAME_WIDTH, WORLD_VERSION

SCHEMA: Final = "synthcast/1"
GONE_FRAMES: Final = FPS
"""Out of the frame for longer than this many frames, a person who returns is a new tracklet."""
FACE_MIN_PX: Final = 24.0
FACE_MIN_VISIBILITY: Final = 0.7
FACE_MAX_YAW_DEG: Final = 60.0
FACE_MIN_FRAMES: Final = 5
Json = dict[str, Any]


def build_truth(
    script: Script, observed: dict[int, list[Observed]], speeches: list[Speech], queries: list[Json]
) -> Json:
    """Assemble the truth of a film; `observed` maps shot numbers to what was seen in them."""
    spec = script.spec
    tracklets = [t for shot in script.shots for t in _tracklets(script, shot.number, observed[shot.number])]
    return {
        "schema": SCHEMA,
        "world_version": WORLD_VERSION,
        "film": {
            "seed": spec.seed,
            "cast_seed": spec.cast_seed,
            "width": FRAME_WIDTH,
            "height": FRAME_HEIGHT,
            "fps": FPS,
            "frames": spec.frames,
            "duration_s": round(spec.frames / FPS, 3),
        },
        "identities": [{"identity_id": p.identity_id, "attributes": p.attributes()} for p in script.cast],
        "scenes": [
            {
                "scene_id": s.scene_id,
                "start_frame": s.start,
                "end_frame": s.end,
                "outfits": {script.cast[k].identity_id: outfit.outfit_id for k, outfit in sorted(s.outfits.items())},
            }
            for s in script.scenes
        ],
        "shots": [
            {
                "shot_id": s.shot_id,
                "scene_id": script.scenes[s.scene].scene_id,
                "start_frame": s.start,
                "end_frame": s.end,
            }
            for s in script.shots
        ],
        "tracklets": tracklets,
        "speech": [_speech(script, speech, tracklets) for speech in speeches],
        "queries": queries,
    }


def write_truth(truth: Json, path: Path) -> None:
    """Write the truth; the same truth gives the same bytes, and the file appears whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(truth, sort_keys=True, separators=(",", ":")) + "\n")
    part.replace(path)


def face_is_visible(rows: list[Observed]) -> bool:
    """Whether a tracklet shows its face: large, uncovered and turned to the camera in at least five frames."""
    good = 0
    for row in rows:
        s = row.seen
        if s.face is None or s.face[2] - s.face[0] < FACE_MIN_PX:
            continue
        good += s.face_visibility >= FACE_MIN_VISIBILITY and abs(s.yaw_deg) < FACE_MAX_YAW_DEG
    return good >= FACE_MIN_FRAMES


def _tracklets(script: Script, number: int, rows: list[Observed]) -> list[Json]:
    shot = script.shots[number]
    outfits = script.scenes[shot.scene].outfits
    out = []
    for person in shot.people:
        own = [row for row in rows if row.person == person and row.seen.person is not None]
        for k, run in enumerate(_runs(own)):
            who = script.cast[person].identity_id
            out.append(
                {
                    "tracklet_id": f"{shot.shot_id}-{who}-{k}",
                    "identity_id": who,
                    "shot_id": shot.shot_id,
                    "outfit_id": outfits[person].outfit_id,
                    "start_frame": run[0].frame,
                    "end_frame": run[-1].frame + 1,
                    "face_visible": face_is_visible(run),
                    "frames": _columns(run),
                }
            )
    return out


def _runs(rows: list[Observed]) -> list[list[Observed]]:
    """Split the frames of a person where they were gone for more than a second."""
    runs: list[list[Observed]] = []
    for row in rows:
        if runs and row.frame - runs[-1][-1].frame <= GONE_FRAMES:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _columns(run: list[Observed]) -> Json:
    return {
        "index": [row.frame for row in run],
        "person": [_round(row.seen.person) for row in run],
        "head": [_round(row.seen.head) for row in run],
        "face": [_round(row.seen.face) for row in run],
        "visibility": [round(row.seen.visibility, 3) for row in run],
        "face_visibility": [round(row.seen.face_visibility, 3) for row in run],
        "yaw_deg": [round(row.seen.yaw_deg, 1) for row in run],
    }


def _round(box: Box | None) -> list[float] | None:
    return None if box is None else [round(float(v), 1) for v in box]


def _speech(script: Script, speech: Speech, tracklets: list[Json]) -> Json:
    """Describe an utterance; linked to the speaker's tracklet that is on screen while it lasts."""
    who, shot_id = script.cast[speech.person].identity_id, script.shots[speech.shot].shot_id
    middle = (speech.start_s + speech.end_s) / 2 * FPS
    mine = [
        t
        for t in tracklets
        if t["identity_id"] == who and t["shot_id"] == shot_id and t["start_frame"] <= middle < t["end_frame"]
    ]
    linked = mine[0]["tracklet_id"] if mine and speech.on_screen else None
    return {"start_s": speech.start_s, "end_s": speech.end_s, "identity_id": who, "tracklet_id": linked}
