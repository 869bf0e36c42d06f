"""Domain errors as gRPC statuses with google.rpc details, the one place that knows both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.runtime.errors import DomainError, Reason

DOMAIN = "personsearch"
DETAILS_KEY = "grpc-status-details-bin"

CODES: Mapping[Reason, grpc.StatusCode] = {
    Reason.INVALID_FIELD: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.GALLERY_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.GALLERY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.VIDEO_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.APPEARANCE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.UNREADABLE_IMAGE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.NO_FACE: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.SEVERAL_FACES: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.OTHER_PACK: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.UNSUPPORTED_MODALITY: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.UNREADABLE_VIDEO: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.OVERLOADED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.BACKEND_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.INTERNAL: grpc.StatusCode.INTERNAL,
    Reason.UNIMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Reason.VIDEO_BUSY: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.IDENTITY_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.OPERATION_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.CONTRADICTION: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.UNREADABLE_SOUND: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.NO_SPEECH: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.NO_KNOWN_WORDS: grpc.StatusCode.INVALID_ARGUMENT,
}


@dataclass(frozen=True, slots=True)
class WireStatus:
    """What `grpc.aio.ServicerContext.abort` wants."""

    code: grpc.StatusCode
    message: str
    metadata: tuple[tuple[str, bytes], ...]


def status_from_error(error: DomainError) -> WireStatus:
    """The status of a domain error, with ErrorInfo and, for wrong fields, BadRequest."""
    info = error_details_pb2.ErrorInfo(reason=f"ERROR_REASON_{error.reason}", domain=DOMAIN, metadata=dict(error.facts))
    details = [_packed(info)]
    if error.violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.violations
        ]
        details.append(_packed(error_details_pb2.BadRequest(field_violations=fields)))
    return _wire(CODES[error.reason], str(error), details)


def status_from_unexpected(error_id: str) -> WireStatus:
    """The status of an error nobody foresaw: only an id, which the log has with the trace."""
    info = error_details_pb2.ErrorInfo(
        reason=f"ERROR_REASON_{Reason.INTERNAL}", domain=DOMAIN, metadata={"error_id": error_id}
    )
    message = f"something went wrong; the server's log has it under {error_id}"
    return _wire(grpc.StatusCode.INTERNAL, message, [_packed(info)])


def reason_of(error: grpc.aio.AioRpcError) -> Reason | None:
    """The reason that another of our services gave; None where it was none of them that answered."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info) and info.domain == DOMAIN:
            name = info.reason.removeprefix("ERROR_REASON_")
            return Reason.__members__.get(name)
    return None


def _packed(detail: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def _wire(code: grpc.StatusCode, message: str, details: list[AnyMessage]) -> WireStatus:
    number, _ = code.value
    status = status_pb2.Status(code=number, message=message, details=details)
    return WireStatus(code, message, ((DETAILS_KEY, status.SerializeToString()),))
