"""The backend that the settings ask for."""

from __future__ import annotations

from packs.manifest import Pack
from services.backends.inference.local import LocalInferenceBackend
from services.backends.inference.protocol import InferenceBackend
from services.backends.inference.triton import TritonInferenceBackend
from services.runtime.settings import InferenceSettings


def backend_from_settings(settings: InferenceSettings, pack: Pack) -> InferenceBackend:
    """Build the backend of ``settings.kind``; nothing is connected or compiled yet.

    Raises:
        ValueError: If ``triton`` is asked for without an address.
    """
    if settings.kind == "local" or (settings.kind == "auto" and settings.address is None):
        return LocalInferenceBackend(pack, threads=settings.threads, deadline_s=settings.deadline_s)
    if settings.address is None:
        raise ValueError("inference kind is triton: set PERSONSEARCH_INFERENCE__ADDRESS to its gRPC address")
    return TritonInferenceBackend(settings.address, pack.models, deadline_s=settings.deadline_s)
