import inspect

import pytest

from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.identities import IdentityCalls
from personsearch.sync import connect
from personsearch.sync_identities import BlockingIdentityCalls
from personsearch.testing import FakeStack
from personsearch.v1 import geometry_pb2, operation_pb2

ANNA, BEN = "a" * 32, "b" * 32


def place(number: int) -> operation_pb2.AppearancePlace:
    span = geometry_pb2.Span(start_s=1.0, end_s=3.0)
    return operation_pb2.AppearancePlace(appearance_id=f"{number:032x}", video_id="c" * 32, span=span)


@pytest.fixture
def people(stack: FakeStack) -> FakeStack:
    stack.people.add(ANNA, place(1), place(2))
    stack.people.add(BEN, place(4))
    return stack


async def test_lists_turn_all_pages(client: PersonSearchClient, people: FakeStack) -> None:
    assert [one.label.identity_id for one in await client.list_identities()] == [ANNA, BEN]
    assert len(await client.list_identities(limit=1)) == 1
    identity, places = await client.get_identity(ANNA, gallery="town")
    assert (identity.appearance_count, len(places)) == (2, 2)
    for name in ("Anna", "Berta"):
        await client.name_identity(ANNA, name, author="x")
    assert [operation.name async for operation in client.list_operations()] == ["Berta", "Anna"]


async def test_what_is_said_reaches_the_service(client: PersonSearchClient, people: FakeStack) -> None:
    await client.reject_association(f"{1:032x}", f"{2:032x}", gallery="town", author="x")
    request = people.requests[-1]
    assert (request.gallery, request.first_appearance_id, request.author) == ("town", f"{1:032x}", "x")
    assert (await client.merge_identities(ANNA, [BEN])).identity.appearance_count == 2
    assert (await client.split_identity(ANNA, [f"{4:032x}"])).split_off.appearance_count == 1
    assert (await client.confirm_association(f"{1:032x}", f"{4:032x}")).operation.number == 4
    assert (await client.undo_operation(4)).undone_number == 4
    assert await client.list_reviews(limit=3) == []
    with pytest.raises(PersonSearchError) as caught:
        await client.name_identity("d" * 32, "x")
    assert caught.value.reason == "IDENTITY_NOT_FOUND"


async def test_who_is_erased_is_no_more(client: PersonSearchClient, people: FakeStack) -> None:
    await client.name_identity(ANNA, "Anna")
    answer = await client.erase_identity(ANNA, gallery="town")
    assert (people.requests[-1].gallery, answer.identity_id) == ("town", ANNA)
    assert (answer.appearance_count, answer.video_count, [one.remaining for one in answer.receipts]) == (2, 1, [0])
    assert [operation.HasField("name") async for operation in client.list_operations()] == [False]
    with pytest.raises(PersonSearchError) as caught:
        await client.erase_identity(ANNA, gallery="town")
    assert caught.value.reason == "IDENTITY_NOT_FOUND"


def test_the_blocking_client_does_the_same(people: FakeStack) -> None:
    with connect(people.address, people.address) as client:
        assert client.name_identity(ANNA, "Anna").identity.label.name == "Anna"
        assert client.reject_association(f"{1:032x}", f"{2:032x}").operation.number == 2
        assert client.confirm_association(f"{1:032x}", f"{2:032x}").operation.number == 3
        assert client.split_identity(ANNA, [f"{2:032x}"]).operation.number == 4
        assert client.merge_identities(ANNA, [BEN]).operation.number == 5
        assert client.undo_operation(5).number == 6
        assert [one.number for one in client.list_operations()] == [6, 5, 4, 3, 2, 1]
        assert len(client.list_identities()) == 2
        assert len(client.get_identity(ANNA)[1]) == 2
        assert client.list_reviews() == []
        assert client.erase_identity(ANNA).receipts[0].remaining == 0


def test_both_clients_have_the_same_calls() -> None:
    def calls(kind: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}

    assert calls(IdentityCalls) == calls(BlockingIdentityCalls)
