from collections.abc import AsyncIterator, Iterator

import pytest

from personsearch.client import PersonSearchClient
from personsearch.testing import FakeStack


@pytest.fixture
def stack() -> Iterator[FakeStack]:
    with FakeStack() as running:
        yield running


@pytest.fixture
async def client(stack: FakeStack) -> AsyncIterator[PersonSearchClient]:
    async with PersonSearchClient(stack.address, stack.address, timeout_s=5.0) as made:
        yield made
