"""The pages of deployments, asked as a browser asks them."""

import re
import time
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import Blueprint, Entity
from catalog.wishes import Wish
from deployments.commands import deployment_report
from deployments.models import Deployment, InboxItem
from deployments.views.matrix import LINES
from locks import scopes
from locks.commands import gate_ask, lock_release, lock_take
from locks.models import ScopeKind
from locks.runs import Run
from portal.kit.by import By
from portal.kit.clock import database_now
from tests.conftest import SETUP, events, write, write_all

HTMX = {"HX-Request": "true"}
CONFIGS = "/deployments/configs"


def report(service="checkout", environment="production", version="1.0", *, status="success", by: By = SETUP, **more):
    body = {"service": service, "environment": environment, "version": version, "status": status, **more}
    return deployment_report(body, by=by).deployment


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def bobs(client, bob):
    client.force_login(bob)
    return client


def text(client, url, **headers):
    response = client.get(url, headers=headers)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def queries_of(client, url):
    with CaptureQueriesContext(connection) as seen:
        text(client, url)
    return [query["sql"] for query in seen.captured_queries]


@pytest.mark.parametrize(
    "url",
    ["/deployments/", "/deployments/columns", CONFIGS, "/deployments/panel/checkout", "/deployments/card/checkout/in/production", "/deployments/inbox"],
)  # fmt: skip
def test_who_is_signed_out_is_sent_to_the_sign_in(client, shop, url):
    page = client.get(url)
    assert (page.status_code, page["Location"]) == (302, f"/sign-in?next={url}")
    fragment = client.get(url, headers=HTMX)
    assert fragment["HX-Redirect"].startswith("/sign-in")
    assert b"checkout" not in page.content + fragment.content


def test_the_matrix_shows_what_runs_where(signed_in, shop):
    report(version="2.14.0", commit="4f2a9c1d00", actor="Dana")
    page = text(signed_in, "/deployments/")
    assert "2.14.0" in page and "4f2a9c1<" in page and "by Dana" in page
    assert page.count("not deployed") == 3


def test_a_failed_deploy_marks_the_cell_and_leaves_the_version(signed_in, shop):
    report(version="1.0")
    report(version="broken-one", status="failure")
    page = text(signed_in, "/deployments/")
    assert ">1.0<" in page and "broken-one" not in page and "The last deployment failed" in page


def test_filters_are_read_from_the_query_string(signed_in, shop, page, bob):
    report(commit="4f2a9c1")
    report("search", version="7.7.7", status="failure")
    lock_take(scopes.pair(shop.search_production), reason="Reindexing", by=page(bob))

    def names(query):
        shown = text(signed_in, f"/deployments/?{query}", **HTMX)
        return [name for name in ("checkout", "search") if f'id="row-{name}"' in shown]

    assert names("") == ["checkout", "search"]
    assert names("q=SEAR") == ["search"]
    assert names("q=4f2a") == ["checkout"]
    assert names("team=payments") == ["checkout"]
    assert names("locked=1") == ["search"]
    assert names("failing=1") == ["search"]
    assert names("q=nothing") == []
    assert names("tier=nonsense") == ["checkout", "search"]
    assert "Staging" not in text(signed_in, "/deployments/?tier=production", **HTMX)


def test_a_search_finds_the_lock_by_its_reason_its_holder_and_what_it_holds(signed_in, shop, page, bob):
    pair = lock_take(scopes.pair(shop.search_production), reason="Reindexing, OPS-12", by=page(bob))
    lock_take(scopes.named("service", service="checkout"), reason="Load test", by=page(bob))

    def found(words):
        return text(signed_in, f"/deployments/?{urlencode({'q': words})}", **HTMX)

    assert "found-lock" not in text(signed_in, "/deployments/", **HTMX)
    for words in ("ops-12", "bob", "search"):
        assert pair.get_absolute_url() in found(words) and "Reindexing, OPS-12" in found(words)
    assert "checkout everywhere" in found("load test") and "Reindexing" not in found("load test")
    assert "found-lock" not in found("nothing")


