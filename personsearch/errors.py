"""What a call of the client raises, read from the details that the services attach to a gRPC status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

from personsearch.v1 import error_reason_pb2, geometry_pb2

__all__ = [
    "FieldViolation",
    "NoStackError",
    "PersonSearchError",
    "SeveralFacesError",
    "UnreachableError",
    "error_from_rpc",
]

ERROR_DOMAIN = "personsearch"
REASON_PREFIX = "ERROR_REASON_"
DETAILS_KEY = "grpc-status-details-bin"
SILENT_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that breaks a rule of the schema."""

    field: str
    description: str


class NoStackError(RuntimeError):
    """No address was given and no running stack was found."""


class PersonSearchError(RuntimeError):
    """A service refused or failed a call.

    Attributes:
        reason: Name in `ErrorReason` without its prefix, such as "NO_FACE"; "UNREACHABLE" when no service answered.
        message: One sentence for people.
        metadata: The facts that belong to the reason, as `proto/personsearch/v1/error_reason.proto` lists them.
        violations: The fields at fault, when the request itself was wrong.
        code: The gRPC status.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        code: grpc.StatusCode,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code
        self.metadata = dict(metadata or {})
        self.violations = violations


class UnreachableError(PersonSearchError):
    """No service answered at the address, or not within the deadline."""


class SeveralFacesError(PersonSearchError):
    """The portrait shows several faces; pick one of `faces` (largest first) and ask again."""

    @property
    def part_index(self) -> int:
        """Index of the query part that holds the portrait."""
        return int(self.metadata.get("part_index", "0"))

    @property
    def faces(self) -> tuple[geometry_pb2.Box, ...]:
        """Boxes of the faces in fractions of the picture, largest first."""
        listed = self.metadata.get("faces", "")
        return tuple(box_from_text(text) for text in listed.split(";") if text)


def box_from_text(text: str) -> geometry_pb2.Box:
    """Read "x_min,y_min,x_max,y_max" in fractions of the picture; raises ValueError when it is something else."""
    try:
        x_min, y_min, x_max, y_max = (float(number) for number in text.split(","))
    except ValueError:
        raise ValueError(f"got {text!r} for a box, expected x_min,y_min,x_max,y_max in fractions") from None
    return geometry_pb2.Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)


def error_from_rpc(error: grpc.RpcError, address: str) -> PersonSearchError:
    """Turn a failed call into the error that the caller sees; `address` is where the call went."""
    code = error.code() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else grpc.StatusCode.UNKNOWN
    text = str(error.details() or "") if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else str(error)
    status = _status_of(error)
    info = _first_info(status)
    if info is None:
        return _error_without_details(code, text, address)
    reason = info.reason.removeprefix(REASON_PREFIX)
    kind = SeveralFacesError if reason == _name(error_reason_pb2.ERROR_REASON_SEVERAL_FACES) else PersonSearchError
    return kind(reason, text, code=code, metadata=dict(info.metadata), violations=_violations(status))


def _name(reason: error_reason_pb2.ErrorReason.ValueType) -> str:
    return error_reason_pb2.ErrorReason.Name(reason).removeprefix(REASON_PREFIX)


def _error_without_details(code: grpc.StatusCode, text: str, address: str) -> PersonSearchError:
    if code in SILENT_CODES:
        what = "did not answer in time" if code is grpc.StatusCode.DEADLINE_EXCEEDED else "does not answer"
        message = f"the service at {address} {what}; `personsearch status` says what runs"
        return UnreachableError("UNREACHABLE", message, code=code, metadata={"address": address, "detail": text})
    return PersonSearchError(code.name, text or f"the call failed with {code.name}", code=code)


def _status_of(error: grpc.RpcError) -> status_pb2.Status:
    """Read the google.rpc.Status from the trailers; an empty one when there is none."""
    trailers = error.trailing_metadata() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else None
    status = status_pb2.Status()
    for key, value in trailers or ():
        if key == DETAILS_KEY:
            status.ParseFromString(value if isinstance(value, bytes) else value.encode("latin-1"))
    return status


def _first_info(status: status_pb2.Status) -> error_details_pb2.ErrorInfo | None:
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            return info
    return None


def _violations(status: status_pb2.Status) -> tuple[FieldViolation, ...]:
    found: list[FieldViolation] = []
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Is(bad.DESCRIPTOR) and detail.Unpack(bad):
            found += [FieldViolation(violation.field, violation.description) for violation in bad.field_violations]
    return tuple(found)
