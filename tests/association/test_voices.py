"""Voices link across films and with speech off screen, as far as it is sure whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from packs.spec import Modality
from services.backends.schemas import EmbeddingRow

World = Any  # of conftest


async def probability(world: World, one: str, other: str) -> float:
    """Of the voice edge between two appearances; 0 without one."""
    ends = sorted((world.id_of(one), world.id_of(other)))
    edges = await world.handlers.list_associations("town", ends[:1], [Modality.VOICE], 0.0)
    return next((edge.probability for edge in edges if edge.second == ends[1]), 0.0)


async def test_a_voice_links_across_films_on_screen_and_off(world: World) -> None:
    anna, bert = world.voice("anna"), world.voice("bert")
    one = await world.film("one", [world.speaking("a", 0, 4, anna), world.off_screen("b", 900, 902, anna)])
    two = await world.film("two", [world.off_screen("c", 10, 12, anna), world.speaking("d", 20, 22, bert)])
    for video in (one, two):
        await world.handlers.associate_video("town", video)
    assert await world.neighbours("a", Modality.VOICE) == {world.id_of("b"), world.id_of("c")}
    assert await world.neighbours("c") == {world.id_of("a"), world.id_of("b")}
    assert await world.neighbours("d") == set()


async def test_an_edge_is_as_sure_as_both_links(world: World) -> None:
    anna = world.voice("anna")
    video = await world.film(
        "one",
        [
            world.speaking("a", 0, 1, anna, confidence=0.9),
            world.speaking("b", 2, 3, anna, confidence=0.7),
            world.off_screen("c", 4, 5, anna),
            world.speaking("wrong", 6, 7, anna, confidence=0.3),
        ],
    )
    await world.handlers.associate_video("town", video)
    assert await probability(world, "a", "c") == pytest.approx(0.9, abs=0.01)
    assert await probability(world, "a", "b") == pytest.approx(0.63, abs=0.01)
    assert await world.neighbours("wrong") == set()


async def test_the_links_of_the_far_end_count_in_another_film_too(world: World) -> None:
    anna = world.voice("anna")
    one = await world.film("one", [world.speaking("a", 0, 1, anna, confidence=0.8)])
    two = await world.film("two", [world.speaking("b", 0, 1, anna, confidence=0.9)])
    for video in (one, two):
        await world.handlers.associate_video("town", video)
    assert await probability(world, "a", "b") == pytest.approx(0.72, abs=0.01)


async def test_little_speech_links_nobody_surely(world: World) -> None:
    anna = world.voice("anna")
    video = await world.film(
        "one",
        [
            world.off_screen("long", 0, 10, anna),
            world.speaking("second", 20, 21, anna, quality=0.5),
            world.speaking("snippet", 30, 31, anna, quality=0.05),
        ],
    )
    await world.handlers.associate_video("town", video)
    assert await probability(world, "long", "second") > 0.9
    assert await probability(world, "long", "snippet") == 0.0


async def test_two_tracklets_at_once_are_two_people_even_with_one_voice(world: World) -> None:
    anna = world.voice("anna")
    video = await world.film(
        "one",
        [
            world.speaking("a", 0, 5, anna, says=(0, 1)),
            world.speaking("b", 4, 9, anna, says=(7, 8)),
        ],
    )
    assert await world.handlers.associate_video("town", video) == 0


async def test_speech_off_screen_may_be_of_who_stands_turned_away_but_not_of_who_speaks_then(world: World) -> None:
    anna = world.voice("anna")
    video = await world.film(
        "one",
        [
            world.speaking("a", 0, 10, anna, says=(5, 7)),
            world.off_screen("before", 1, 2, anna),
            world.off_screen("between", 6, 8, anna),
        ],
    )
    await world.handlers.associate_video("town", video)
    assert await world.neighbours("a") == {world.id_of("before")}


async def test_a_voice_whose_appearance_was_never_written_links_nobody(world: World) -> None:
    anna = world.voice("anna")
    one = await world.film("one", [])
    await world.handlers.associate_video("town", one)
    leftover = EmbeddingRow(world.id_of("a"), "town", one, 0.0, 1.0, 1, 1.0, anna)
    await world.index.put_embeddings(Modality.VOICE, [leftover])
    two = await world.film("two", [world.off_screen("b", 0, 1, anna)])
    assert await world.handlers.associate_video("town", two) == 0
