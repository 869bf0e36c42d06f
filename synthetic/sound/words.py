"""What people say: invented lines, about a second long, now and then longer."""

from typing import Final

import numpy as np

_SUBJECTS: Final = (
    "we",
    "they",
    "I",
    "you",
    "he",
    "she",
    "my sister",
    "the driver",
    "nobody",
    "everyone",
    "our neighbour",
    "the doctor",
    "that man",
    "the team",
    "Maria",
    "both of them",
)
_VERBS: Final = (
    "saw",
    "forgot",
    "wanted",
    "found",
    "left",
    "moved",
    "called about",
    "asked for",
    "paid for",
    "opened",
    "heard about",
    "liked",
    "broke",
    "bought",
    "missed",
    "brought",
)
_OBJECTS: Final = (
    "the blue car",
    "a window",
    "the old house",
    "some coffee",
    "the last train",
    "a letter",
    "their keys",
    "the garden",
    "every photo",
    "another chair",
    "the new office",
    "a long story",
    "the red bag",
    "two tickets",
    "the weather",
    "dinner",
    "my umbrella",
    "the wrong bus",
    "a cheap phone",
    "the big picture",
)
_ENDS: Final = (
    "",
    "",
    " yesterday",
    " this morning",
    " again",
    " last week",
    " before lunch",
    " on the way home",
    " near the river",
    " for the children",
)
_SHORT: Final = (
    "yes, of course",
    "I do not think so",
    "are you really sure?",
    "wait a moment",
    "that is true",
    "good morning",
    "where is it now?",
    "thank you so much",
    "no, never",
    "what do you mean?",
    "give me five minutes",
    "maybe on Monday",
    "how was your trip?",
    "it was not me",
    "please sit down",
    "I told you before",
    "come over here",
    "that was the plan",
    "who is that?",
    "let me have a look",
)


def make_text(rng: np.random.Generator) -> str:
    """Invent a line of a conversation, mostly about a second long."""
    if rng.random() < 0.55:
        return str(rng.choice(_SHORT))
    return _sentence(rng, ending=bool(rng.random() < 0.35))


def make_long_text(rng: np.random.Generator) -> str:
    """Invent about three seconds to say."""
    return f"{_sentence(rng, ending=True)}, and {_sentence(rng, ending=False)}"


def _sentence(rng: np.random.Generator, *, ending: bool) -> str:
    end = str(rng.choice(_ENDS)) if ending else ""
    return f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)}{end}"
