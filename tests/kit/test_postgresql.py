from time import monotonic

import pytest
from django.db import connection

ASKED = "select query from pg_stat_activity where pid = %s"


@pytest.fixture
def other(transactional_db):
    """A connection beside the test's own, as a thread of the server keeps one."""
    made = connection.copy()
    made.ensure_connection()
    yield made
    made.close()


def ask(words, values=()):
    with connection.cursor() as cursor:
        cursor.execute(words, values)
        return cursor.fetchone()[0]


def within(seconds, true):
    end = monotonic() + seconds
    while monotonic() < end and not true():
        pass
    return true()


def test_a_connection_that_stands_is_used_without_a_question(other):
    with other.cursor() as cursor:
        cursor.execute("select 41")
    assert other.is_usable()
    assert ask(ASKED, [other.connection.info.backend_pid]) == "select 41"


def test_one_that_the_server_has_ended_is_not_used_again(other):
    assert ask("select pg_terminate_backend(%s)", [other.connection.info.backend_pid])
    assert within(5, lambda: not other.is_usable())


def test_one_that_was_told_something_is_asked_and_used(other):
    with other.cursor() as cursor:
        cursor.execute("listen news")
    ask("select pg_notify('news', 'rain')")
    assert within(5, lambda: not other._is_quiet())
    assert other.is_usable()


def test_one_that_is_closed_is_not_usable(other):
    other.connection.close()
    assert not other.is_usable()


def test_none_is_not_usable(other):
    other.close()
    assert not other.is_usable()
