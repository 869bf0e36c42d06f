"""The fusion handlers on whatever runs the networks; used by whoever mounts them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from packs.fuser import FusionMethod
from packs.fusers import FuserPack, fusers_beside
from packs.manifest import Pack
from services.backends.fusers import NetworkRepresenter, Representer
from services.backends.inference.factory import backend_from_settings
from services.backends.inference.protocol import InferenceBackend
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings
from services.runtime.errors import BackendUnavailableError
from services.runtime.settings import StackSettings

__all__ = ["ComposedFusion", "compose_fusion"]

Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ComposedFusion:
    """The handlers, and the probes of what they stand on: none while late fusion judges."""

    handlers: FusionHandlers
    probes: Mapping[str, Probe] = field(default_factory=dict)


def compose_fusion(
    settings: StackSettings, evidence: FusionSettings, pack: Pack, opened: AsyncExitStack
) -> ComposedFusion:
    """Open what the fusion stands on; `opened` closes it.

    Raises:
        PackError: If networks that fuse are unsound, are for another pack, or lack the method of the settings.
    """
    fusers = fusers_beside(pack, settings.fusers)
    if fusers is None:
        return ComposedFusion(FusionHandlers(pack.calibration, evidence))
    backend = backend_from_settings(settings.inference, fusers.pack)
    opened.push_async_callback(backend.aclose)
    representers: Mapping[FusionMethod, Representer] = {
        method: NetworkRepresenter(backend, fuser, deadline_s=evidence.network_deadline_s)
        for method, fuser in fusers.fusers.items()
    }
    handlers = FusionHandlers(pack.calibration, evidence, representers)
    return ComposedFusion(handlers, _probes(evidence.method, fusers, backend))


def _probes(method: FusionMethod, fusers: FuserPack, backend: InferenceBackend) -> Mapping[str, Probe]:
    if method is FusionMethod.LATE:
        return {}
    model = fusers.fusers[method].spec.name

    async def check() -> None:
        if not await backend.ready(model):
            raise BackendUnavailableError("triton", f"the model {model} does not answer")

    return {"fusion": check}
