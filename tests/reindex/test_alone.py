"""Two reindexes of one deployment never run at once; a killed one does not stand in the way for long."""

from __future__ import annotations

import logging

import pytest

from services.backends.ephemeral.fake import FakeEphemeralStore
from services.ingest.identifiers import lease_name
from services.ingest.lease import LeaseLostError
from services.ingest.settings import LeaseSettings
from services.reindex.alone import ALL_VIDEOS, alone
from services.reindex.testing import Quiet

TIMES, LOGGER = LeaseSettings(ttl_s=0.6), logging.getLogger(__name__)


async def test_the_second_is_refused_while_the_first_lives() -> None:
    ephemeral, watcher = FakeEphemeralStore(), Quiet()
    async with alone(ephemeral, TIMES, "first", watcher, LOGGER):
        with pytest.raises(LeaseLostError, match="another reindex runs"):
            async with alone(ephemeral, TIMES, "second", watcher, LOGGER):
                raise AssertionError("both run")
    assert watcher.waits
    async with alone(ephemeral, TIMES, "second", Quiet(), LOGGER):
        pass


async def test_a_killed_one_is_waited_for() -> None:
    ephemeral, watcher = FakeEphemeralStore(), Quiet()
    await ephemeral.acquire_lease(lease_name(ALL_VIDEOS), "the dead", 0.3)
    async with alone(ephemeral, TIMES, "the living", watcher, LOGGER):
        assert watcher.waits
