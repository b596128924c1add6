"""Connections that send what no HTTP client would: byte by byte, without end, or nothing at all."""

import socket
import time

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


def connected(port, *, buffer=None):
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(5)
    connection.connect(("127.0.0.1", port))
    return connection


def sent_until_closed(connection, piece, most=40):
    """Megabytes of this piece that the server took before it had enough."""
    chunk = piece * (2**20 // len(piece))
    for sent in range(most):
        try:
            connection.sendall(chunk)
        except OSError:
            return sent
    return most


def read(connection, *, pause=0.0, until=None):
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
