"""Addresses: free ports of the loopback interface, and who can reach an address."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Numbers of ``count`` different TCP ports that were free a moment ago.

    All are held open together, so none is given twice. Another process may still take one before it is used: a child
    that cannot bind its port fails, and its starter asks again.
    """
    with ExitStack() as held:
        ports = []
        for _ in range(count):
            listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.bind((LOOPBACK, 0))
            ports.append(int(listener.getsockname()[1]))
        return ports


def split_address(address: str) -> tuple[str, int]:
    """``host:port`` as its parts.

    Raises:
        ValueError: If it is not of that form.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65536):
        raise ValueError(f"expected an address like 127.0.0.1:50051, got {address!r}")
    return host, int(port)


def is_local(address: str) -> bool:
    """Whether only this machine can reach a server on ``host:port`` (or on a Unix socket)."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
