"""The fusion process: ``python -m services.fusion``."""

from __future__ import annotations

import asyncio

from services.fusion.server import build
from services.fusion.settings import FusionProcessSettings
from services.runtime.logging import configure_logging

__all__ = ["main"]


def main() -> None:
    """Serve with the settings of the environment until SIGTERM or SIGINT."""
    settings = FusionProcessSettings()
    configure_logging(settings.log_level)
    asyncio.run(build(settings).run_until_signalled())


if __name__ == "__main__":
    main()
