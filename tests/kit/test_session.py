"""Prepared statements, several in one round trip: on a connection of its own, beside the test's."""

from datetime import UTC, datetime
from threading import Thread
from time import monotonic, sleep

import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection

from portal.kit.postgresql import session


@pytest.fixture
def other(transactional_db):
    made = connection.copy()
    made.ensure_connection()
    plainly(made, "create temporary table shelf (place int unique, what varchar(20))")
    yield made
    made.close()


def plainly(own, words):
    with own.cursor() as cursor:
        cursor.execute(words)
        return cursor.fetchall() if cursor.description else []


def prepared(own):
    return [name for (name,) in plainly(own, "select name from pg_prepared_statements")]


def ask(own, query, params=()):
    return own.ask([(query, params)])[0]


PUT = "insert into shelf values (%(place)s, %(what)s) returning place"


def test_what_one_statement_wrote_those_after_it_see(other):
    written, counted = other.ask([(PUT, {"place": 1, "what": "jam"}), ("select count(*) from shelf", ())])
    assert (written, counted) == ([(1,)], [(1,)])


def test_each_is_planned_once_whatever_it_is_asked_with(other):
    for place in (1, 40_000, 2**31 - 1):
        ask(other, PUT, {"place": place, "what": "jam"})
    assert len(prepared(other)) == 1
    with pytest.raises(DataError):
        ask(other, PUT, {"place": 2**70, "what": "jam"})
    with pytest.raises(DataError):
        ask(other, PUT, {"place": 1, "what": "half \ud83d"})


def test_a_percent_sign_a_name_twice_and_no_rows(other):
    assert ask(other, "select 7 %% 4, %(one)s::int + %(one)s::int, %(two)s::text", {"one": 1, "two": "b"}) == [
        (3, 2, "b")
    ]
    assert ask(other, "select 1 where false") == [] == ask(other, "update shelf set what = ''")


def test_an_instant_has_the_time_zone_that_all_have_here(other):
    ((found,),) = ask(other, "select timestamptz '2026-01-31 16:40+01'")
    assert found == datetime(2026, 1, 31, 15, 40, tzinfo=UTC) and found.tzinfo is UTC


def test_where_one_fails_none_after_it_is_run_and_all_of_a_transaction_is_undone(other):
    ask(other, PUT, {"place": 1, "what": "jam"})
    other.set_autocommit(False)
    again = {"place": 1, "what": "tea"}
    with pytest.raises(IntegrityError):
        other.ask([(PUT, {"place": 2, "what": "tea"}), (PUT, again), (PUT, {"place": 3, "what": "tea"})])
    other.rollback()
    other.set_autocommit(True)
    assert ask(other, "select place, what from shelf") == [(1, "jam")]


def test_the_first_of_a_transaction_begins_it(other):
    other.set_autocommit(False)
    ask(other, PUT, {"place": 1, "what": "jam"})
    other.rollback()
    assert ask(other, "select count(*) from shelf") == [(0,)]
    other.commit()
    other.set_autocommit(True)


def test_a_statement_that_the_tables_have_outgrown_fails_once_and_is_right_then(other):
    look = "select what from shelf"
    ask(other, PUT, {"place": 1, "what": "jam"})
    assert ask(other, look) == [("jam",)]
    plainly(other, "alter table shelf alter what type text[] using array[what]")
    with pytest.raises(DatabaseError, match="cached plan must not change result type"):
        ask(other, look)
    assert ask(other, look) == [(["jam"],)]


def test_there_are_never_more_than_so_many(other, monkeypatch):
    monkeypatch.setattr(session, "MOST_PREPARED", 5)
    for number in range(12):
        assert ask(other, f"select {number}") == [(number,)]
    assert len(prepared(other)) == 5


@pytest.mark.parametrize("beside", [[], [("select 1", ())]], ids=["one", "several"])
def test_the_server_ends_it_in_the_middle(other, beside):
    mine, ended = other.connection.info.backend_pid, []

    def wait():
        try:
            other.ask([*beside, ("select pg_sleep(30)", ())])
        except OperationalError as error:
            ended.append(error)

    other.inc_thread_sharing()
    waiting = Thread(target=wait)
    waiting.start()
    end = monotonic() + 10
    sleeping = (
        f"select pg_terminate_backend(pid) from pg_stat_activity where pid = {mine} and query like '%pg_sleep(30)%'"
    )
    while monotonic() < end and not plainly(connection, sleeping):
        sleep(0.01)
    waiting.join(10)
    assert len(ended) == 1 and not other.is_usable()
    other.close()
    assert ask(other, "select 2") == [(2,)]


def test_behind_a_pooler_that_knows_none_nothing_is_prepared(other):
    other.close()
    other.settings_dict = other.settings_dict | {
        "OPTIONS": other.settings_dict["OPTIONS"] | {"prepare_threshold": None}
    }
    assert other.ask([("select %s::int", [3]), ("select 4", ())]) == [[(3,)], [(4,)]] and prepared(other) == []
