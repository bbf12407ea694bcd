import os
import shutil
import signal
import time

import pytest

from portal.embedded import processes
from portal.embedded.errors import CannotStart
from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres, explain
from portal.embedded.supervisor import Supervisor
from portal.embedded.valkey import Valkey
from tests.embedded.conftest import ask


def test_what_was_written_is_there_after_the_next_start(layout):
    for _ in range(2):
        supervisor = Supervisor(layout.data, layout.logs)
        postgres = Postgres(layout)
        supervisor.start(postgres)
        ask(postgres, "CREATE TABLE IF NOT EXISTS seen (at timestamptz)")
        ask(postgres, "INSERT INTO seen VALUES (now())")
        count = ask(postgres, "SELECT count(*) FROM seen")
        supervisor.stop()
        assert processes.working_in(layout.postgres) == []
    assert count == "2"


def test_the_portals_role_has_the_extensions_and_the_locale_it_needs(layout, supervisor):
    postgres = Postgres(layout, durable=False)
    supervisor.start(postgres)
    ask(postgres, "CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gist")
    assert ask(postgres, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == "f|t"
    kind = "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
    assert ask(postgres, f"{kind} WHERE datname = current_database()") == "b|C.UTF-8|UTF8"


def test_a_killed_server_recovers_and_keeps_what_was_committed(layout, supervisor, said):
    postgres = Postgres(layout)
    supervisor.start(postgres)
    ask(postgres, "CREATE TABLE kept AS SELECT 41 + 1 AS answer")
    os.kill(supervisor.children[0].process.pid, signal.SIGKILL)
    look_until(supervisor, lambda: said and postgres.is_ready())
    assert ask(postgres, "SELECT answer FROM kept") == "42"
    assert "postgres stopped (by SIGKILL)" in said[0]


def test_a_stale_pid_file_that_names_a_living_stranger_is_no_obstacle(layout, supervisor):
    postgres = Postgres(layout, durable=False)
    supervisor.start(postgres)
    supervisor.stop()
    supervisor.children.clear()
    (layout.postgres / "postmaster.pid").write_text(f"{os.getppid()}\n{layout.postgres}\n")
    supervisor.start(postgres)
    assert ask(postgres, "SELECT 1") == "1"


def test_a_server_left_on_the_data_is_stopped_first(layout, supervisor):
    postgres = Postgres(layout, durable=False)
    postgres.prepare()
    layout.logs.mkdir()
    left = processes.spawn(postgres.command(), log=layout.logs / "left.log", env=postgres.environment())
    while not postgres.is_ready():
        time.sleep(0.02)
    supervisor.start(postgres)
    assert left.wait() == 0
    assert ask(postgres, "SELECT 1") == "1"


def test_a_first_start_cut_short_is_begun_again(layout, supervisor):
    (layout.data / "postgres.making").mkdir()
    (layout.data / "postgres.making" / "PG_VERSION").write_text("18\n")
    postgres = Postgres(layout, durable=False)
    supervisor.start(postgres)
    assert ask(postgres, "SELECT 1") == "1"


def test_a_data_folder_too_long_for_a_socket_works(layout, supervisor):
    deep = Layout(layout.data / ("very-" * 20 + "long") / "and a space")
    deep.data.mkdir(parents=True)
    postgres, valkey = Postgres(deep, durable=False), Valkey(deep)
    try:
        supervisor.start(postgres)
        supervisor.start(valkey)
        assert len(str(deep.sockets)) < 60
        assert ask(postgres, "SELECT 1") == "1"
    finally:
        supervisor.stop()
        shutil.rmtree(deep.sockets)


def test_a_socket_folder_that_others_can_enter_is_refused(layout):
    layout.sockets.mkdir(mode=0o777)
    layout.sockets.chmod(0o777)
    with pytest.raises(CannotStart, match="open to other users"):
        Postgres(layout).prepare()
    assert not layout.postgres.exists()


def test_a_socket_folder_that_is_a_link_is_refused(layout, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    layout.sockets.symlink_to(elsewhere)
    with pytest.raises(CannotStart, match="not a folder"):
        Valkey(layout).prepare()


def test_data_of_another_version_is_refused_in_a_sentence(layout):
    layout.postgres.mkdir(mode=0o700)
    (layout.postgres / "PG_VERSION").write_text("17\n")
    with pytest.raises(CannotStart, match="made by PostgreSQL 17; this is 18"):
        Postgres(layout).prepare()


def test_a_missing_library_is_named_with_its_package():
    complaint = "postgres: error while loading shared libraries: libz.so.1: cannot open shared object file"
    assert "install zlib1g (Debian, Ubuntu)" in explain(complaint)
    assert "DATABASE_URL" in explain(complaint)


def test_an_old_c_library_is_named():
    assert "needs GLIBC_2.28" in explain("libc.so.6: version `GLIBC_2.28' not found (required by postgres)")


def look_until(supervisor, done, within=15.0):
    deadline = time.monotonic() + within
    while not done():
        assert time.monotonic() < deadline, "it did not come back"
        supervisor.look()
        time.sleep(0.05)
