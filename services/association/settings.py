"""Numbers of the association. Each may be set by the environment: PERSONSEARCH_LINKING__SHORT_TERM_WINDOW_S=30."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from packs.spec import Modality
from services.association.identities.settings import IdentitySettings
from services.runtime.settings import Section, StackSettings

__all__ = ["AssociationProcessSettings", "LinkingSettings"]

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

# A pack's calibration speaks for even odds, but most pairs are two people: of the neighbours that a search returns from
# a gallery of hundreds of people about one in twenty is another tracklet of the same person when the vector says
# nothing, and of two tracklets a minute apart in one video about one in seven.
DEFAULT_PRIORS: Mapping[Modality, float] = {
    Modality.FACE: -3.0,
    Modality.VOICE: -3.0,
    Modality.HEAD: -2.0,
    Modality.BODY: -2.0,
}


class LinkingSettings(Section):
    """When two appearances are linked.

    Attributes:
        prior_log_odds: Natural-log odds of "same person" before the vectors are looked at, by modality; a modality
            that is not here makes no edges.
        min_probability: Weaker edges are not kept.
        neighbours: Nearest faces (or voices) that are looked at for each appearance. The store keeps fewer; the rest
            is for the far ends, which may have no stronger edge.
        short_term_window_s: Longest gap between two appearances that body (or head) may link: people change clothes.
        head_share: How far a head's evidence counts beside a body's of the same pair.
        clothes_kept: Probability that somebody who is seen again within the window wears the same. On films 8101 and
            7102, whose cuts leave out hours, 0.2 describes the pairs best; between cameras it would be higher.
        double_above: Nats by which two people who are on screen at once may look alike at no cost to either's links.
        double_share: What each nat beyond that costs the links between looks like theirs, in nats.
        max_site_videos: Most videos of one site, nearest in time first, that a video's bodies are compared with.
        mend_wait_s: Longest time that a read waits for videos which the cache does not know.
        unready_s: A video that could not be mended, since its ingest goes on, is not looked at again so long.
        mirror_mib: Room for edges that a process keeps beside Redis: at 40 an appearance a MiB is for 1,100 of them.
        mirror_pause_s: What lies between the reads of two videos' edges, when all of a gallery are read after its first
            query.
        mirror_settle_s: How long edges and identities must have stayed the same before that.
        recheck_s: Time between two looks for videos that were never associated although nobody asked for them.
    """

    prior_log_odds: Mapping[Modality, float] = DEFAULT_PRIORS
    min_probability: Probability = 0.2
    neighbours: PositiveInt = 48
    short_term_window_s: PositiveFloat = 60.0
    head_share: Share = 0.85
    clothes_kept: Share = 0.4
    double_above: Annotated[float, Field(ge=0.0)] = 2.0
    double_share: Share = 0.8
    max_site_videos: PositiveInt = 16
    mend_wait_s: PositiveFloat = 5.0
    unready_s: PositiveFloat = 5.0
    mirror_mib: Annotated[int, Field(ge=0)] = 128
    mirror_pause_s: Annotated[float, Field(ge=0.0)] = 0.02
    mirror_settle_s: Annotated[float, Field(ge=0.0)] = 5.0
    recheck_s: PositiveFloat = 30.0


class AssociationProcessSettings(StackSettings):
    """What the association process reads: the stack's settings and its own."""

    linking: LinkingSettings = LinkingSettings()
    identities: IdentitySettings = IdentitySettings()
