"""Where the embedded servers keep their files, and the addresses they answer at. No Django here."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class Layout:
    data: Path

    @property
    def sockets(self) -> Path:
        """Inside `data`, or in /tmp where that path is too long for a socket (about 107 bytes) or awkward in a URL.

        No environment variable has a say: `manage.py` in another terminal must find the same folder.
        """
        inside = self.data / "sockets"
        if len(os.fsencode(inside)) <= 80 and re.fullmatch(r"[\w/.-]+", str(inside), re.ASCII):
            return inside
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path("/tmp") / f"portcullis-{os.getuid()}-{digest}"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def valkey(self) -> Path:
        return self.data / "valkey"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def beat_schedule(self) -> Path:
        return self.data / "beat-schedule"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def lock(self) -> Path:
        return self.data / "lock"

    @property
    def credentials(self) -> Path:
        return self.data / "credentials.env"

    @property
    def target(self) -> Path:
        """The demo's services to break; written with the demo data."""
        return self.data / "target.json"

    @property
    def slack_people(self) -> Path:
        return self.data / "slack-people.json"

    @property
    def secret_key(self) -> Path:
        return self.data / "secret_key"

    @property
    def database_url(self) -> str:
        return f"postgresql://portcullis@/portcullis?host={quote(str(self.sockets), safe='')}"

    @property
    def redis_url(self) -> str:
        return f"redis+socket://{self.valkey_socket}"

    def read_secret_key(self) -> str:
        try:
            return self.secret_key.read_text().strip()
        except OSError:
            return ""
