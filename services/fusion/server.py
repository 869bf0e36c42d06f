"""Composition root of the fusion process, where it runs on its own."""

from __future__ import annotations

import logging

from packs.manifest import Pack
from services.fusion.handlers import FusionHandlers
from services.fusion.servicer import mounted
from services.fusion.settings import FusionProcessSettings
from services.runtime.server import GrpcServer

__all__ = ["build"]

DEFAULT_ADDRESS = "127.0.0.1:0"


def build(settings: FusionProcessSettings) -> GrpcServer:
    """The server; it is not started yet. Raises PackError if there is no usable pack."""
    handlers = FusionHandlers(Pack.load(settings.pack).calibration, settings.evidence)
    address = settings.fusion.address or DEFAULT_ADDRESS
    # It stands on no back end: once the pack is read it is ready.
    return GrpcServer(settings.server, address, [mounted(handlers)], {}, logging.getLogger("services.fusion"))
