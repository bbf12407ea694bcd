"""Which deployments passed the gate, and who deploys without asking it."""

import importlib
import threading
from datetime import timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from catalog.models import Entity
from deployments.commands import deployment_report, inbox_place
from deployments.models import Deployment, InboxItem
from deployments.queries import coverage
from locks import receipts, scopes
from locks.commands import claim_begin, gate_ask, lock_take
from locks.queries import decide
from locks.runs import Run
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, events, write

COMMIT = "4f2a9c1d0e"
CI = {"provider": "github", "run": "7", "attempt": "1"}


def receipt(place, *, commit=COMMIT, run="", ago=timedelta(), intent="deploy"):
    decision = decide(place, by=SETUP, intent=intent, now=database_now() - ago)
    return receipts.issue(decision, commit=commit, run=run)


def report(environment="production", **more):
    body = {"service": "checkout", "environment": environment, "commit": COMMIT, "version": "1.0"} | more
    return deployment_report(body, by=SETUP).deployment


def test_a_report_without_a_decision_is_ungated_and_its_entity_says_so(shop):
    made = report()
    assert made.gate == "ungated" and made.entity.properties["gate"] == "ungated"


def test_the_receipt_of_a_check_marks_it(shop):
    made = report("prod", decision=receipt(shop.checkout_production), ci=CI)
    assert made.gate == "receipt" and made.entity.properties["gate"] == "receipt"


def test_the_receipt_travels_from_the_gate_to_the_report(shop, ci):
    asked = {"service": "checkout", "environment": "production", "commit": COMMIT, "run": "github:7:1"}
    note = ci.get("gate", **asked).json["decision"]["receipt"]
    body = {"service": "checkout", "environment": "production", "commit": COMMIT, "ci": CI, "decision": note}
    answer = ci.post("deployments", body)
    assert (answer.status, answer.json["deployment"]["gate"]) == (201, "receipt")


def test_who_waited_in_line_has_a_receipt_when_its_turn_has_come(shop, ci):
    wish = {"service": "checkout", "environment": "production", "commit": COMMIT, "ci": CI}
    turn = ci.post("tickets", wish).json["ticket"]
    assert turn["ready"] and report(ci=CI, decision=turn["decision"]["receipt"]).gate == "receipt"
    behind = ci.post("tickets", wish | {"ci": CI | {"run": "8"}}).json["ticket"]
    assert not behind["ready"] and "receipt" not in behind["decision"]


FOREIGN = {
    "another place": lambda shop: receipt(shop.checkout_staging),
    "another service": lambda shop: receipt(shop.search_production),
    "another commit": lambda shop: receipt(shop.checkout_production, commit="ffffffffff"),
    "another run": lambda shop: receipt(shop.checkout_production, run="github:8:1"),
    "a rollback": lambda shop: receipt(shop.checkout_production, intent="rollback"),
    "long ago": lambda shop: receipt(shop.checkout_production, ago=timedelta(hours=6, minutes=1)),
    "forged": lambda shop: receipt(shop.checkout_production)[:-3] + "AAA",
    "signed for something else": lambda shop: signing.dumps({"service": "checkout"}, salt="else"),
    "nonsense": lambda shop: "\u2603 nonsense",
}


@pytest.mark.parametrize("note", FOREIGN.values(), ids=FOREIGN)
def test_a_receipt_that_is_not_good_counts_for_nothing_and_refuses_nothing(shop, ci, note):
    body = {"service": "checkout", "environment": "production", "commit": COMMIT, "ci": CI, "decision": note(shop)}
    answer = ci.post("deployments", body)
    assert (answer.status, answer.json["deployment"]["gate"]) == (201, "ungated")


def test_a_receipt_is_good_for_one_deployment(shop):
    note = receipt(shop.checkout_production)
    assert [report(decision=note).gate, report(decision=note).gate] == ["receipt", "ungated"]


def test_a_receipt_got_after_the_deploy_is_none(shop):
    ended = iso(database_now() - timedelta(minutes=30))
    assert report(decision=receipt(shop.checkout_production), finished_at=ended).gate == "ungated"


def test_what_has_ended_without_the_gate_is_not_mended_by_a_later_check(shop):
    made = report(ci=CI)
    Deployment.objects.filter(pk=made.pk).update(finished_at=database_now() - timedelta(hours=1))
    assert report(ci=CI, decision=receipt(shop.checkout_production)).gate == "ungated"


