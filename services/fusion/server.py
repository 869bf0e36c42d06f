"""Composition root of the fusion process, where it runs on its own."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack

from packs.manifest import Pack
from services.fusion.composing import compose_fusion
from services.fusion.servicer import mounted
from services.fusion.settings import FusionProcessSettings
from services.runtime.server import GrpcServer

__all__ = ["build"]

DEFAULT_ADDRESS = "127.0.0.1:0"


def build(settings: FusionProcessSettings) -> GrpcServer:
    """The server; it is not started yet. Raises PackError if there is no usable pack."""
    opened = AsyncExitStack()
    composed = compose_fusion(settings, settings.evidence, Pack.load(settings.pack), opened)
    address = settings.fusion.address or DEFAULT_ADDRESS
    logger = logging.getLogger("services.fusion")
    # With late fusion it stands on no back end: once the pack is read it is ready.
    services, probes = [mounted(composed.handlers)], composed.probes
    return GrpcServer(settings.server, address, services, probes, logger, closers=[opened.aclose])
