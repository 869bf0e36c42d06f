"""Measurements that are not of this package and whose figures belong into its report.

An extra has a name, is made like any step, and gives a report and a page. Claims read reports by these names. Of
`served` they read the mapping under `figures`: `calibration_error.<query kind>` and `open_set_share.<query kind>`, each
a mapping of `value` and, where known, `low`, `high` and `chance`; they then stand in place of those of the protocol
`csm`. Of `faces` they read what `python -m evaluation faces` writes under `falls`.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.clearness.extra import faces_extra
from evaluation.index.given import Extra
from evaluation.served.extra import served_extra

__all__ = ["EXTRAS"]

# Known by name; the report has each in this order, behind what is built in.
EXTRAS: Mapping[str, Extra] = {"served": served_extra, "faces": faces_extra}
