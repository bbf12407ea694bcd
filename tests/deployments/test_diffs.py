"""What lies between two deployments, two environments and two instants; and how far production is behind staging."""

import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import queries
from portal.kit.clock import iso
from portal.kit.errors import Conflict, Missing
from tests.conftest import write
from tests.deployments.test_reports import NOON, report

A, B, C, D, E = (letter * 40 for letter in "abcde")


@pytest.fixture
def by(page, alice):
    return page(alice)


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def commit(sha, *parents, message="", **more):
    return {"sha": sha, "parents": list(parents), "message": message or f"Change {sha[0]}", "author": "Dana", **more}


def ship(version, sha, *changes, at, **more):
    return report(version, at=at, commit=sha, changes=list(changes), **more).deployment


@pytest.fixture
def line(shop):
    """a <- b <- c <- d, and e beside c on b: a and c in production, d in staging."""
    first = ship("1.0", A, commit(A), at=0)
    later = ship("1.2", C, commit(C, B, message="PAY-2: Third (#12)"), commit(B, A, message="PAY-1: Second"), at=10)
    ahead = ship("1.3", D, commit(D, C), at=20, environment="staging")
    return first, later, ahead


def shas(commits):
    return [each.sha for each in commits]


def test_a_diff_lists_the_commits_between_newest_first(line, by):
    first, later, _ = line
    found = queries.diff(by, first, later)
    assert (shas(found.added), shas(found.removed), found.commits.complete) == ([C, B], [], True)
    assert [each.key for each in found.added[0].tickets.all()] == ["PAY-2"]


def test_a_diff_turned_round_takes_away_what_it_brought(line, by):
    first, later, _ = line
    found = queries.diff(by, later, first)
    assert (shas(found.added), shas(found.removed)) == ([], [C, B])


def test_the_steps_between_add_up_to_the_whole(line, by):
    first, later, ahead = line
    steps = shas(queries.diff(by, later, ahead).added) + shas(queries.diff(by, first, later).added)
    assert steps == shas(queries.diff(by, first, ahead).added) == [D, C, B]


def test_settings_and_flags_changed_meanwhile_stand_in_the_diff(line, by):
    first, later, _ = line
    report("dark-mode", at=5, kind="flag")
    report("too-late", at=15, kind="config")
    report("elsewhere", at=6, kind="flag", environment="staging")
    assert [each.version for each in queries.diff(by, first, later).settings] == ["dark-mode"]
    assert [each.version for each in queries.diff(by, later, first).settings] == ["dark-mode"]


def test_deployments_of_two_services_are_not_compared(line, by):
    other = report("1.0", service="search").deployment
    with pytest.raises(Conflict, match="only deployments of one service"):
        queries.diff(by, line[0], other)


def test_without_a_commit_nobody_can_tell(shop, by):
    found = queries.diff(by, report("1.0", at=0).deployment, report("1.1", at=1).deployment)
    assert (found.commits, found.added) == (None, [])


def test_between_two_instants_each_place_that_changed_is_listed(line, by):
    found = queries.changed(by, NOON, NOON + timedelta(minutes=30))
    told = [
        (each.environment.identifier, each.old and each.old.version, each.new.version, each.count.added)
        for each in found
    ]
    assert told == [("staging", None, "1.3", 0), ("production", "1.0", "1.2", 2)]
    assert not queries.changed(by, NOON + timedelta(minutes=21), NOON + timedelta(minutes=30))


def test_an_instant_counts_what_ended_at_it(line, by):
    found = queries.changed(by, NOON + timedelta(minutes=9), NOON + timedelta(minutes=10))
    assert [(each.old.version, each.new.version, len(each.passed)) for each in found] == [("1.0", "1.2", 1)]


def test_a_rollback_on_the_way_is_marked(line, by):
    ship("1.0", A, commit(A), at=12)
    [back] = queries.changed(by, NOON + timedelta(minutes=11), NOON + timedelta(minutes=13))
    assert (back.rolled_back, back.count.added, back.count.removed) == (True, 0, 2)
    [onwards] = queries.changed(by, NOON, NOON + timedelta(minutes=11), tier="production")
    assert not onwards.rolled_back


