"""``python -m services.supervisor``: hold one stack until SIGTERM, in the foreground unless ``--detach`` is given."""

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
    parser.add_argument("--detach", action="store_true", help="go on in the background, nobody's child")
    options = parser.parse_args()
    if options.detach and os.fork():
        # Skips what belongs to the process that goes on, such as flushing its streams.
        os._exit(0)
    settings = StackSettings()
    configure_logging(settings.log_level)
    progress = Progress(None if options.progress_fd is None else os.fdopen(options.progress_fd, "w"))
    state = StateDir(settings.state_dir)
    state.create()
    try:
        lock = state.take_lock()
    except AlreadyRunningError as error:
        progress.say("failed", why=str(error))
        return 1
    daemon = StackDaemon(settings, state, progress, logging.getLogger("services.supervisor"))
    status = asyncio.run(daemon.run())
    # Who waits for the end of the report may take the directory at once.
    os.close(lock)
    progress.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
