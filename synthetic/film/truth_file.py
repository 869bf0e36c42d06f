"""The truth file of a film (schema "synthcast/2", described in SCHEMA.md)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from synthetic.describe import describe
from synthetic.film.script import FPS, Scene, Script, Shot
from synthetic.film.shoot import Observed
from synthetic.sound.scene import Speech
from synthetic.truth import Box
from synthetic.types import FRAME_HEIGHT, FRAME_WIDTH, WORLD_VERSION, generator

SCHEMA: Final = "synthcast/2"
GONE_FRAMES: Final = FPS
"""Out of the frame for longer than this many frames, a person who returns is a new tracklet."""
FACE_MIN_PX: Final = 24.0
FACE_MIN_VISIBILITY: Final = 0.7
FACE_MAX_YAW_DEG: Final = 60.0
FACE_MIN_FRAMES: Final = 5
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where and when a fixed camera filmed; all None for a film that is no such recording.

    `recorded_at` is what the camera's clock said at frame 0 (ISO 8601, UTC), `clock_offset_s` how far it was ahead.
    """

    camera_id: str | None = None
    site: str | None = None
    recorded_at: str | None = None
    clock_offset_s: float | None = None

    def to_json(self) -> Json:
        """Return the fields as they stand in the truth file."""
        return asdict(self)


NOWHERE: Final = Whereabouts()


def build_truth(
    script: Script,
    observed: dict[int, list[Observed]],
    speeches: list[Speech],
    queries: list[Json],
    where: Whereabouts = NOWHERE,
) -> Json:
    """Assemble the truth of a film; `observed` maps shot numbers to what was seen in them."""
    spec = script.spec
    tracklets = [t for shot in script.shots for t in _tracklets(script, shot, observed[shot.number])]
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
            **where.to_json(),
        },
        "identities": [{"identity_id": p.identity_id, "attributes": p.attributes()} for p in script.cast],
        "scenes": [_scene(script, scene) for scene in script.scenes],
        "shots": [
            {
                "shot_id": s.shot_id,
                "scene_id": script.scenes[s.scene].scene_id,
                "kind": s.kind,
                "start_frame": s.start,
                "end_frame": s.end,
                "transition": s.transition,
                "transition_frames": s.transition_frames,
            }
            for s in script.shots
        ],
        "tracklets": tracklets,
        "speech": [_speech(script, speech, tracklets) for speech in speeches],
        "queries": queries,
    }


def _scene(script: Script, scene: Scene) -> Json:
    return {
        "scene_id": scene.scene_id,
        "start_frame": scene.start,
        "end_frame": scene.end,
        "dark": scene.dark,
        "outfits": {script.cast[k].identity_id: outfit.outfit_id for k, outfit in sorted(scene.outfits.items())},
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


def _tracklets(script: Script, shot: Shot, rows: list[Observed]) -> list[Json]:
    spec, outfits = script.spec, script.scenes[shot.scene].outfits
    by_person: dict[int, list[Observed]] = {person: [] for person in shot.people}
    for row in rows:
        if row.seen.person is not None:
            by_person[row.person].append(row)
    out = []
    for person, own in by_person.items():
        rng = generator(spec.cast_seed, spec.seed, 603, shot.number, person)
        who = script.cast[person].identity_id
        for k, run in enumerate(_runs(own)):
            out.append(
                {
                    "tracklet_id": f"{shot.shot_id}-{who}-{k}",
                    "identity_id": who,
                    "shot_id": shot.shot_id,
                    "outfit_id": outfits[person].outfit_id,
                    "start_frame": run[0].frame,
                    "end_frame": run[-1].frame + 1,
                    "face_visible": face_is_visible(run),
                    "descriptions": [s.to_json() for s in describe(rng, script.cast[person], outfits[person])],
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
    """Describe an utterance; linked to the tracklets that are on screen in its middle."""
    mouth = None if speech.mover is None else _on_screen(script, speech, speech.mover, tracklets)
    own = mouth if speech.mover == speech.person else None
    return {
        "start_s": speech.start_s,
        "end_s": speech.end_s,
        "identity_id": script.cast[speech.person].identity_id,
        "tracklet_id": own,
        "on_screen": own is not None,
        "dubbed": speech.dubbed,
        "mouth_tracklet_id": mouth,
        "text": speech.spoken.text,
        "snr_db": round(speech.snr_db, 1),
    }


def _on_screen(script: Script, speech: Speech, person: int, tracklets: list[Json]) -> str | None:
    who, shot_id = script.cast[person].identity_id, script.shots[speech.shot].shot_id
    middle = (speech.start_s + speech.end_s) / 2 * FPS
    for t in tracklets:
        if t["identity_id"] == who and t["shot_id"] == shot_id and t["start_frame"] <= middle < t["end_frame"]:
            return str(t["tracklet_id"])
    return None