def test_two_environments_differ_by_commits_one_way_or_the_other(line, by):
    staging, production = (each.config.environment for each in (line[2], line[1]))
    [forth] = queries.differing(by, production, staging)
    [back] = queries.differing(by, staging, production)
    assert (forth.count.added, forth.count.removed) == (1, 0)
    assert (back.count.added, back.count.removed) == (0, 1)
    ship("1.3", D, commit(D, C), at=25)
    assert not queries.differing(by, production, staging)


def drift(by):
    [found] = queries.drifts(by)
    return found


def test_production_behind_staging_by_commits_and_since_when(line, by):
    found = drift(by)
    assert (found.state, found.count.added, found.count.removed, found.count.known, found.warns) == (
        "behind", 1, 0, True, False,
    )  # fmt: skip
    ship("1.2", C, at=18, environment="staging")
    assert drift(by).since == NOON + timedelta(minutes=20)


def test_since_when_is_when_staging_first_had_what_production_lacks(line, by):
    ship("1.2", C, at=15, environment="staging")
    ship("1.4", E, commit(E, D), at=30, environment="staging")
    assert (drift(by).count.added, drift(by).since) == (2, NOON + timedelta(minutes=20))


def test_since_when_is_known_by_a_short_sha_as_well(line, by):
    ship("1.2", C, at=15, environment="staging")
    report("1.2", at=30, commit=C[:7])
    assert (drift(by).state, drift(by).since) == ("behind", NOON + timedelta(minutes=20))


def test_production_ahead_of_staging_warns(line, by):
    ship("1.4", E, commit(E, D), at=30)
    found = drift(by)
    assert (found.state, found.warns, found.count.added, found.count.removed) == ("ahead", True, 0, 1)


def test_a_hotfix_that_staging_has_not_warns(line, by):
    ship("1.2-fix", E, commit(E, C), at=30)
    found = drift(by)
    assert (found.state, found.warns, found.count.added, found.count.removed) == ("apart", True, 1, 1)


def test_where_commits_are_not_known_the_versions_tell(shop, by):
    report("1.0", at=0, environment="staging")
    report("1.0", at=1)
    report("1.1", at=5, environment="staging")
    found = drift(by)
    assert (found.state, found.count.known, found.since) == ("behind", False, NOON + timedelta(minutes=5))


def test_a_version_that_production_left_behind_makes_it_ahead(shop, by):
    report("1.0", at=0)
    report("1.0", at=1, environment="staging")
    report("1.1", at=5)
    assert (drift(by).state, drift(by).warns) == ("ahead", True)


def test_versions_that_never_met_are_unclear(shop, by):
    report("blue", at=0)
    report("green", at=1, environment="staging")
    assert (drift(by).state, drift(by).since, drift(by).warns) == ("unclear", None, False)


def test_the_same_in_both_is_no_drift(shop, by):
    report("1.0", at=0)
    report("1.0", at=1, environment="staging")
    report("2.0", at=1, environment="staging", service="search")
    assert queries.drifts(by) == []


def test_the_most_behind_comes_first(line, by):
    report("1.0", at=0, service="search", commit=A, changes=[commit(A)])
    more = [commit(D, C), commit(C, B), commit(B, A)]
    report("1.3", at=0, service="search", commit=D, changes=more, environment="staging")
    assert [each.service.identifier for each in queries.drifts(by)] == ["search", "checkout"]


def test_drift_and_changes_ask_as_often_for_many_as_for_one(line, by):
    def asked(ask):
        with CaptureQueriesContext(connection) as statements:
            ask()
        return len(statements)

    staging, production = (each.config.environment for each in (line[2], line[1]))
    asks = [
        lambda: queries.drifts(by),
        lambda: list(queries.changed(by, NOON, NOON + timedelta(minutes=30))),
        lambda: list(queries.differing(by, production, staging)),
    ]
    one = [asked(ask) for ask in asks]
    for number in range(20):
        write("service", f"s{number}")
        report("1.0", at=0, service=f"s{number}", commit=A, changes=[commit(A)])
        report("1.0", at=1, service=f"s{number}", commit=A)
        report("1.1", at=5, service=f"s{number}", commit=B, changes=[commit(B, A)], environment="staging")
    assert [asked(ask) for ask in asks] == one


