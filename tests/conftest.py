"""What every test shares: a scrubbed environment, and skips that cannot hide.

With PERSONSEARCH_TEST_STRICT=1 (CI) a skipped test fails the run, but for those whose marker says that they need what
CI cannot have.
"""

from __future__ import annotations

import os

import pytest

# gRPC's fork handlers stop and start its pollers around each fork of a process that has channels. No test forks to
# go on in Python, and they are turned off before gRPC is loaded or not at all.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

MAY_SKIP = {"gpu", "standalone"}


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the caller's PERSONSEARCH_* variables away, so that a developer's settings cannot change a result."""
    for name in list(os.environ):
        if name.startswith("PERSONSEARCH_") and not name.startswith("PERSONSEARCH_TEST_"):
            monkeypatch.delenv(name)


class StrictSkips:
    """Counts the skips that CI must not have."""

    def __init__(self) -> None:
        self.unwanted: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail") and not MAY_SKIP & set(report.keywords):
            self.unwanted.append(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in self.unwanted:
            terminalreporter.write_line(f"SKIPPED IN STRICT MODE: {nodeid}", red=True)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unwanted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("PERSONSEARCH_TEST_STRICT") == "1":
        config.pluginmanager.register(StrictSkips(), "strict-skips")
