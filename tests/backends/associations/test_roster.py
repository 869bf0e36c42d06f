"""Rows are given once and stay."""

from __future__ import annotations

import numpy as np

from services.backends.associations.roster import Named, Roster, rows_of


def test_a_name_keeps_its_row() -> None:
    roster = Roster()
    assert roster.places(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert roster.known(["c", "a"]).tolist() == [-1, 1]
    assert roster.places(["c", "a", "d", "c"]).tolist() == [2, 1, 3, 2]
    assert roster.names == list("bacd")
    assert roster.ids(np.array([3, 0])) == ["d", "b"]
    assert len(roster) == 4
    assert not len(roster.places([]))


def test_some_of_a_roster_are_found_by_name() -> None:
    roster = Roster()
    roster.places(list("abcdef"))
    named = Named(roster, np.array([4, 0, 2]))
    assert list(named) == ["e", "a", "c"]
    assert (named[1], named[1:]) == ("a", ["a", "c"])
    assert list(named.some(np.array([2, 0]))) == ["c", "e"]
    wanted = ["c", "b", "nobody", "e"]
    assert named.find(wanted).tolist() == [2, -1, -1, 0]
    # Whoever came later is not among them.
    roster.places(["g"])
    assert named.find(["g", "a"]).tolist() == [-1, 1]
    assert rows_of(named, iter(wanted)).tolist() == rows_of(list(named), wanted).tolist() == [2, -1, -1, 0]
    assert not len(Named(roster, np.array([], dtype=np.int64)).find([]))
