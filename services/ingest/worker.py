"""The worker process: ``python -m services.ingest.worker``. Composition root of what analyses videos."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

from services.backends.hearing import HearingModels
from services.backends.inference.factory import backend_from_settings
from services.backends.inference.protocol import InferenceBackend
from services.backends.speaking import SpeakingModels
from services.backends.vision import VisionModels
from services.ingest.assembly import Stores
from services.ingest.deletion import Deletion
from services.ingest.pipeline.run import Pipeline
from services.ingest.settings import IngestSettings
from services.ingest.work import Worker
from services.runtime.logging import configure_logging

__all__ = ["main", "serve"]


async def serve(settings: IngestSettings) -> None:
    """Work until SIGTERM or SIGINT; what is under way then goes on from its checkpoint the next time."""
    logger = logging.getLogger("services.ingest.worker")
    stores = await Stores.opened(settings)
    backend = backend_from_settings(settings.inference, stores.pack)
    worker = _worker(settings, stores, backend, logger)
    working = asyncio.create_task(worker.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    logger.info("working", extra={"pack": stores.pack.digest})
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await working
    finally:
        await backend.aclose()
        await stores.aclose()
    logger.info("stopped")


def _worker(settings: IngestSettings, stores: Stores, backend: InferenceBackend, logger: logging.Logger) -> Worker:
    how = settings.worker
    pipeline = Pipeline(
        vision=VisionModels(backend, stores.pack),
        hearing=HearingModels(backend, stores.pack),
        watching=SpeakingModels(backend, stores.pack),
        modalities=stores.pack.modalities,
        calibration=stores.pack.calibration,
        index=stores.index,
        media=stores.media,
        settings=how.pipeline,
    )
    deletion = Deletion(
        index=stores.index,
        media=stores.media,
        associations=stores.associations,
        ephemeral=stores.ephemeral,
        lease=how.lease,
        stop_wait_s=settings.api.stop_wait_s,
        logger=logger,
    )
    return Worker(
        index=stores.index,
        ephemeral=stores.ephemeral,
        pipeline=pipeline,
        associations=stores.associations,
        deletion=deletion,
        settings=how,
        logger=logger,
    )


def main() -> None:
    """Run the worker with the settings of the environment."""
    settings = IngestSettings()
    configure_logging(settings.log_level)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