def test_properties_that_one_chooses_stand_beside_the_service_and_in_each_cell(signed_in, shop):
    report(version="1.0")
    write("service", "checkout", mode="patch", properties={"language": "<Go>"})
    blueprint = Blueprint.objects.get(identifier="deploymentConfig")
    blueprint.mirror_properties = {"owner": {"title": "Owner", "path": "service.$team"}}
    blueprint.calculation_properties = {
        "shout": {"title": "Shout", "type": "string", "calculation": '.properties.version + "!"'}
    }
    blueprint.save()
    logs = {"logsUrl": "https://logs.example/checkout"}
    write("deploymentConfig", "checkout-production", mode="patch", properties=logs)
    # As a mirror and a calculation leave them.
    Entity.objects.filter(identifier="checkout-production").update(computed={"owner": ["payments"], "shout": "1.0!"})
    plain = text(signed_in, "/deployments/")
    assert "Language</th>" not in plain and "logs.example" not in plain
    chosen = "column=language&column=nonsense&line=logsUrl&line=shout&line=owner&line=locked"
    shown = text(signed_in, f"/deployments/?{chosen}")
    assert 'data-label="Language"' in shown and "&lt;Go&gt;" in shown and "<Go>" not in shown
    assert 'href="https://logs.example/checkout"' in shown and "<dt>Shout</dt>" in shown and "1.0!" in shown
    assert re.search(r"<dt>Owner</dt><dd>.*?payments", shown)
    assert "nonsense</th>" not in shown and "<dt>Locked</dt>" not in shown
    # The filter keeps the choice, and the choice the filter.
    assert '<input type="hidden" name="column" value="language">' in shown
    form = text(signed_in, f"/deployments/columns?{chosen}&q=check", **HTMX)
    assert re.search(r'name="column" value="language" checked', form) and 'name="q" value="check"' in form
    assert not re.search(r'name="line" value="(locked|version)"', form)


def test_what_changes_in_a_chosen_property_is_sent_with_its_line(signed_in, shop):
    report()
    url = "/deployments/?line=logsUrl&column=language"

    def lines_since(html):
        parts = re.search(r'data-frame="(\w+)"', html)[1] + "".join(re.findall(r'data-part="(\w+)"', html))
        return re.findall(r'id="(row-\w+)"', text(signed_in, url, **HTMX, **{"X-Parts": parts}))

    before = text(signed_in, url)
    assert lines_since(before) == []
    write("service", "search", mode="patch", properties={"language": "Go"})
    assert lines_since(before) == ["row-search"]
    write("deploymentConfig", "checkout-production", mode="patch", properties={"logsUrl": "https://logs.example/"})
    assert lines_since(before) == ["row-checkout", "row-search"]


def test_many_services_have_a_line_each_unless_one_chooses(signed_in, shop):
    def is_compact(query=""):
        return 'class="table matrix sticky-first compact"' in text(signed_in, f"/deployments/?{query}")

    assert not is_compact() and is_compact("density=compact") and not is_compact("density=nonsense")
    for number in range(30):
        write("service", f"service-{number}")
    assert is_compact() and not is_compact("density=roomy") and not is_compact("q=search")


def test_chosen_properties_ask_no_more_queries_for_fifty_services(signed_in, shop):
    url = "/deployments/?column=language&line=logsUrl"
    report()
    text(signed_in, url)
    LINES.clear()
    one = queries_of(signed_in, url)
    for number in range(49):
        write("service", f"service-{number}")
        report(f"service-{number}", version=f"1.{number}")
    assert len(queries_of(signed_in, url)) == len(one)


def test_a_refresh_of_the_matrix_takes_twelve_queries_its_session_included(signed_in, shop):
    report()
    text(signed_in, "/deployments/", **HTMX)
    with CaptureQueriesContext(connection) as seen:
        text(signed_in, "/deployments/", **HTMX)
    assert len(seen) <= 12, "\n".join(query["sql"] for query in seen.captured_queries)


