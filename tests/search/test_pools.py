"""What is known by rows of a roster is what is known by names, whatever comes and goes."""

from __future__ import annotations

import random

import numpy as np

from services.backends.associations.roster import Named, Roster
from services.backends.schemas import EmbeddingRow
from services.search.pools import NONE, SILENT, UNKNOWN, Pool

DIMENSION, ROOM = 4, 6


def row(gallery: str, name: str) -> EmbeddingRow:
    return EmbeddingRow(name, gallery, "film", 0.0, 1.0, 1, 0.5, np.ones(DIMENSION, np.float32))


def test_rows_say_what_names_say() -> None:
    chance, pool = random.Random(1), Pool(4 * DIMENSION * ROOM)
    rosters = {gallery: Roster() for gallery in ("town", "village")}
    for _ in range(600):
        gallery, name = chance.choice(["town", "town", "village"]), f"{chance.randrange(20):032x}"
        known = pool.places[gallery].get(name, UNKNOWN)
        match chance.randrange(5):
            case 0:
                pool.put(row(gallery, name))
            case 1 if known < 0:
                pool.mark(gallery, name, chance.choice([NONE, SILENT]))
            case 2 if known >= 0:
                pool.free(known)
            case 3 if known in (NONE, SILENT):
                pool.forget(gallery, name)
            case _:
                asked = rosters[gallery].places([f"{one:032x}" for one in chance.sample(range(20), 5)])
                named = Named(rosters[gallery], asked)
                assert pool.slots(gallery, named).tolist() == pool.slots(gallery, list(named)).tolist()


def test_what_is_put_is_known_by_its_row_at_once() -> None:
    pool, roster = Pool(4 * DIMENSION * ROOM), Roster()
    here, late = Named(roster, roster.places(["a", "b"])), ["c"]
    assert pool.slots("town", here).tolist() == [UNKNOWN, UNKNOWN]
    pool.put(row("town", "b"))
    roster.places(late)
    pool.mark("town", "c", SILENT)
    # The names have gone: only what was noted by rows is left to say it.
    pool.places["town"].clear()
    assert pool.slots("town", Named(roster, np.arange(3))).tolist() == [UNKNOWN, 0, SILENT]