def page_of(client, url, status=200):
    answer = client.get(url)
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def test_the_page_of_a_comparison_names_commits_tickets_and_the_forge(line, signed_in):
    write("service", "checkout", mode="patch", properties={"repository": "https://github.com/larder/checkout.git"})
    first, later, _ = line
    shown = page_of(signed_in, f"/deployments/compare?from={first.public_id}&to={later.public_id}")
    assert "PAY-2: Third" in shown and "PAY-1" in shown
    assert f"https://github.com/larder/checkout/compare/{A}...{C}" in shown
    assert "https://github.com/larder/checkout/pull/12" in shown


@pytest.mark.parametrize("host", ["gitlab.com", "gitlab.example.org"])
def test_gitlab_has_addresses_of_its_own(line, signed_in, host):
    write("service", "checkout", mode="patch", properties={"repository": f"https://{host}/larder/checkout"})
    first, later, _ = line
    shown = page_of(signed_in, f"/deployments/compare?from={first.public_id}&to={later.public_id}")
    assert f"https://{host}/larder/checkout/-/compare/{A}...{C}" in shown
    assert f"https://{host}/larder/checkout/-/merge_requests/12" in shown


def test_pages_of_environments_and_instants_lead_to_the_commits(line, signed_in):
    first, later, ahead = line
    assert f"from={later.public_id}&amp;to={ahead.public_id}" in page_of(
        signed_in, "/deployments/compare?environment=&against="
    )
    since, until = "2026-03-02T12:05:00Z", "2026-03-02T12:15:00Z"
    shown = page_of(signed_in, f"/deployments/compare?since={since}&until={until}")
    assert f"from={first.public_id}&amp;to={later.public_id}" in shown and "+2 commits" in shown


def test_long_comparisons_have_pages(line, signed_in, monkeypatch):
    monkeypatch.setattr(sys.modules["deployments.views.compare"], "ON_PAGE", 1)  # the package has the view by that name
    report("1.0", at=0, service="search")
    query = "since=2026-03-02T11:00Z&until=2026-03-02T12:15Z"
    first, second = (page_of(signed_in, f"/deployments/compare?{query}&page={number}") for number in (1, 2))
    assert "1 to 1 of 2" in first and "2 to 2 of 2" in second and "2 places changed" in second
    assert "/catalog/service/entities/search" not in first.split("<tbody")[1]
    assert "/catalog/service/entities/search" in second.split("<tbody")[1]


def test_what_changed_in_one_service_is_told_alone(line, signed_in):
    report("1.0", at=0, service="search")
    told = page_of(signed_in, "/deployments/compare?since=2026-03-02T11:00Z&until=2026-03-02T12:15Z&service=search")
    body = told.split("<tbody")[1]
    assert "/catalog/service/entities/search" in body and "/catalog/service/entities/checkout" not in body