def test_a_later_report_of_the_run_may_bring_the_receipt_and_that_is_an_event(shop):
    note = receipt(shop.checkout_production)
    assert report(ci=CI, status="in_progress").gate == "ungated"
    made = report(ci=CI, decision=note)
    assert made.gate == "receipt" and made.entity.properties["gate"] == "receipt"
    assert events("deployment.") == ["deployment.reported", "deployment.updated"]
    assert report(ci=CI).gate == "receipt", "and it stays"


def claim(place, run="github:7:1", **wish):
    return claim_begin(place, Run(run), by=SETUP, **({"commit": COMMIT} | wish)).claim


def test_the_claim_of_its_run_marks_it_named_or_not(shop):
    made = claim(shop.checkout_production)
    assert report(ci=CI).gate == "claim"
    claimed = claim(shop.checkout_staging)
    assert report("staging", claim=str(claimed.public_id)).gate == "claim"
    assert Deployment.objects.get(config__environment__identifier="production").gate_proof == str(made.public_id)


def test_a_claim_of_another_place_run_commit_or_intent_marks_nothing(shop):
    elsewhere = claim(shop.checkout_staging)
    assert report(claim=str(elsewhere.public_id), ci=CI).gate == "ungated"
    claim(shop.checkout_production, intent="rollback", run="github:9:1")
    assert report(ci=CI | {"run": "9"}).gate == "ungated"
    assert report(ci=CI | {"run": "9"}, kind="rollback").gate == "claim"
    assert report(claim="nonsense", ci=CI | {"run": "10"}).gate == "ungated"


def test_a_report_from_the_inbox_is_judged_by_when_it_came(shop):
    note = receipt(shop.checkout_production)
    deployment_report({"service": "chekout", "environment": "production", "commit": COMMIT, "decision": note}, by=SETUP)
    item = InboxItem.objects.get()
    item.at = database_now() + timedelta(hours=5)
    item.save()
    assert inbox_place(item, service="checkout", environment="production", by=SETUP).gate == "receipt"


def test_coverage_counts_what_reached_production_in_thirty_days(shop):
    report(decision=receipt(shop.checkout_production))
    claim(shop.checkout_production)
    report(ci=CI)
    report()
    report("staging")
    report(status="pending")
    report(kind="flag")
    report(finished_at=iso(database_now() - timedelta(days=31)))
    found = coverage(SETUP)
    assert (found.by_receipt, found.by_claim, found.ungated, found.percent) == (1, 1, 1, 66)


def test_who_deploys_most_without_it_stands_first_and_who_mended_it_last(shop):
    write("service", "cart")
    for service, times in (("cart", 1), ("search", 2), ("checkout", 3)):
        for _ in range(times):
            report(service=service)
    report(decision=receipt(shop.checkout_production))
    found = coverage(SETUP).uncovered
    assert [(each.service.identifier, each.ungated, each.mended) for each in found] == [
        ("search", 2, False),
        ("cart", 1, False),
        ("checkout", 3, True),
    ]


def test_nothing_deployed_is_no_share(shop):
    assert coverage(SETUP).percent is None


def test_the_home_page_shows_the_same_share_and_leads_to_who_is_missing(shop, bobs):
    for number in range(20):  # so many that the first steps are over
        report("staging", ci=CI | {"run": str(number)})
    assert "Through the gate" not in bobs.get("/").content.decode(), "nothing reached production"
    report()
    report(decision=receipt(shop.checkout_production))
    html = bobs.get("/").content.decode()
    assert "50%" in html and 'href="/deployments/coverage"' in html


def test_a_client_cannot_write_the_mark_of_a_deployment_that_ci_reported(shop, terraform):
    made = report(ci=CI)
    path = f"blueprints/deployment/entities/{made.entity.identifier}"
    assert terraform.send("patch", path, {"properties": {"gate": "claim"}}).status == 200
    assert terraform.get(path).json["entity"]["properties"]["gate"] == "ungated"
    assert coverage(SETUP).ungated == 1


@pytest.fixture
def bobs(client, bob):
    client.force_login(bob)
    return client


def test_the_page_shows_the_share_and_the_patch_with_the_names_in_it(shop, bobs):
    write("service", "checkout", mode="patch", properties={"repository": "https://gitlab.example.org/shop/checkout"})
    report(ci=CI)
    write("service", "search", mode="patch", properties={"repository": "https://gitlab.example.org/shop/search"})
    report(service="search")
    report(service="search", decision=receipt(shop.search_production))
    html = bobs.get("/deployments/coverage").content.decode()
    assert "33%" in html and "of 3 deployments" in html
    assert "service: checkout" in html and "command: report" in html, "the CI that reported goes before the repository"
    assert "passes now" in html and "PORTCULLIS_SERVICE: search" not in html


