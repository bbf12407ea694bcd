"""PostgreSQL, Valkey and the web server in a folder of their own, as bin/up starts them, with fsync on."""

import http.client
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import Program, Supervisor
from portal.embedded.up import free_port, web
from portal.embedded.valkey import Valkey

ROOT = Path(__file__).parents[1]


@dataclass
class Stack:
    port: int
    supervisor: Supervisor
    env: dict[str, str]

    def serve(self) -> None:
        """Starts the web server; the database must be set up by now."""
        self.supervisor.start(Program("web", web(self.port), self.env, ready=self.answers))

    def answers(self) -> bool:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            wire.request("GET", "/readyz")
            return wire.getresponse().status == 200
        except OSError:
            return False
        finally:
            wire.close()


@contextmanager
def stack() -> Iterator[Stack]:
    data = Path(tempfile.mkdtemp(prefix="portcullis-bench-")).resolve()
    layout = Layout(data)
    port = free_port()
    env = {
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "PORTCULLIS_DATA": str(data),
        "PORTCULLIS_PORT": str(port),
        "PORTCULLIS_SECRET_KEY": "bench" * 10,
        "DATABASE_URL": layout.database_url,
        "REDIS_URL": layout.redis_url,
    }
    os.environ |= env
    supervisor = Supervisor(data, layout.logs, cwd=ROOT)
    try:
        supervisor.start(Postgres(layout))
        supervisor.start(Valkey(layout))
        supervisor.run("migrate", [sys.executable, "manage.py", "migrate", "--no-input"], env)
        yield Stack(port, supervisor, env)
    finally:
        supervisor.stop()
        shutil.rmtree(data, ignore_errors=True)
