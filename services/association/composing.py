"""Puts the association and the identity service together, for their own process or another that mounts them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from packs.calibration import Calibration
from packs.spec import Modality
from services.association.corrected import CorrectedAssociations
from services.association.erasure import IdentityErasure
from services.association.handlers import AssociationHandlers
from services.association.identities.handlers import IdentityHandlers
from services.association.identities.keeper import IdentityKeeper
from services.association.identities.resemblance import Resemblance
from services.association.identities.servicer import mounted as mounted_identities
from services.association.identities.settings import IdentitySettings
from services.association.identities.watching import IdentityWatch
from services.association.servicer import mounted
from services.association.settings import LinkingSettings
from services.backends.associations.protocol import AssociationStore
from services.backends.index.protocol import VectorIndex
from services.runtime.server import MountedService

__all__ = ["ComposedAssociations", "compose_associations"]


@dataclass(frozen=True, slots=True)
class ComposedAssociations:
    """Both services, ready to be put on a server.

    Attributes:
        associations: Edges, corrected by what was said.
        watch: Who appearances are, for searches.
        identities: What the identity service does.
        services: For a server.
        keeper: Who is who.
        stored: Edges as they were computed.
    """

    associations: CorrectedAssociations
    watch: IdentityWatch
    identities: IdentityHandlers
    services: tuple[MountedService, ...]
    keeper: IdentityKeeper
    stored: AssociationHandlers

    async def aclose(self) -> None:
        """Stop what goes on in the background; the connections belong to whoever made them."""
        await self.associations.aclose()
        await self.watch.aclose()
        await self.stored.aclose()


def compose_associations(
    index: VectorIndex,
    store: AssociationStore,
    calibration: Mapping[Modality, Calibration],
    linking: LinkingSettings,
    identities: IdentitySettings,
    logger: logging.Logger,
) -> ComposedAssociations:
    """Put both together on the back ends that are given."""
    stored = AssociationHandlers(index, store, calibration, linking, logger)
    keeper = IdentityKeeper(index, stored, logger)
    watch = IdentityWatch(keeper, identities, logger)
    associations = CorrectedAssociations(stored, watch, linking)
    handlers = IdentityHandlers(keeper, watch, Resemblance(index, calibration), identities)
    services = (mounted(associations, IdentityErasure(keeper, stored)), mounted_identities(handlers))
    return ComposedAssociations(associations, watch, handlers, services, keeper, stored)
