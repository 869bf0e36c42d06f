"""The API process: ``python -m services.ingest.api`` serves IngestService and GalleryService."""

from __future__ import annotations

import asyncio

from services.ingest.server import IngestApiSettings, build
from services.runtime.logging import configure_logging

__all__ = ["main"]


async def _serve(settings: IngestApiSettings) -> None:
    server = await build(settings)
    await server.run_until_signalled()


def main() -> None:
    """Serve with the settings of the environment until SIGTERM or SIGINT."""
    settings = IngestApiSettings()
    configure_logging(settings.log_level)
    asyncio.run(_serve(settings))


if __name__ == "__main__":
    main()
