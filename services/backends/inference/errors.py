"""What can go wrong with an inference."""

from __future__ import annotations

from services.runtime.errors import BackendUnavailableError

BACKEND = "inference"


class InferenceInputError(ValueError):
    """The caller's arrays are not what the model declares. A mistake in this program, never the user's."""


class InferenceOutputError(BackendUnavailableError):
    """A server answered OK with something that the model does not declare."""

    def __init__(self, why: str) -> None:
        super().__init__(BACKEND, why)


class InferenceTimeoutError(BackendUnavailableError):
    """No answer in time."""

    def __init__(self, model: str, deadline_s: float) -> None:
        super().__init__(BACKEND, f"{model} gave no answer within {deadline_s:g} s")


class InferenceUnavailableError(BackendUnavailableError):
    """The server cannot be reached, does not serve the model, or failed inside."""

    def __init__(self, why: str) -> None:
        super().__init__(BACKEND, why)