def test_configs_are_a_table_like_any_other(signed_in, shop, page, bob):
    report(version="1.9.0")
    report("search", version="1.10.0")
    report(environment="staging", version="1.11.0", status="failure")
    lock_take(scopes.pair(shop.search_production), reason="Reindexing", by=page(bob))

    def rows(query):
        shown = text(signed_in, f"{CONFIGS}?{query}")
        return re.findall(r'data-edit="/catalog/!cell/deploymentConfig/entities/([^"]+)"', shown)

    def line(name, value):
        return urlencode({"property": name, "operator": "=", "value": value})

    assert rows("sort=version") == ["checkout-production", "search-production", "checkout-staging"]
    assert rows("sort=-version") == ["search-production", "checkout-production", "checkout-staging"]
    assert rows("sort=-relations.environment")[0] == "checkout-staging"
    assert rows(line("relations.environment", "staging")) == ["checkout-staging"] == rows(line("status", "failure"))
    assert rows("q=1.10.0") == ["search-production"] == rows(line("locked", "yes"))
    grouped = text(signed_in, f"{CONFIGS}?group=relations.environment&open=production")
    assert "2 groups, 3 results" in grouped and "checkout-production" in grouped


def test_the_configs_keep_themselves_up_to_date(signed_in, shop, page, bob):
    report(version="1.9.0")
    stamp = signed_in.get(CONFIGS, headers=HTMX)["X-Stamp"]
    assert signed_in.get(CONFIGS, headers=HTMX | {"X-Stamp": stamp}).status_code == 204
    lock_take(scopes.pair(shop.checkout_production), reason="Reindexing", by=page(bob))
    fresh = signed_in.get(CONFIGS, headers=HTMX | {"X-Stamp": stamp})
    assert fresh.status_code == 200 and b"Reindexing" in fresh.content and b"<html" not in fresh.content


def test_what_a_report_tells_is_not_typed(signed_in, shop):
    report(version="1.9.0")
    address = "/catalog/!cell/deploymentConfig/entities/checkout-production?cell="
    for column in ("version", "locked", "$links", "relations.environment"):
        answer = signed_in.get(address + column)
        assert answer.status_code == (200 if column.startswith("relations") else 409), column


def test_a_config_links_to_its_logs_and_never_to_a_script(signed_in, shop):
    report(commit="4f2a9c1d")
    links = {"logsUrl": "https://logs.example/checkout", "errorsUrl": "javascript:alert(1)"}
    # Straight into the row: a write refuses such a link, a row may be older than that.
    Entity.objects.filter(identifier="checkout-production").update(properties=links)
    page = text(signed_in, CONFIGS)
    assert 'href="https://logs.example/checkout"' in page
    assert "javascript:" not in page


@pytest.mark.parametrize(
    ("repository", "link"),
    [
        ("https://github.com/larder/checkout.git", "https://github.com/larder/checkout/commit/4f2a9c1d"),
        ("https://gitlab.example/larder/checkout/", "https://gitlab.example/larder/checkout/-/commit/4f2a9c1d"),
        ("https://token:secret@github.com/larder/x", "https://github.com/larder/x/commit/4f2a9c1d"),
        ("https://files.example/checkout", ""),
    ],
)
def test_a_commit_leads_to_the_repository(signed_in, shop, repository, link):
    write("service", "checkout", mode="patch", properties={"repository": repository})
    report(commit="4f2a9c1d")
    page = text(signed_in, CONFIGS)
    assert f'href="{link}"' in page if link else "/commit/" not in page
    assert "token:secret" not in page


def test_the_commit_link_of_the_report_comes_first(signed_in, shop):
    url = "https://forge.example/c/4f2a9c1d"
    report(
        commit="4f2a9c1d",
        changes=[{"sha": "0000000", "url": "https://forge.example/no"}, {"sha": "4f2a9c1d", "url": url}],
    )
    assert f'href="{url}"' in text(signed_in, CONFIGS)


def test_what_people_write_stays_text(signed_in, shop):
    evil = "<script>alert(1)</script>"
    write("service", "checkout", mode="patch", title=evil)
    report(version=evil, message=evil, actor=evil, author=evil, commit="4f2a9c1")
    lock_take(scopes.pair(shop.checkout_production), reason=evil, by=SETUP)
    report(service=evil, environment=evil)
    gate_ask(shop.checkout_production, by=SETUP)  # the last of the first steps: home shows what happens
    for url in ("/deployments/", CONFIGS, "/deployments/panel/checkout", "/deployments/card/checkout/in/production", "/deployments/inbox", "/", "/audit"):  # fmt: skip
        page = text(signed_in, url)
        assert "<script>alert" not in page, url
        assert "&lt;script&gt;alert" in page, url


