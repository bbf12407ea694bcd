"""Bugs planted in the outbox, each with the test that must notice it."""

import pytest

from portal.audit import leases, outbox
from tests.audit import test_leases, test_outbox
from tests.audit.test_outbox import post  # noqa: F401
from tests.locks.mutants import plant_in_sql, planting

BUGS = {
    # N1
    "who lost it settles it for another": (test_outbox.test_a_worker_that_died_while_sending_is_followed_by_another_when_its_lease_ends, outbox._settle, ", lease=delivery.lease", ""),
    # N3
    "nothing is renewed": (test_leases.test_a_lease_that_is_renewed_goes_on_and_one_that_another_has_by_now_does_not, leases.renew, "update(lease_until=Now() + Delivery.LEASE)", "exists()"),
    "who comes late renews what another has": (test_leases.test_a_lease_that_is_renewed_goes_on_and_one_that_another_has_by_now_does_not, leases.renew, "lease=delivery.lease, ", ""),
}  # fmt: skip

SQL = {
    # N1
    "what somebody has is due": (test_outbox.test_a_worker_that_died_while_sending_is_followed_by_another_when_its_lease_ends, "lease_until", "due_at"),
    # N2
    "nobody waits for what was before": (test_outbox.test_later_news_of_a_noun_waits_for_the_earlier_and_does_not_wait_for_others, "e.stream = d.stream and", "e.id = d.id and"),
}  # fmt: skip

test_a_planted_bug_is_noticed = planting(BUGS)


@pytest.mark.django_db
@pytest.mark.parametrize("bug", SQL)
def test_a_bug_planted_in_sql_is_noticed(post, monkeypatch, bug):  # noqa: F811
    test, right, wrong = SQL[bug]
    plant_in_sql(monkeypatch, outbox, "_NEXT", right, wrong)
    with pytest.raises(AssertionError):
        test(None, post)
