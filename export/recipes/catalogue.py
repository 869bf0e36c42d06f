"""Every recipe, in the order in which people ask for them. No torch here: the table can be shown anywhere.

What is known of files, licences and layouts is in methods.md, section 7; `docs/recipes.md` has the same table with what
was checked, and a test holds the two together.
"""

from __future__ import annotations

from export.recipes.card import Card
from export.recipes.cards_heard import HEARD
from export.recipes.cards_seen import SEEN
from export.recipes.errors import RecipeError

CARDS: tuple[Card, ...] = (*SEEN, *HEARD)


def card_named(name: str) -> Card:
    """The recipe of that name.

    Raises:
        RecipeError: If there is none; names all.
    """
    for card in CARDS:
        if card.name == name:
            return card
    raise RecipeError(f"no recipe {name!r}; there are {', '.join(card.name for card in CARDS)}")
