"""Numbers of a search. Each may be set by the environment: PERSONSEARCH_RETRIEVAL__SEED_PROBABILITY=0.6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from packs.log_odds import LogOddsMap
from services.runtime.settings import Section, StackSettings

Probability = Annotated[float, Field(ge=0.0, le=1.0)]

# What the scores of the demo pack's answers mean, by task and kind of question (`answering`); what is not here stays as
# it is. Fitted by `python -m evaluation answers` on every second query: the mean of films 9601, 9602 and 9911 to 9918
# as one gallery, and of 101, 102, 104, 7101, 7102, 8101 and 8102 as another. They hold for the pack of this digest;
# with another, scores stay as they are until its own are fitted and set.
# There is none for descriptions: where all who answer one share it (`described`), scores are probabilities already
# (calibration error 0.009, 0.035 and 0.091 in galleries of eight, four and two films; 9911 to 9918, 9601 and 9602).
ANSWERS_OF = "f3abe0853514"
DEFAULT_ANSWERS: Mapping[str, LogOddsMap] = {
    "seen.portrait": LogOddsMap(values=(-7.57, -5.87, -4.53, -2.90, -1.54, -0.76, 0.30, 2.14, 3.57, 5.32)),
    "heard.portrait": LogOddsMap(values=(-5.63, -5.06, -4.53, -2.09, -0.68, 0.45, 0.88, 2.00, 3.76, 5.37)),
    "seen_and_heard.portrait": LogOddsMap(values=(-9.22, -7.42, -5.92, -3.89, -1.89, -0.00, 0.72, 1.58, 3.42, 5.14)),
    "seen.voice": LogOddsMap(values=(-7.37, -4.92, -3.65, -3.32, -2.10, -1.17, 0.33, 2.36, 4.23, 5.90)),
    "heard.voice": LogOddsMap(values=(-4.62, -3.85, -3.66, -2.65, -1.81, -0.84, 0.92, 2.41, 4.82, 6.63)),
    "seen_and_heard.voice": LogOddsMap(values=(-8.83, -7.29, -6.49, -5.73, -4.01, -0.74, 0.38, 1.80, 4.82, 6.55)),
    "seen.hit": LogOddsMap(values=(-7.82, -6.08, -5.21, -4.06, -3.41, -3.28, -1.12, 1.33, 3.09, 4.49)),
    "heard.hit": LogOddsMap(values=(-6.70, -4.94, -4.16, -3.33, -3.28, -2.46, -0.50, 1.29, 3.05, 3.41)),
    "seen_and_heard.hit": LogOddsMap(values=(-8.93, -6.13, -4.44, -4.39, -3.77, -2.30, -0.21, 1.68, 3.13, 3.43)),
}


class PortraitSettings(Section):
    """How a portrait is read.

    Attributes:
        max_bytes: Largest encoded picture.
        max_pixels: Most pixels, by the picture's header, before anything is decoded.
        working_side: A picture whose longer side is more than this is shrunk to it, in pixels.
        background_ratio: A face whose longer side is under this share of the largest one's is background.
        pick_iou: Least overlap of the face asked for with a face that was found.
        views: Factors on the face's box; each view and its mirror image is embedded, and the mean is the query.
            More than one view changed nothing that three films could show.
        decoders: Pictures and sounds decoded at the same time.
    """

    max_bytes: PositiveInt = 16 * 2**20
    max_pixels: PositiveInt = 50_000_000
    working_side: PositiveInt = 1600
    background_ratio: Probability = 0.25
    pick_iou: Probability = 0.3
    views: Annotated[tuple[PositiveFloat, ...], Field(min_length=1, max_length=8)] = (1.0,)
    decoders: PositiveInt = 2


class VoiceSettings(Section):
    """How a voice clip is read.

    Attributes:
        max_bytes: Largest encoded clip.
        max_s: Most seconds of it that are heard.
        reach_s: How far into a clip the span may begin that is heard: all before it is decoded too.
        least_speech_s: With less speech nobody can be told; the clip is refused.
        gap_s: A pause up to this long does not end a stretch of speech.
    """

    max_bytes: PositiveInt = 12 * 2**20
    max_s: PositiveFloat = 60.0
    reach_s: PositiveFloat = 600.0
    least_speech_s: PositiveFloat = 0.3
    gap_s: Annotated[float, Field(ge=0.0)] = 0.3


class SearchSettings(Section):
    """How far a search looks.

    Attributes:
        minimum_limit: Neighbours asked of each index at least, whatever top_k is.
        limit_factor: Neighbours per hit asked for: some are filtered, pushed down or not committed yet.
        maximum_limit: Neighbours asked of each index at most; more than Milvus's own 16,384 it
            cannot be. At top_k 1000 galleries of up to 2000 tracklets are ranked completely.
        seed_probability: Direct matches of at least this probability are expanded.
        max_seeds: Most direct matches that are expanded, the strongest.
        max_hops: Most associations in a chain.
        max_nodes: Most appearances that one expansion may touch.
        nodes_per_neighbour: Nor more than so many for each neighbour that is asked of an index: an answer of 50 hits
            asks 100, and its expansion reads the associations of 400.
        min_edge_probability: Weaker associations are not followed. Without anybody who competed it was 0.6; where
            others may claim what is reached (`contest`), weak associations do more good than harm: on films 9601 to
            9605, offline and by pack 0.4.0, mAP of a portrait 0.69, 0.75, 0.80 and 0.84 at 0.6, 0.5, 0.3 and 0.2.
        min_edge_alone: The same for a query without a face or a voice, by which nobody can be told to be somebody else.
        adopt_below: A hit whose face is less clear than this (0..1, by `contradiction_quality`) takes the face of an
            appearance to which associations lead.
        adopt_probability: The least probability of these, times the clearness of that face. Of 464 such faces in films
            of 84 people 94 to 100 in 100 are the hit's own from 0.9 on, as they say, and 62 below.
        adopt_nodes: Most appearances that are touched for it.
        max_rivals: Most appearances that one query is compared with to know who is somebody else.
        near_mib: Room for faces, and as much for voices, that queries were compared with: at 256 numbers each a MiB is
            for 1,024 of them.
        near_recheck_s: How long they may be kept after their video is gone from the index.
        near_pause_s: What lies between two reads of four videos each, when all that there is room for is read after the
            first query of a gallery.
        stop_probability: A chain that has sunk below this is not followed.
        expansion_timeout_s: Longest time for all associations of a query; then the answer has what was reached.
        one_person_from: Appearances that are joined by an association of at least this are one person, where those who
            answer a description compete.
        contradiction_weight: How much a long-term modality that speaks against (a clear, different face) takes from
            what a short-term chain says, per nat of its log-likelihood ratio; 0 ignores it.
        contradiction_limit: Most nats that it can take.
        contradiction_quality: Quality of an appearance's embedding up to which it contradicts nothing, and from which
            on it does so fully: faces that are small or turned away look different from themselves too.
        answers: By task and kind of question (`answering.kind_of`, for example "seen.portrait"), what scores mean.
        competition_sharpness: Exponent of the competition between the person asked for and a rejected one.
        fusion_timeout_s: Longest wait for a fusion service in another process.
        short_term_window_s: Reach of body and text about an appearance. The process takes that of the associations,
            PERSONSEARCH_LINKING__SHORT_TERM_WINDOW_S.
        max_site_videos: Most videos of one site that body and text of an appearance are compared with.
        max_track_hits: Most hits in a track.
        track_limit: Neighbours asked of each index for a track; expansion goes on from there.
        max_key_boxes: Most key boxes in an answer, all hits together (about 2 MB); beyond it paths are thinned.
    """

    minimum_limit: PositiveInt = 100
    limit_factor: PositiveInt = 2
    maximum_limit: Annotated[int, Field(ge=1, le=16_384)] = 4096
    seed_probability: Probability = 0.5
    max_seeds: PositiveInt = 256
    max_hops: Annotated[int, Field(ge=0, le=6)] = 3
    max_nodes: PositiveInt = 2000
    nodes_per_neighbour: PositiveInt = 4
    min_edge_probability: Probability = 0.2
    min_edge_alone: Probability = 0.6
    adopt_below: Probability = 0.5
    adopt_probability: Probability = 0.9
    adopt_nodes: PositiveInt = 200
    max_rivals: PositiveInt = 2000
    near_mib: PositiveInt = 128
    near_recheck_s: PositiveFloat = 30.0
    near_pause_s: Annotated[float, Field(ge=0.0)] = 0.05
    stop_probability: Probability = 0.1
    expansion_timeout_s: PositiveFloat = 2.0
    one_person_from: Probability = 0.6
    contradiction_weight: Annotated[float, Field(ge=0.0)] = 1.0
    contradiction_limit: Annotated[float, Field(ge=0.0)] = 4.0
    contradiction_quality: tuple[Probability, Probability] = (0.6, 0.9)
    fusion_timeout_s: PositiveFloat = 2.0
    answers: Mapping[str, LogOddsMap] = DEFAULT_ANSWERS
    competition_sharpness: PositiveFloat = 8.0
    short_term_window_s: PositiveFloat = 60.0
    max_site_videos: PositiveInt = 16
    max_track_hits: PositiveInt = 4096
    track_limit: Annotated[int, Field(ge=1, le=16_384)] = 1000
    max_key_boxes: PositiveInt = 20_000
    portrait: PortraitSettings = PortraitSettings()
    voice: VoiceSettings = VoiceSettings()

    def for_pack(self, digest: str) -> SearchSettings:
        """The same for a pack of a digest: the maps that are built in are of one pack."""
        if self.answers == DEFAULT_ANSWERS and not digest.startswith(ANSWERS_OF):
            return self.model_copy(update={"answers": {}})
        return self

    def limit_for(self, top_k: int) -> int:
        """Neighbours that are asked of each index for an answer of `top_k` hits."""
        return min(max(self.minimum_limit, self.limit_factor * top_k), self.maximum_limit)


class SearchProcessSettings(StackSettings):
    """What the search process reads: the stack's settings and its own."""

    retrieval: SearchSettings = SearchSettings()
