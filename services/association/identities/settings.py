"""Numbers of the identities. Each may be set by the environment: PERSONSEARCH_IDENTITIES__LABEL_WAIT_S=1."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from services.runtime.settings import Section

__all__ = ["IdentitySettings"]


class IdentitySettings(Section):
    """How identities are kept.

    Attributes:
        in_search: Whether searches are told who their hits are. Without it identities are computed only when somebody
            asks for them; what was said counts in searches all the same.
        label_wait_s: How long a search waits for the identities of its hits; they come without names after that.
        recheck_s: Time between two looks for videos that are new, when nobody asks for identities themselves.
        max_review_appearances: The review queue asks about the largest identities that have so many appearances.
    """

    in_search: bool = True
    label_wait_s: PositiveFloat = 0.5
    recheck_s: PositiveFloat = 10.0
    max_review_appearances: PositiveInt = 10_000