@pytest.mark.parametrize(
    ("ci", "told"),
    [
        ({"provider": "gitlab", "run": "1"}, ["PORTCULLIS_SERVICE: checkout", "PORTCULLIS_ENVIRONMENT: production"]),
        ({"provider": "jenkins", "run": "1"}, ["deploy --service checkout --environment production"]),
    ],
)
def test_the_patch_is_for_the_ci_that_reported(shop, bobs, ci, told):
    report(ci=ci)
    html = bobs.get("/deployments/coverage").content.decode()
    assert all(line in html for line in told)


@pytest.mark.parametrize("repository", ["https://[x", "https://", "javascript:alert(1)", 7, ["https://github.com/a/b"]])
def test_a_repository_that_is_no_address_costs_the_link_and_not_the_page(shop, bobs, repository):
    report()
    properties = {"repository": repository}
    Entity.objects.filter(blueprint__identifier="service", identifier="checkout").update(properties=properties)
    for path in ("/deployments/coverage", "/deployments/panel/checkout"):
        answer = bobs.get(path)
        assert answer.status_code == 200 and f'href="{repository}"' not in answer.content.decode()


def test_an_empty_portal_says_what_belongs_there(shop, bobs):
    assert "Nothing was deployed to production" in bobs.get("/deployments/coverage").content.decode()


def test_the_figures_are_told_to_programs_too(shop, ci):
    report()
    answer = ci.get("deployments/coverage")
    told = answer.json["coverage"]
    assert (answer.status, told["total"], told["ungated"], told["percent"]) == (200, 1, 1, 0)
    assert told["uncovered"][0]["last"]["gate"] == "ungated"


def test_rows_and_the_card_say_how_it_passed(shop, bobs):
    report(ci=CI)
    assert "ungated" in bobs.get("/deployments/panel/checkout").content.decode()
    assert "reported without a decision" in bobs.get("/deployments/card/checkout/in/production").content.decode()
    report(decision=receipt(shop.checkout_production), version="2.0")
    assert "Passed the gate" in bobs.get("/deployments/panel/checkout").content.decode()
    assert "passed by a check" in bobs.get("/deployments/card/checkout/in/production").content.decode()


def test_fifty_places_cost_as_many_queries_as_one(shop, bobs):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert bobs.get("/deployments/coverage").status_code == 200
        return len(asked)

    report()
    one = queries()
    for number in range(50):
        write("service", f"s{number}")
        report(service=f"s{number}")
    assert queries() == one
    assert "and one more" in bobs.get("/deployments/coverage").content.decode()


def test_fifty_runs_that_a_lock_stopped_cost_as_many_queries_as_one(shop, bobs, page, alice):
    lock = lock_take(scopes.named("everything"), reason="the shop sleeps", by=page(alice))

    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert bobs.get(f"/deployments/blocked/{lock.public_id}").content.decode().count("deploy of") == stopped
        return len(asked)

    gate_ask(shop.checkout_production, run=Run("gh:1:1"), by=SETUP)
    stopped = 1
    one = queries()
    for number in range(50):
        write("service", f"s{number}")
        gate_ask(catalog.place(f"s{number}", "production"), run=Run(f"gh:{number + 2}:1"), by=SETUP)
    stopped = 51
    assert queries() == one


@pytest.mark.django_db(transaction=True)
def test_of_two_reports_with_one_receipt_at_once_one_is_gated(shop):
    note, together, marks = receipt(shop.checkout_production), threading.Barrier(4), []

    def pipeline():
        together.wait(10)
        marks.append(report(decision=note).gate)
        connection.close()

    threads = [threading.Thread(target=pipeline) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(marks) == ["receipt", "ungated", "ungated", "ungated"]


def test_an_upgrade_marks_what_a_claim_let_through_before(shop):
    claim(shop.checkout_production)
    report(ci=CI)
    report(ci=CI | {"run": "8"})
    Deployment.objects.update(gate="ungated", gate_proof="")
    sql = importlib.import_module("deployments.migrations.0004_gate_by_claim").BY_CLAIM
    with connection.cursor() as cursor:
        cursor.execute(sql)
    assert list(Deployment.objects.order_by("id").values_list("run", "gate")) == [("7", "claim"), ("8", "ungated")]
