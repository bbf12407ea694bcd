"""Where the embedded servers keep their files, and the addresses they answer at. No Django here."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class Layout:
    data: Path

    @property
    def sockets(self) -> Path:
        """A short folder: a socket's path may be at most about 107 bytes, and `data` may be anywhere."""
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return Path(base) / f"portcullis-{os.getuid()}-{digest}"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def valkey(self) -> Path:
        return self.data / "valkey"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def credentials(self) -> Path:
        return self.data / "credentials.env"

    @property
    def secret_key(self) -> Path:
        return self.data / "secret_key"

    @property
    def database_url(self) -> str:
        return f"postgresql://portcullis@/portcullis?host={quote(str(self.sockets), safe='')}"

    @property
    def redis_url(self) -> str:
        return f"redis+socket://{self.sockets}/valkey.sock"

    def read_secret_key(self) -> str:
        try:
            return self.secret_key.read_text().strip()
        except OSError:
            return ""