def test_fifty_rows_ask_no_more_queries_than_one(signed_in, shop, page, bob):
    most = {"/deployments/": 12, CONFIGS: 32}

    def asked():
        return {url: queries_of(signed_in, url) for url in most}

    Deployment.objects.all().delete()
    report(commit="4f2a9c1d", ci={"url": "https://ci.example/1"})
    lock_take(scopes.pair(shop.checkout_production), reason="Looking around", by=page(bob))
    asked()
    LINES.clear()
    one = asked()
    write_all(Wish("service", f"service-{number}", "create", team=("payments",)) for number in range(49))
    for number in range(49):
        report(f"service-{number}", version=f"1.{number}", commit="4f2a9c1d", status="success")
        lock_take(scopes.named("service", service=f"service-{number}"), reason="Looking around", by=page(bob))
    fifty = asked()
    for url, few in most.items():
        assert len(fifty[url]) == len(one[url]), "\n".join(fifty[url])
        assert len(one[url]) <= few


def test_lines_that_were_made_are_shown_to_others_until_something_changes(signed_in, shop, bob):
    other = Client()
    other.force_login(bob)
    report(version="1.0", status="success")
    assert "1.0" in text(signed_in, "/deployments/")
    assert not [sql for sql in queries_of(other, "/deployments/") if "deployments_deploymentconfig" in sql]
    report(version="2.0", status="success")
    assert "2.0" in text(other, "/deployments/") and "2.0" in text(signed_in, "/deployments/")
    assert "2.0" not in text(other, "/deployments/?tier=staging")


def test_the_panels_queries_do_not_grow_either(signed_in, shop):
    report(version="1.0")
    one = queries_of(signed_in, "/deployments/panel/checkout")
    for number in range(20):
        report(version=f"1.{number}", environment="staging", commit="4f2a9c1d")
    assert len(queries_of(signed_in, "/deployments/panel/checkout")) == len(one)


def test_an_unchanged_page_answers_204_without_being_built(signed_in, shop):
    report()
    stamp = signed_in.get("/deployments/", headers=HTMX)["X-Stamp"]
    with CaptureQueriesContext(connection) as seen:
        again = signed_in.get("/deployments/", headers=HTMX | {"X-Stamp": stamp})
    assert (again.status_code, again.content) == (204, b"")
    assert not [query for query in seen.captured_queries if "deployments_deploymentconfig" in query["sql"]]
    report(version="1.1")
    fresh = signed_in.get("/deployments/", headers=HTMX | {"X-Stamp": stamp})
    assert fresh.status_code == 200 and b"1.1" in fresh.content
    assert b"<html" not in fresh.content


def test_a_browser_that_says_which_lines_it_has_is_sent_those_that_differ(signed_in, shop, page, bob):
    report()

    def has(html):
        return re.search(r'data-frame="(\w+)"', html)[1] + "".join(re.findall(r'data-part="(\w+)"', html))

    whole = text(signed_in, "/deployments/")
    nothing = signed_in.get("/deployments/", headers=HTMX | {"X-Parts": has(whole)})
    assert (nothing.status_code, nothing["X-Parts"], nothing.content) == (200, "0", b"")
    report(version="1.1")
    changed = signed_in.get("/deployments/", headers=HTMX | {"X-Parts": has(whole)})
    lines = changed.content.decode()
    assert (changed["X-Parts"], lines.count("<tr"), 'id="row-checkout"' in lines) == ("1", 1, True)
    assert "1.1" in lines and "<section" not in lines
    lock_take(scopes.named("everything"), reason="Moving", by=page(bob))
    assert signed_in.get("/deployments/", headers=HTMX | {"X-Parts": has(whole)})["X-Parts"] == "2"


