from __future__ import annotations

from personsearch.v1 import error_reason_pb2
from services.runtime.errors import Reason, SeveralFacesError
from services.runtime.statuses import CODES


def test_reasons_are_those_of_the_contract() -> None:
    published = {name.removeprefix("ERROR_REASON_") for name, _ in error_reason_pb2.ErrorReason.items()}
    assert {reason.value for reason in Reason} == published - {"UNSPECIFIED"}


def test_every_reason_has_a_status() -> None:
    assert set(CODES) == set(Reason)


def test_faces_are_listed_as_the_contract_says() -> None:
    error = SeveralFacesError(1, [(0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 0.75, 1.0)])
    assert error.facts["part_index"] == "1"
    assert error.facts["faces"] == "0.10000,0.20000,0.30000,0.40000;0.50000,0.50000,0.75000,1.00000"
