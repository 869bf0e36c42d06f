"""Becomes a Milvus Standalone: ``python milvus_standalone.py DIR``, run by an environment that has milvus==2.3.5.

The package's own `milvus-server` starts the real server as a child, which survives it; here this process turns into the
server, and so dies with whoever started it. The gRPC port, a free one, is written to ``DIR/port`` before.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

import milvus


def main(folder: Path) -> None:
    ctypes.CDLL("libc.so.6").prctl(1, signal.SIGKILL)
    config = milvus.MilvusServerConfig(data_dir=str(folder))
    web_port, web_socket = config.resolve_port(19_091)
    config.resolve()
    milvus._initialize_data_files(str(folder))
    web_socket.close()
    binary = folder / "bin" / "milvus"
    environment = {
        **os.environ,
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(web_port),
        "MILVUS_RUN_DIR": str(folder / "run"),
        "LD_LIBRARY_PATH": f"{binary.parent}:{os.environ.get('LD_LIBRARY_PATH', '')}",
    }
    (folder / "port.new").write_text(str(config.get("proxy_port")))
    (folder / "port.new").rename(folder / "port")
    os.chdir(folder)
    os.execve(binary, [str(binary), "run", "standalone"], environment)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