@pytest.mark.parametrize("spoilt", ["", "x", "00000000", "é", "0" * 8000])
def test_a_browser_that_has_something_else_is_sent_the_whole(signed_in, shop, spoilt):
    whole = text(signed_in, "/deployments/")
    parts = re.search(r'data-frame="(\w+)"', whole)[1] + "".join(re.findall(r'data-part="(\w+)"', whole))
    write("service", "search-two")
    for has in (parts, spoilt, parts[:8] + spoilt):
        answer = signed_in.get("/deployments/", headers=HTMX | {"X-Parts": has})
        assert "X-Parts" not in answer and answer.content.count(b"<tr") == 4, has


def test_services_whose_names_make_the_same_id_have_a_line_each(signed_in, shop):
    write("service", "a.b")
    write("service", "ab")
    ids = re.findall(r'id="(row-[^"]+)"', text(signed_in, "/deployments/"))
    assert len(ids) == len(set(ids)) == 4


def test_a_stamp_is_worth_nothing_on_another_page_or_to_another_person(signed_in, client, shop, bob):
    stamp = signed_in.get("/deployments/", headers=HTMX)["X-Stamp"]
    assert signed_in.get("/deployments/?q=search", headers=HTMX | {"X-Stamp": stamp}).status_code == 200
    client.force_login(bob)
    assert client.get("/deployments/", headers=HTMX | {"X-Stamp": stamp}).status_code == 200


def test_a_locks_end_shows_with_no_worker_alive(signed_in, shop, page, bob):
    report()
    until = database_now() + timedelta(seconds=1)
    lock_take(scopes.pair(shop.checkout_production), reason="Only a moment", until=until, by=page(bob))
    locked = signed_in.get("/deployments/", headers=HTMX)
    assert b"Only a moment" in locked.content
    time.sleep(1.1)
    open_again = signed_in.get("/deployments/", headers=HTMX | {"X-Stamp": locked["X-Stamp"]})
    assert open_again.status_code == 200
    assert b"Only a moment" not in open_again.content
    assert events("lock.") == ["lock.taken"]


def test_the_card_says_what_and_who_and_offers_the_lock(signed_in, shop):
    report(commit="4f2a9c1", message="PAY-1: Fix", author="Dana", actor="Bob", ci={"url": "https://ci.example/7"})
    card = text(signed_in, "/deployments/card/checkout/in/prod")
    assert "PAY-1: Fix" in card and "Dana" in card and "Bob" in card
    assert 'href="https://ci.example/7"' in card
    assert "/locks/?service=checkout&amp;environment=production#take" in card


def test_only_who_may_release_is_offered_to_unlock(client, shop, page, alice, bob, charlie):
    held = lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=page(alice))
    wanted = f'href="{held.get_absolute_url()}">'
    for person, offered in ((alice, True), (bob, True), (charlie, False)):
        client.force_login(person)
        card = text(client, "/deployments/card/checkout/in/production")
        assert ("Unlock" in card) is offered
        assert wanted in card


def test_an_unknown_place_is_not_found(signed_in, shop):
    missing = signed_in.get("/deployments/card/chekout/in/production")
    assert missing.status_code == 404
    assert "Did you mean checkout?" in missing.content.decode()


def test_the_panel_lists_deployments_newest_first_page_by_page(signed_in, shop):
    for number in range(30):
        at = (database_now() - timedelta(hours=30 - number)).isoformat()
        report(version=f"v{number:02}", finished_at=at)
    first = text(signed_in, "/deployments/panel/checkout", **HTMX)
    assert "v29" in first and "v05" in first and "v04" not in first and "<html" not in first
    older = first.split('rel="next" href="')[1].split('"')[0]
    rest = text(signed_in, older, **HTMX)
    assert "v04" in rest and "v00" in rest and "v05" not in rest
    assert "data-live" in first and "data-live" not in rest
    assert "<html" in text(signed_in, older)


def test_alice_places_a_report_that_named_nobody_we_know(signed_in, shop):
    item = deployment_report({"service": "chekout", "environment": "LIVE", "version": "1.0"}, by=SETUP).inbox_item
    page = text(signed_in, "/deployments/inbox")
    assert 'value="checkout"' in page and 'value="production"' in page
    done = signed_in.post(
        f"/deployments/inbox/{item.public_id}/placement", {"service": "checkout", "environment": "production"}
    )
    assert (done.status_code, done["Location"]) == (303, "/deployments/inbox")
    assert Deployment.objects.get().version == "1.0"
    assert "Placed: checkout 1.0 to production." in text(signed_in, "/deployments/inbox")


