"""``python -m services.supervisor [--progress-fd N]``: hold one stack in the foreground until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

from services.runtime.logging import configure_logging
from services.runtime.settings import StackSettings
from services.supervisor.daemon import Progress, StackDaemon
from services.supervisor.errors import AlreadyRunningError
from services.supervisor.state import StateDir


def main() -> int:
    """Take the state directory and run the stack."""
    parser = argparse.ArgumentParser(prog="python -m services.supervisor", description=__doc__)
    parser.add_argument("--progress-fd", type=int, help="descriptor on which to tell, in JSON lines, how it goes")
    options = parser.parse_args()
    settings = StackSettings()
    configure_logging(settings.log_level)
    progress = Progress(None if options.progress_fd is None else os.fdopen(options.progress_fd, "w"))
    state = StateDir(settings.state_dir)
    state.create()
    try:
        state.take_lock()
    except AlreadyRunningError as error:
        progress.say("failed", why=str(error))
        return 1
    daemon = StackDaemon(settings, state, progress, logging.getLogger("services.supervisor"))
    return asyncio.run(daemon.run())


if __name__ == "__main__":
    sys.exit(main())
