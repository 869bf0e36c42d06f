import json

import pytest

from personsearch.testing import FakeStack
from personsearch.v1 import geometry_pb2, identity_pb2, operation_pb2, review_pb2

ANNA, BEN = "a" * 32, "b" * 32
VIDEO = "c" * 32


def place(number: int, start_s: float = 62.0) -> operation_pb2.AppearancePlace:
    span = geometry_pb2.Span(start_s=start_s, end_s=start_s + 7.0)
    return operation_pb2.AppearancePlace(appearance_id=f"{number:032x}", video_id=VIDEO, span=span)


@pytest.fixture
def people(stack: FakeStack) -> FakeStack:
    stack.people.add(ANNA, place(1), place(2), place(3))
    stack.people.add(BEN, place(4))
    return stack


def test_lists_people_as_a_table_and_as_json(run, people: FakeStack) -> None:
    people.people.names[BEN] = "[Ben]"
    shown = run("identity", "list").stdout
    assert ANNA in shown
    assert "nobody knows" in shown
    assert "[Ben]" in shown
    viewed = json.loads(run("identity", "list", "--json").stdout)["identities"]
    assert viewed[0] == {
        "identity_id": ANNA,
        "name": None,
        "gallery": "",
        "appearance_count": 3,
        "video_count": 1,
        "seen_s": 21.0,
        "cover": {"appearance_id": f"{1:032x}", "video_id": VIDEO, "start_s": 62.0, "end_s": 69.0},
    }
    assert [one["name"] for one in viewed] == [None, "[Ben]"]
    named = json.loads(run("identity", "list", "--named", "--json").stdout)["identities"]
    assert [one["name"] for one in named] == ["[Ben]"]
    assert len(json.loads(run("identity", "list", "--limit", 1, "--json").stdout)["identities"]) == 1


def test_says_so_where_nobody_is(run, stack: FakeStack) -> None:
    assert "Nobody is known" in run("identity", "list").stdout
    assert "Nothing has been said" in run("identity", "log").stdout
    assert "nothing to ask" in run("identity", "review").stdout


def test_shows_where_a_person_appears(run, people: FakeStack) -> None:
    shown = run("identity", "show", ANNA, "--gallery", "town").stdout
    assert all(f"{number:032x}" in shown for number in (1, 2, 3))
    assert "1:02-1:09" in shown
    assert len(json.loads(run("identity", "show", ANNA, "--json").stdout)["places"]) == 3
    failed = run("identity", "show", "d" * 32)
    assert failed.exit_code == 1


def test_names_and_tells_how_to_take_it_back(run, people: FakeStack) -> None:
    shown = run("identity", "name", ANNA, "Anna Müller", "--author", "desk 2").stdout
    assert "operation 1: name aaaaaaaa Anna Müller (undo 1 takes it back)" in shown
    assert people.requests[-1].author == "desk 2"
    assert "it is so already" in run("identity", "name", ANNA, "Anna Müller").stdout
    assert json.loads(run("identity", "name", ANNA, "Anna Müller", "--json").stdout)["operation"] is None
    assert "take the name of aaaaaaaa away" in run("identity", "name", ANNA, "").stdout


def test_merges_splits_confirms_and_rejects(run, people: FakeStack) -> None:
    split = json.loads(run("identity", "split", ANNA, f"{3:032x}", "--json").stdout)
    assert (split["identity"]["appearance_count"], split["split_off"]["appearance_count"]) == (2, 1)
    assert split["operation"]["kind"] == "split"
    assert "merge aaaaaaaa and bbbbbbbb" in run("identity", "merge", ANNA, BEN).stdout
    confirmed = json.loads(run("identity", "confirm", f"{1:032x}", f"{3:032x}", "--json").stdout)
    assert confirmed["identity"]["appearance_count"] == 4
    rejected = run("identity", "reject", f"{1:032x}", f"{4:032x}")
    assert "operation 4: reject 00000000 and 00000000" in rejected.stdout
    for verb, rest in (("split", [ANNA, f"{2:032x}"]), ("merge", [ANNA, f"{4:032x}", "--json"])):
        assert run("identity", verb, *rest).exit_code == 0
    assert run("identity", "reject", f"{1:032x}", f"{3:032x}", "--json").exit_code == 0
    assert run("identity", "confirm", f"{1:032x}", f"{3:032x}").exit_code == 0


def test_undoes_and_shows_the_log(run, people: FakeStack) -> None:
    run("identity", "name", ANNA, "Anna", "--author", "[desk]")
    assert "operation 2: undo 1" in run("identity", "undo", 1).stdout
    shown = run("identity", "log").stdout
    assert "name aaaaaaaa Anna (not in force)" in shown
    assert "[desk]" in shown
    viewed = json.loads(run("identity", "log", "--json").stdout)["operations"]
    assert [(one["number"], one["kind"], one["undone_number"], one["in_force"]) for one in viewed] == [
        (2, "undo", 1, True),
        (1, "name", None, False),
    ]
    assert len(json.loads(run("identity", "log", "--limit", 1, "--json").stdout)["operations"]) == 1
    assert json.loads(run("identity", "undo", 1, "--json").stdout)["operation"]["undone_number"] == 1
    failed = run("identity", "undo", 99, "--json")
    assert json.loads(failed.stderr)["error"]["reason"] == "OPERATION_NOT_FOUND"


def test_erasing_asks_first_and_gives_receipts(run, people: FakeStack) -> None:
    run("identity", "name", ANNA, "Anna")
    refused = run("identity", "erase", ANNA, "--gallery", "town", input="n\n")
    assert refused.exit_code == 1
    assert ANNA in refused.stderr
    assert ANNA in run("identity", "list").stdout
    shown = run("identity", "erase", ANNA, "--yes").stdout
    assert f"erased {ANNA}: 3 appearances in 1 videos" in shown
    assert "index" in shown
    assert "name aaaaaaaa (erased)" in run("identity", "log").stdout
    viewed = json.loads(run("identity", "erase", BEN, "--yes", "--json").stdout)
    assert viewed["erased"] == {
        "identity_id": BEN,
        "appearance_count": 1,
        "video_count": 1,
        "receipts": [{"store": "index", "deleted": 1, "remaining": 0}],
    }
    failed = run("identity", "erase", BEN, "--yes", "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stderr)["error"]["reason"] == "IDENTITY_NOT_FOUND"


def test_asks_what_to_look_at(run, people: FakeStack) -> None:
    anna, ben = (identity_pb2.IdentityLabel(identity_id=one) for one in (ANNA, BEN))
    people.people.reviews = [
        review_pb2.Review(
            first=place(1),
            second=place(4, 80.0),
            first_identity=anna,
            second_identity=second,
            probability=0.4,
            appearance_count=3,
            uncertainty=1.2,
        )
        for second in (anna, ben)
    ]
    shown = run("identity", "review").stdout
    assert "now one" in shown
    assert "now two" in shown
    assert "40 %" in shown
    assert f"{4:032x} 1:20-1:27" in shown
    viewed = json.loads(run("identity", "review", "--limit", 1, "--json").stdout)["reviews"]
    assert [one["uncertainty"] for one in viewed] == [pytest.approx(1.2)]
