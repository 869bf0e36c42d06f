"""What can go wrong with a stack."""

from __future__ import annotations


class SupervisorError(Exception):
    """The stack could not be started or stopped; the message says why and where the log is."""


class ChildFailedError(SupervisorError):
    """A child did not become ready."""


class AlreadyRunningError(SupervisorError):
    """Another supervisor has the state directory."""


def first_failure(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of our own errors among what the tasks of a group raised; the group itself when there is none.

    Stands in for `except*`: Pythons before 3.11.4 wrap what is raised there into a group again.
    """
    ours = failures.subgroup(SupervisorError)
    if ours is None:
        return failures
    first: BaseException = ours
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
