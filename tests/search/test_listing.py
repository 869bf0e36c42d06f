"""ListAppearances through a real server: order, pages, what a page may weigh, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest

from personsearch.v1 import person_search_service_pb2 as messages
from services.backends.index.protocol import IndexLoadingError
from services.backends.schemas import AppearanceKind, Gallery, SpeechSpan
from services.runtime.errors import BackendUnavailableError
from services.search.listing import AppearanceLister


def asking(world, **options) -> messages.ListAppearancesRequest:
    return messages.ListAppearancesRequest(**{"gallery": "town", "video_id": world.an_id("film"), **options})


async def pages_of(world, stub, page_size: int) -> list[list[str]]:
    request, pages = asking(world, page_size=page_size), []
    while True:
        answer = await stub.ListAppearances(request)
        pages.append([one.appearance_id for one in answer.appearances])
        if not answer.next_page_token:
            return pages
        request.page_token = answer.next_page_token


async def test_pages_are_in_order_and_hold_each_appearance_once(world, stub) -> None:
    await world.put_video("film")
    # Long ones that began early overlap everything; several begin at the same time.
    wanted = [await world.put(f"t{n}", face=world.face(1), span=(n // 3, n // 3 + 1 + n % 4 * 50)) for n in range(17)]
    await world.put("elsewhere", face=world.face(1), video="other film")
    order = sorted(wanted, key=lambda one: (wanted.index(one) // 3, one))
    for size in (1, 3, 17, 100):
        pages = await pages_of(world, stub, size)
        assert [one for page in pages for one in page] == order
        assert {len(page) for page in pages[:-1]} <= {size}


async def test_speech_is_told_with_its_span(world, stub) -> None:
    await world.put_video("film")
    name = await world.put("off", span=(3.0, 4.5))
    row = (await world.index.get_appearances("town", [name]))[name]
    spoken = replace(row, kind=AppearanceKind.SPEECH, boxes=(), speech=(SpeechSpan(3.0, 4.5, 1.0),))
    await world.index.put_appearances([spoken])
    (told,) = (await stub.ListAppearances(asking(world))).appearances
    assert [(one.span.start_s, one.span.end_s, one.confidence) for one in told.speech] == [(3.0, 4.5, 1.0)]
    assert not told.boxes


async def test_a_page_holds_no_more_boxes_than_a_message_may(world) -> None:
    await world.put_video("film")
    names = [await world.put(f"t{n}", face=world.face(1), span=(n, n + 1)) for n in range(3)]
    rows = await world.index.get_appearances("town", names)
    await world.index.put_appearances([replace(row, boxes=row.boxes * 10) for row in rows.values()])
    for most, lengths in ((5, [1, 1, 1]), (20, [2, 1]), (30, [3])):
        lister, token, found = AppearanceLister(world.index, most), "", []
        while not found or token:
            page = await lister.list_appearances("town", world.an_id("film"), 100, token)
            found.append(len(page.appearances))
            token = page.next_page_token
        assert found == lengths


async def test_a_video_without_anything_is_an_empty_page(world, stub) -> None:
    await world.put_video("film")
    answer = await stub.ListAppearances(asking(world))
    assert (list(answer.appearances), answer.next_page_token) == ([], "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"gallery": "nowhere"}, grpc.StatusCode.NOT_FOUND, id="no such gallery"),
        pytest.param({"video_id": "0" * 32}, grpc.StatusCode.NOT_FOUND, id="no such video"),
        pytest.param({"page_token": "bm9uc2Vuc2U="}, grpc.StatusCode.INVALID_ARGUMENT, id="a token of somebody else"),
        pytest.param({"page_token": "\u2603"}, grpc.StatusCode.INVALID_ARGUMENT, id="no token at all"),
        pytest.param({"page_size": 1001}, grpc.StatusCode.INVALID_ARGUMENT, id="too much at once"),
    ],
)
async def test_what_is_refused(world, stub, changes, code) -> None:
    await world.put_video("film")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.ListAppearances(asking(world, **changes))
    assert error.value.code() is code


async def test_another_gallerys_video_is_not_found(world, stub) -> None:
    await world.put_video("film")
    await world.index.put_gallery(Gallery("other", 0.0))
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.ListAppearances(asking(world, gallery="other"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_loading_index_is_told(world) -> None:
    async def loading(_scope):
        raise IndexLoadingError("not yet")

    world.index.list_appearances = loading
    with pytest.raises(BackendUnavailableError, match="try again shortly"):
        await AppearanceLister(world.index, 100).list_appearances("town", world.an_id("film"), 10, "")