def test_two_deployments_are_chosen_by_their_service(line, signed_in):
    first, later, _ = line
    assert "Choose a service" in page_of(signed_in, "/deployments/compare?between=deployments")
    shown = page_of(signed_in, "/deployments/compare?between=deployments&service=checkout")
    for each in line:
        assert shown.count(f'<option value="{each.public_id}"') == 2
    sides = [f'<option value="{each.public_id}" selected>' for each in (first, later)]
    report("2.0", at=90, environment="production")
    again = page_of(signed_in, "/deployments/compare?between=deployments&service=checkout")
    assert sides[1] in again.split('name="to"')[0] and sides[0] not in again
    again = page_of(signed_in, f"/deployments/compare?from={first.public_id}&to={later.public_id}")
    assert again.count(" selected>") == 2 and "PAY-2: Third" in again


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("from=nonsense&to=nonsense", 404, "There is no deployment with the id nonsense"),
        ("environment=stagin&against=production", 404, "Did you mean staging?"),
        ("between=deployments&service=chekout", 404, "Did you mean checkout?"),
        ("service=chekout", 422, "Did you mean checkout?"),
        ("since=soon", 422, "must be a date and a time"),
        ("since=2999-01-01T00:00", 422, "lies in the future"),
        ("since=2026-03-02T12:00Z&until=2026-03-01T12:00Z", 422, "The first instant is later than the second"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_told(line, signed_in, query, status, why):
    assert why in page_of(signed_in, f"/deployments/compare?{query}", status)


def test_the_page_of_drift_and_the_filter_of_the_matrix(line, signed_in):
    report("1.0", at=0, service="search")
    report("1.0", at=0, service="search", environment="staging")
    shown = page_of(signed_in, "/deployments/drift")
    assert "1 to deploy" in shown and "production is behind" in shown and "search" not in shown.split("<tbody")[1]
    matrix = page_of(signed_in, "/deployments/?drift=1")
    assert 'id="row-checkout"' in matrix and 'id="row-search"' not in matrix


def test_v1_tells_the_diff_of_deployments_environments_and_instants(line, ci):
    first, later, ahead = line
    told = ci.get("deployments/diff", **{"from": str(first.public_id), "to": str(later.public_id)}).json["diff"]
    assert [each["sha"] for each in told["commits"]["added"]] == [C, B]
    assert told["commits"]["added"][0]["tickets"] == ["PAY-2"]
    [place] = ci.get("deployments/diff", environment="staging", against="prod").json["changes"]
    assert (place["to"]["version"], place["added"], place["removed"], place["complete"]) == ("1.3", 1, 0, True)
    [change] = ci.get("deployments/diff", since=iso(NOON), until=iso(NOON + timedelta(minutes=15))).json["changes"]
    assert (change["from"]["version"], change["to"]["version"], change["rollback"]) == ("1.0", "1.2", False)
    whole = {"since": iso(NOON), "until": iso(NOON + timedelta(minutes=30)), "limit": "1"}
    first = ci.get("deployments/diff", **whole).json
    last = ci.get("deployments/diff", **whole, after=first["next"]).json
    assert [each["changes"][0]["environment"] for each in (first, last)] == ["staging", "production"]
    assert last["next"] is None and ci.get("deployments/diff", **whole, after="0.0").status == 422


def test_v1_tells_the_drift(line, ci):
    [told] = ci.get("deployments/drift").json["drift"]
    assert (told["service"], told["state"], told["added"], told["warns"]) == ("checkout", "behind", 1, False)
    assert ci.get("deployments/drift", service="search").json == {"ok": True, "drift": [], "next": None}


@pytest.mark.parametrize(
    ("query", "status", "path"),
    [
        ({}, 422, "since"),
        ({"since": "noon"}, 422, "since"),
        ({"since": "2999-01-01T00:00:00Z"}, 422, "since"),
        ({"from": "1", "to": "2"}, 404, None),
        ({"environment": "staging"}, 422, "against"),
        ({"environment": "staging", "against": "prodution"}, 404, None),
    ],
)
def test_v1_refuses_a_diff_that_makes_no_sense(line, ci, query, status, path):
    answer = ci.get("deployments/diff", **query)
    assert answer.status == status
    if path:
        assert answer.json["details"]["errors"][0]["path"] == path


def test_of_one_that_is_gone_nothing_is_told(line, by):
    with pytest.raises(Missing, match="There is no deployment"):
        queries.deployment(by, "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708")


def test_a_version_that_nobody_told_is_no_drift(shop, by):
    report("", at=0, commit=A)
    report("1.0", at=1, commit=A[:9], environment="staging")
    assert queries.drifts(by) == []
    report("1.1", at=2, commit=A, environment="staging")
    report("1.0", at=3, commit=A)
    assert [(each.live.version, each.staged.version) for each in queries.drifts(by)] == [("1.0", "1.1")]
