"""How the pipeline works, in numbers. Defaults were chosen on SynthCast films of seeds 100 to 119, 7101 and 8103."""

from __future__ import annotations

from dataclasses import dataclass, field

from packs.spec import Modality

__all__ = [
    "DecodeSettings",
    "LikenessSettings",
    "MotionSettings",
    "MouthSettings",
    "ObservationSettings",
    "PipelineSettings",
    "RelinkSettings",
    "SpeakerSettings",
    "SpeechSettings",
    "TrackerSettings",
]


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How frames are read and grouped.

    Attributes:
        analysis_rate_hz: Frames a second that are analysed, as near as whole frames allow; 12.5 is every second
            frame of a film at 25/s. At 5 a second a tracker loses people who cross.
        glimpse_rate_hz: Frames a second, at most, in which mouths are looked at.
        longest_side_px: Frames are shrunk to this before they are analysed.
        batch: Analysed frames in one chunk.
        cut_threshold: ContentDetector's threshold; higher finds fewer cuts. Its usual 27 misses cuts inside one room.
        shortest_shot_frames: Frames after a cut in which no other is looked for.
        longest_segment_s: A longer shot is split, so that memory and checkpoints stay bounded.
        threads: Threads of the video decoder; 0 lets it decide.
    """

    analysis_rate_hz: float = 12.5
    glimpse_rate_hz: float = 25.0
    longest_side_px: int = 1920
    batch: int = 8
    cut_threshold: float = 15.0
    shortest_shot_frames: int = 6
    longest_segment_s: float = 60.0
    threads: int = 2


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """How detections become tracks.

    Attributes:
        high_score: A detection from here on may begin a track and is matched first.
        low_score: A weaker detection from here on only continues a track.
        face_score: Least score of a face.
        head_score: Least score of a head.
        gate: Least similarity, in [0, 1], of a track's expected box and a detection.
        low_gate: Least intersection over union for a weak detection.
        appearance_weight: Share of the clothes in the similarity; the rest is overlap.
        evidence_share: Share of the calibrated evidence of a body's embedding that counts.
        memory_s: A track that is not seen for so long is over; re-linking may still join what follows.
        least_frames: A track with fewer analysed frames is noise.
        crossing_enter: Share of the smaller box inside the other from which on two people are crossing.
        crossing_leave: Share below which they have come apart, and begin anew for re-linking.
    """

    high_score: float = 0.5
    low_score: float = 0.15
    face_score: float = 0.4
    head_score: float = 0.4
    gate: float = 0.25
    low_gate: float = 0.4
    appearance_weight: float = 0.6
    evidence_share: float = 0.5
    memory_s: float = 2.0
    least_frames: int = 4
    crossing_enter: float = 0.5
    crossing_leave: float = 0.3


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """How people are believed to move. Lengths are in heights of the person, speeds in heights a second.

    Attributes:
        window_s: So much of a path says where it leads.
        box_sd: How far a box lies from the person, as a standard deviation, each box by itself.
        bias_sd: How far the boxes of an end lie from the person together: half hidden, a person looks narrower.
        speed_sd_s: How fast people are.
        drift_sd_s: How far they stray from a straight line in a second.
        change_sd_s: How much their speed changes.
        others_sd: How far from there others are: middle, foot, logarithm of the height.
        others_speed_sd_s: How much the speed of others differs, in the same order.
        surprise: Probability that somebody moves in quite another way.
        most_evidence: Most that motion may say, in nats.
        tangled_share: Share of the smaller of two boxes inside the other from which on a box may be somebody else's.
        fitting_iou: Least intersection over union of a box and the place to which a path leads.
        beyond_s: How long a path is believed to go on after its end.
    """

    window_s: float = 0.5
    box_sd: float = 0.05
    bias_sd: float = 0.05
    speed_sd_s: float = 0.5
    drift_sd_s: float = 0.1
    change_sd_s: float = 0.15
    others_sd: tuple[float, float, float] = (0.5, 0.15, 0.15)
    others_speed_sd_s: tuple[float, float, float] = (0.4, 0.1, 0.1)
    surprise: float = 0.03
    most_evidence: float = 4.0
    tangled_share: float = 0.25
    fitting_iou: float = 0.5
    beyond_s: float = 0.5


@dataclass(frozen=True, slots=True)
class RelinkSettings:
    """How fragments of one shot are joined, by what they look like and where they go.

    Attributes:
        longest_gap_s: Fragments further apart stay apart.
        out_of_frame_s: The same for a person who left through the edge of the picture.
        least_evidence: Least log-odds (nats at even odds) of "same person" for a join.
        reach_heights_s: How far a person may have come in the gap, in body heights a second.
        continuity: What the tracker's belief counts that a track goes on after a crossing, in nats.
        most_looks: Most that the embeddings may say for or against, in nats.
        motion: How people move.
    """

    longest_gap_s: float = 4.0
    out_of_frame_s: float = 1.0
    least_evidence: float = 1.0
    reach_heights_s: float = 1.0
    continuity: float = 2.0
    most_looks: float = 6.0
    motion: MotionSettings = field(default_factory=MotionSettings)


@dataclass(frozen=True, slots=True)
class ObservationSettings:
    """Which crops of a tracklet are kept.

    Attributes:
        faces: Most face crops of a tracklet.
        heads: Most head crops.
        bodies: Most body crops.
        least_face_px: Narrower faces are not embedded.
        least_head_px: Narrower heads are not embedded.
        least_body_px: Lower bodies are not embedded.
        key_frame_px: Longest side of a key frame's picture.
        key_frame_quality: JPEG quality of it.
        key_box_rate_hz: Key boxes a second; the path between two is straight.
        key_box_smoothing_s: Over how long, as a standard deviation, a person's boxes are smoothed; 0 leaves them.
        blur_tells: Whether the quality of a face falls with what its crop has lost by blur too (`aggregate`).
    """

    faces: int = 8
    heads: int = 4
    bodies: int = 6
    least_face_px: float = 16.0
    least_head_px: float = 16.0
    least_body_px: float = 40.0
    key_frame_px: int = 960
    key_frame_quality: int = 85
    key_box_rate_hz: float = 5.0
    key_box_smoothing_s: float = 0.25
    blur_tells: bool = True

    def most(self, modality: Modality) -> int:
        """Most crops of a modality that a tracklet keeps."""
        return {Modality.FACE: self.faces, Modality.HEAD: self.heads}.get(modality, self.bodies)


@dataclass(frozen=True, slots=True)
class MouthSettings:
    """How mouths are watched.

    Attributes:
        least_face_px: The mouth of a narrower face shows nothing.
        bridged_s: A face that is missed for so long is taken to have moved straight.
    """

    least_face_px: float = 18.0
    bridged_s: float = 0.25


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """How speech is cut into pieces, and joined again.

    Attributes:
        goes_on_share: Speech that began at the pack's threshold goes on down to this share of it.
        bridged_s: A shorter pause does not end a piece.
        least_s: A shorter piece is no speech.
        joined_s: Pieces of one speaker that are no further apart are one span.
        least_alone_s: Shorter speech of nobody on screen makes no appearance.
        least_clip_s: The voice of a shorter piece is not listened to by itself.
    """

    goes_on_share: float = 0.9
    bridged_s: float = 0.08
    least_s: float = 0.2
    joined_s: float = 0.4
    least_alone_s: float = 0.3
    least_clip_s: float = 0.4


@dataclass(frozen=True, slots=True)
class LikenessSettings:
    """Who of a film looks like whom.

    Attributes:
        rare: Natural-log odds that two people of two shots are one person, before they are looked at.
        face: Share of a face's calibrated evidence.
        body: Share of a body's.
        most: Most that each may say, in nats.
        least_body: Most that a body may say against: clothes change between scenes.
    """

    rare: float = -3.0
    face: float = 1.0
    body: float = 1.0
    most: float = 6.0
    least_body: float = 3.0


@dataclass(frozen=True, slots=True)
class SpeakerSettings:
    """Who speaks.

    The weights of mouths were fitted on SynthCast films 7101, 8101 and 8102, those with an active-speaker network on
    101, 104 and 105, which it had not learned from; what people and voices count was chosen on 7102, 8103 and 9401, as
    the whole pipeline sees them.

    Attributes:
        weights: Of the evidence for a person, in the order of `speakers.EVIDENCE`.
        off_screen: What speaks for nobody who can be seen.
        watched_weights: The same of a pack with an active-speaker network.
        watched_off_screen: Likewise.
        voice: Share of what a voice's other pieces say.
        most_voice: Most that two voices may say, in nats.
        kin_nats: From here on, about, two pieces are of one voice.
        most_kin: So many pieces of one voice count as independent witnesses.
        unseen: Probability that somebody who is not in the picture is one who was in another.
        unseen_twice: Probability that two speakers out of the picture are one.
        at_once: What speaks for one speaker of two pieces that follow each other at once.
        at_once_s: A pause up to which they do.
        least_sure: A person is linked to speech from this probability on.
        most_partners: So many other pieces are asked, at most: memory stays bounded.
        rounds: Steps of the mean field.
        likeness: Of the people.
    """

    weights: tuple[float, ...] = (0.87, -1.69, 1.9, 4.51)
    off_screen: float = 0.82
    watched_weights: tuple[float, ...] = (0.16, -0.35, 1.53, 3.29, 0.82)
    watched_off_screen: float = 0.18
    voice: float = 0.7
    most_voice: float = 6.0
    kin_nats: float = 1.0
    most_kin: float = 5.0
    unseen: float = 0.12
    unseen_twice: float = 0.05
    at_once: float = 1.0
    at_once_s: float = 0.14
    least_sure: float = 0.6
    most_partners: int = 160
    rounds: int = 24
    likeness: LikenessSettings = field(default_factory=LikenessSettings)

    def weights_for(self, columns: int) -> tuple[tuple[float, ...], float]:
        """Weights of so many columns of evidence, and what speaks for nobody who can be seen."""
        watched = columns == len(self.watched_weights)
        return (self.watched_weights, self.watched_off_screen) if watched else (self.weights, self.off_screen)


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """All of the pipeline.

    Attributes:
        checkpoint_s: Finished shots are committed together once they hold this much video.
    """

    decode: DecodeSettings = field(default_factory=DecodeSettings)
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    relink: RelinkSettings = field(default_factory=RelinkSettings)
    observations: ObservationSettings = field(default_factory=ObservationSettings)
    mouths: MouthSettings = field(default_factory=MouthSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    speakers: SpeakerSettings = field(default_factory=SpeakerSettings)
    checkpoint_s: float = 10.0
