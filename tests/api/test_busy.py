"""L3 over HTTP: whom PostgreSQL picks as the victim is tried again, and told in the end to come again. Never is that a 200."""

import pytest
from django.db import connection

from locks.models import Claim, Freeze, Lock, Ticket
from portal.kit import locking
from tests.conftest import events
from tests.locks.mutants import plant

pytestmark = pytest.mark.django_db(transaction=True)

PLACE = {"service": "checkout", "environment": "production"}
FREEZE = {"title": "Audit", "reason": "books", "starts": "2030-01-01T00:00", "duration": "1h"}
RUN = {"ci": {"provider": "gh", "run": "1"}}
WRITES = {
    "locks": (Lock, PLACE | {"reason": "cutting over"}),
    "freezes": (Freeze, PLACE | FREEZE),
    "claims": (Claim, PLACE | RUN),
    "tickets": (Ticket, PLACE | RUN),
}
# A sequence counts on, whatever becomes of the transaction that draws from it.
TRIGGER = """
create sequence tries;
create function be_busy() returns trigger language plpgsql as $$
begin
    if nextval('tries') <= {times} then
        raise exception 'could not serialize access' using errcode = '40001';
    end if;
    return new;
end $$;
create trigger busy before insert on {table} for each row execute function be_busy();
"""


@pytest.fixture
def busy():
    """`busy(Lock, 2)`: PostgreSQL gives up on the first two who write such a row."""
    tables = []

    def begin(model, times):
        tables.append(model._meta.db_table)
        run(TRIGGER.format(table=tables[0], times=times))

    yield begin
    run(f"drop trigger busy on {tables[0]}; drop function be_busy; drop sequence tries")


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def tries():
    with connection.cursor() as cursor:
        cursor.execute("select last_value from tries")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("path", WRITES)
def test_who_was_a_victim_twice_is_done_the_third_time_and_told_once(shop, ci, busy, path):
    model, body = WRITES[path]
    busy(model, 2)
    assert ci.post(path, body).status == 201
    assert (tries(), model.objects.count()) == (3, 1)
    assert len(events("lock.", "freeze.", "claim.", "ticket.joined")) == 1


BUGS = {"nobody is tried again": (locking.is_victim, "isinstance(error.__cause__, VICTIMS)", "False")}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(shop, ci, busy, monkeypatch, bug):
    plant(monkeypatch, *BUGS[bug])
    with pytest.raises(AssertionError):
        test_who_was_a_victim_twice_is_done_the_third_time_and_told_once(shop, ci, busy, "locks")


@pytest.mark.parametrize("path", WRITES)
def test_who_is_one_for_ever_is_told_to_come_again_and_leaves_nothing(shop, ci, busy, path):
    model, body = WRITES[path]
    busy(model, 99)
    answer = ci.post(path, body)
    assert (answer.status, answer.json["error"], answer.headers["Retry-After"]) == (503, "busy", "1")
    assert (tries(), model.objects.count()) == (3, 0)
    assert events("lock", "freeze", "claim", "ticket") == []
