"""Slack's end of Socket Mode: a WebSocket at a port, as much of RFC 6455 as a client of Slack's needs."""

import base64
import hashlib
import json
import queue
import socket
import struct
import threading

from tests.receivers import stop_listening

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class SocketSlack:
    """`url` is what apps.connections.open gives; `send` an envelope, `answers` what came back for it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/link"
        self.answers: queue.Queue = queue.Queue()
        self.opened: queue.Queue = queue.Queue()
        self.wire = None
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                wire, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire):
        head = b""
        while b"\r\n\r\n" not in head:
            head += wire.recv(4096)
        key = next(
            line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        proof = base64.b64encode(hashlib.sha1(key.strip() + MAGIC.encode()).digest())
        wire.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )
        self.wire = wire
        self._frame(TEXT, json.dumps({"type": "hello", "num_connections": 1}).encode())
        self.opened.put(True)
        try:
            while True:
                kind, payload = self._read(wire)
                if kind == PING:
                    self._frame(PONG, payload, wire)
                elif kind == TEXT:
                    self.answers.put(json.loads(payload))
                elif kind == CLOSE:
                    return
        except (OSError, ConnectionError, struct.error):
            return

    def _read(self, wire):
        first, second = self._exactly(wire, 2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(wire, 2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(wire, 8))
        mask = self._exactly(wire, 4) if second & 128 else b"\0\0\0\0"
        data = self._exactly(wire, length)
        return first & 15, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))

    def _exactly(self, wire, count):
        got = b""
        while len(got) < count:
            part = wire.recv(count - len(got))
            if not part:
                raise ConnectionError
            got += part
        return got

    def _frame(self, kind, payload, wire=None):
        length = len(payload)
        head = bytes([128 | kind]) + (bytes([length]) if length < 126 else bytes([126]) + struct.pack("!H", length))
        (wire or self.wire).sendall(head + payload)

    def send(self, envelope, kind, payload):
        """And waits for what the portal answers to it."""
        body = {"envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": True}
        self._frame(TEXT, json.dumps(body).encode())
        while True:
            answer = self.answers.get(timeout=10)
            if answer.get("envelope_id") == envelope:
                return answer

    def cut(self):
        """As a network does: without a word."""
        self.wire.shutdown(socket.SHUT_RDWR)
        self.wire.close()

    def close(self):
        stop_listening(self.listener)
