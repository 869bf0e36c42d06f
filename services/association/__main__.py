"""The association process: ``python -m services.association``."""

from __future__ import annotations

import asyncio

from services.association.server import build
from services.association.settings import AssociationProcessSettings
from services.runtime.logging import configure_logging

__all__ = ["main"]


async def _serve(settings: AssociationProcessSettings) -> None:
    server = await build(settings)
    await server.run_until_signalled()


def main() -> None:
    """Serve with the settings of the environment until SIGTERM or SIGINT."""
    settings = AssociationProcessSettings()
    configure_logging(settings.log_level)
    asyncio.run(_serve(settings))


if __name__ == "__main__":
    main()
