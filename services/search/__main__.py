"""``python -m services.search``: serve PersonSearchService, and what is mounted beside it, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import sys

from services.runtime.logging import configure_logging
from services.search.server import SearchStackSettings, compose


async def serve(settings: SearchStackSettings) -> None:
    """Build the server and run it."""
    server = await compose(settings, logging.getLogger("services.search"))
    await server.run_until_signalled()


def main() -> int:
    """Read the environment and serve; a start that fails says why in one line."""
    settings = SearchStackSettings()
    configure_logging(settings.log_level)
    try:
        asyncio.run(serve(settings))
    except Exception:
        logging.getLogger("services.search").exception("cannot serve")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
