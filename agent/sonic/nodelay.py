"""TCP_NODELAY for sockets that CRT keeps to itself.

CRT leaves Nagle's algorithm on and offers no option: a small write waits until the peer has acknowledged the
one before it. With a peer that delays its acknowledgements, an event sent right after another arrives 40 ms
late (measured on loopback: first answer 47 ms after the first event, 6 ms without Nagle).
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress

_DESCRIPTORS = "/dev/fd"  # Linux and macOS


def disable_nagle(port: int) -> None:
    """Set TCP_NODELAY on this process's connections to `port`, whoever opened them: it harms none of them."""
    for name in os.listdir(_DESCRIPTORS) if os.path.isdir(_DESCRIPTORS) else ():
        with suppress(OSError), _socket(int(name)) as connection:  # closed since the listing, or no socket
            if _is_tcp_to(connection, port):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _socket(descriptor: int) -> socket.socket:
    """A second handle on a descriptor; raises OSError unless it is a socket's."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _is_tcp_to(connection: socket.socket, port: int) -> bool:
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or connection.type != socket.SOCK_STREAM:
        return False
    return bool(connection.getpeername()[1] == port)
