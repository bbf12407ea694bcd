"""Receivers at the socket, of what the portal sends out, and what they do to it."""

import contextlib
import re
import socket
import threading
import time


def stop_listening(listening):
    """Ends the thread that waits at it too. A closed one alone leaves that thread waiting at a number which the next
    socket may be given: it would then answer what is meant for that."""
    with contextlib.suppress(OSError):  # not every system takes it
        listening.shutdown(socket.SHUT_RDWR)
    listening.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """A socket that reads a request and does to it what it is told."""

    def __init__(self, answer):
        self.answer, self.came = answer, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/hook?a=1"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        stop_listening(self.server)

    def _serve(self):
        while True:
            try:
                wire, _ = self.server.accept()
            except OSError:
                return
            with wire:
                try:
                    self.came.append(self._read(wire))
                    self.answer(wire) if callable(self.answer) else wire.sendall(self.answer)
                except OSError:
                    pass

    def _read(self, wire):
        raw = b""
        while more := wire.recv(65536):
            raw += more
            head, end, body = raw.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if end and len(body) >= int(length[1] if length else 0):
                break
        return raw


def drip(wire, text=b"HTTP/1.1 200 OK\r\nX: "):
    wire.sendall(text)
    for _ in range(100):
        wire.sendall(b"a")
        time.sleep(0.05)


def reset(wire):
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
