"""What can go wrong with a stack."""

from __future__ import annotations


class SupervisorError(Exception):
    """The stack could not be started or stopped; the message says why and where the log is."""


class ChildFailedError(SupervisorError):
    """A child did not become ready."""


class AlreadyRunningError(SupervisorError):
    """Another supervisor has the state directory."""
