"""Connections that send what no HTTP client would: byte by byte, without end, or nothing at all."""

import socket
import time

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


def connected(port: int, *, buffer: int | None = None) -> socket.socket:
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(5)
    connection.connect(("127.0.0.1", port))
    return connection


def sent_until_closed(connection: socket.socket, piece: bytes, limit: int = 40) -> int:
    """Return how many megabytes of this piece the server took before it closed the connection."""
    chunk = piece * (2**20 // len(piece))
    for sent in range(limit):
        try:
            connection.sendall(chunk)
        except OSError:
            return sent
    return limit


def read(connection: socket.socket, *, pause: float = 0.0, until: bytes | None = None) -> bytearray:
    received = bytearray()
    try:
        while part := connection.recv(2**18):
            received += part
            if until and received.endswith(until):
                break
            time.sleep(pause)
    except ConnectionError:
        pass
    return received