def test_a_name_that_is_unknown_again_is_refused_at_its_field(signed_in, shop):
    item = deployment_report({"service": "chekout", "environment": "production", "version": "1.0"}, by=SETUP).inbox_item
    refused = signed_in.post(
        f"/deployments/inbox/{item.public_id}/placement", {"service": "chek", "environment": "production"}
    )
    assert refused.status_code == 422
    assert (
        'aria-invalid="true"' in refused.content.decode() and "There is no service called" in refused.content.decode()
    )
    assert not Deployment.objects.exists() and InboxItem.objects.get().state == "waiting"


def test_a_dropped_report_is_gone_from_the_list_and_cannot_be_placed(signed_in, shop):
    item = deployment_report({"service": "chekout", "environment": "production", "version": "1.0"}, by=SETUP).inbox_item
    url = f"/deployments/inbox/{item.public_id}/placement"
    assert signed_in.post(url, {"drop": "1"}).status_code == 303
    assert "Nothing to place" in text(signed_in, "/deployments/inbox")
    assert signed_in.post(url, {"service": "checkout", "environment": "production"}).status_code == 422
    assert not Deployment.objects.exists()


def test_bob_may_not_see_or_place_what_waits_in_the_inbox(bobs, shop):
    item = deployment_report({"service": "chekout", "environment": "production", "version": "1.0"}, by=SETUP).inbox_item
    assert bobs.get("/deployments/inbox").status_code == 403
    for form in ({"drop": "1"}, {"service": "checkout", "environment": "production"}):
        assert bobs.post(f"/deployments/inbox/{item.public_id}/placement", form).status_code == 403
    assert InboxItem.objects.get().state == "waiting" and not Deployment.objects.exists()
    assert "Inbox" not in text(bobs, "/deployments/")


def test_everything_is_locked_says_the_banner_of_every_page(signed_in, shop, page, alice):
    assert "banner-line" not in text(signed_in, "/deployments/")
    lock_take(scopes.Scope(ScopeKind.EVERYTHING), reason="Moving house", by=page(alice))
    assert "Alice locked everything" in text(signed_in, "/deployments/")


def test_a_locks_page_lists_the_runs_to_run_again_until_they_have_gone_through(bobs, shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    for number in (7, 8):
        run = Run(f"github:{number}:1", f"https://ci.example/{number}")
        gate_ask(shop.checkout_production, run=run, commit=f"{number}f2a9c1", by=SETUP)
    url = f"/deployments/blocked/{lock.public_id}"
    assert "when this opens" in text(bobs, url, **HTMX)
    assert url not in text(bobs, lock.get_absolute_url()), "there is nothing to run again yet"
    lock_release(lock, by=page(bob))
    assert url in text(bobs, lock.get_absolute_url())
    seen = bobs.get(url, headers=HTMX)
    html = seen.content.decode()
    assert html.index('href="https://ci.example/7"') < html.index('href="https://ci.example/8"')
    assert "2 runs" in html and "still stopped" not in html
    report(commit="7f2a9c1")
    fresh = bobs.get(url, headers=HTMX | {"X-Stamp": seen["X-Stamp"]})
    assert fresh.status_code == 200 and "ci.example/7" not in fresh.content.decode()
    lock_take(scopes.named("everything"), reason="Moving", by=SETUP)
    assert "still stopped" in text(bobs, url)


def test_no_script_hides_behind_the_page_of_a_run(bobs, shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    gate_ask(shop.checkout_production, run=Run("github:7:1", "javascript:alert(1)"), by=SETUP)
    assert "javascript:" not in text(bobs, f"/deployments/blocked/{lock.public_id}")
    assert "javascript:" not in text(bobs, lock.get_absolute_url())


def test_a_config_that_names_no_place_is_a_row_like_any_other(shop, client, bob):
    write("deploymentConfig", "plain", title="Of no place")
    client.force_login(bob)
    answer = client.get(CONFIGS)
    assert answer.status_code == 200 and "Of no place" in answer.content.decode()
