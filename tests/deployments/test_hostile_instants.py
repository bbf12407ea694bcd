"""Instants that no time zone could show: Go writes the year 1 for none, and somebody may write what he likes."""

import pytest

from deployments.models import Commit, Deployment

BODY = {"service": "checkout", "environment": "production", "version": "1.0"}
YEAR_1, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("started_at", {"started_at": YEAR_1}),
        ("finished_at", {"finished_at": YEAR_1}),
        ("changes.0.committed_at", {"changes": [{"sha": "b" * 40, "committed_at": YEAR_1}]}),
        ("changes.0.committed_at", {"changes": [{"sha": "b" * 40, "committed_at": LAST}]}),
    ],
)
def test_a_report_at_the_ends_of_time_is_refused_and_breaks_no_page(shop, ci, client, bob, field, told):
    answer = ci.post("deployments", BODY | told)
    assert answer.status == 422
    assert answer.json["details"]["errors"] == [{"path": field, "message": "must lie between the years 1900 and 9000"}]
    assert not Deployment.objects.exists() and not Commit.objects.exists()
    client.force_login(bob)
    assert client.get("/deployments/panel/checkout").status_code == 200


def test_the_links_of_a_place_are_opened_at_no_such_time(shop, ci):
    answer = ci.get("deployments/sources", since=YEAR_1, until="0001-01-01T01:00:00Z")
    assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "since"
