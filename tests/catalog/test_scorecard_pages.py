"""The pages of scorecards: every figure is true now, leads to the entities behind it, and counts only what may be seen."""

import json
import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from catalog import queries as catalog
from catalog.commands import permissions_update
from catalog.scorecards.commands import scorecard_create
from catalog.scorecards.models import Scorecard
from portal.accounts.commands import user_update
from tests.catalog.test_scorecards import READY
from tests.conftest import SETUP, events, write

TYPED = {
    "title": "Ready",
    "level-title": ["Basic", "Bronze"],
    "level-color": ["paleBlue", "bronze"],
    "rule": ["0"],
    "r0-title": "Has an owner",
    "r0-level": "Bronze",
    "r0-description": "Name the team",
    "r0-property": ["$team", ""],
    "r0-operator": ["isNotEmpty", "="],
    "r0-value": ["", ""],
    "blueprint": "service",
}


@pytest.fixture
def ready(shop):
    return scorecard_create(catalog.blueprint("service"), READY, by=SETUP)


def browser(user):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def read(client, url, status=200, **query):
    answer = client.get(url, query)
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def test_the_list_shows_each_with_its_levels(ready, bob):
    html = read(browser(bob), "/scorecards/")
    assert "Production readiness" in html and "New scorecard" not in html
    shares = read(browser(bob), f"/scorecards/{ready.pk}/shares")
    assert "Bronze: 1" in shares and "Basic: 1" in shares
    teams = read(browser(bob), "/scorecards/teams", blueprint="service")
    assert "payments" in teams and "(no team)" in teams


def test_every_figure_of_a_scorecard_opens_as_many_entities(ready, bob):
    write("service", "cart", team=("payments",), properties={"description": "x"}, relations={"dependsOn": ("search",)})
    client = browser(bob)
    html = read(client, f"/scorecards/{ready.pk}")
    figures = re.findall(r'<a href="(/catalog/[^"]+)">(\d+)</a>', html)
    assert len(figures) > 10
    for url, count in figures:
        table = read(client, url.replace("&amp;", "&"))
        assert table.count("data-edit=") == int(count), url


def test_the_first_page_of_an_empty_portal_says_what_belongs_here(shop, alice):
    html = read(browser(alice), "/scorecards/")
    assert "No scorecard yet" in html and "New scorecard" in html
    assert read(browser(alice), "/scorecards/999", status=404)


def test_who_may_not_see_an_entity_does_not_see_it_counted(ready, bob, charlie):
    closed = {"read": {"roles": ["Admin"]}}
    permissions_update(catalog.blueprint("service"), closed, by=SETUP)
    html = read(browser(bob), f"/scorecards/{ready.pk}")
    assert "only what you may see is counted" in html
    assert [int(each) for each in re.findall(r'<a href="/catalog/[^"]+">(\d+)</a>', html)[:1]] == [1]
    html = read(browser(charlie), f"/scorecards/{ready.pk}")
    assert ">0</a> of" in html and "payments" not in html
    assert "payments" not in read(browser(charlie), "/scorecards/teams", blueprint="service")
    assert browser(charlie).get("/scorecards/panel", {"blueprint": "service", "entity": "checkout"}).status_code == 404


def test_the_page_of_an_entity_says_what_to_do_next(ready, bob):
    client = browser(bob)
    assert "?tab=scorecards" in read(client, "/catalog/service/entities/checkout")
    html = read(client, "/scorecards/panel", blueprint="service", entity="checkout")
    assert "What to do next for Silver" in html and "A sentence in the catalog" in html
    assert 'href="/catalog/!edit/service/entities/checkout#id_p-description"' in html
    form = read(client, "/catalog/!edit/service/entities/checkout")
    assert 'id="id_p-description"' in form
    assert "?tab=scorecards" not in read(client, "/catalog/environment/entities/staging")


def test_who_may_not_edit_the_entity_is_led_nowhere(ready, charlie):
    html = read(browser(charlie), "/scorecards/panel", blueprint="service", entity="checkout")
    assert "What to do next for Silver" in html and "!edit" not in html


def test_a_scorecard_is_made_in_the_form(shop, alice):
    answer = browser(alice).post("/scorecards/new", TYPED)
    assert answer.status_code == 303
    judge = Scorecard.objects.get()
    assert judge.facts() == {
        "identifier": "ready",
        "title": "Ready",
        "levels": [{"title": "Basic", "color": "paleBlue"}, {"title": "Bronze", "color": "bronze"}],
        "rules": [
            {
                "identifier": "has-an-owner",
                "title": "Has an owner",
                "level": "Bronze",
                "description": "Name the team",
                "query": {"combinator": "and", "conditions": [{"property": "$team", "operator": "isNotEmpty"}]},
            }
        ],
    }
    assert events("scorecard") == ["scorecard.created"]


class Form(HTMLParser):
    """What a browser would send of the form as it stands."""

    def __init__(self, html):
        super().__init__()
        self.sent, self.select, self.area = {}, None, None
        self.feed(html[html.index('id="score-form"') : html.index("</form>", html.index('id="score-form"'))])

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag == "input":
            self._add(known.get("name"), known.get("value", ""))
        elif tag == "select":
            self.select = [known["name"], []]
        elif tag == "option" and self.select:
            self.select[1].append((known["value"], "selected" in known))
        elif tag == "textarea":
            self.area = [known["name"], ""]

    def handle_data(self, data):
        if self.area:
            self.area[1] += data

    def handle_endtag(self, tag):
        if tag == "select" and self.select:
            name, options = self.select
            self._add(name, next((value for value, chosen in options if chosen), options[0][0]))
            self.select = None
        elif tag == "textarea" and self.area:
            self._add(*self.area)
            self.area = None

    def _add(self, name, value):
        if name and name != "csrfmiddlewaretoken":
            self.sent.setdefault(name, []).append(value)


def fields(html):
    return Form(html).sent


def test_saving_the_form_as_it_stands_changes_nothing(ready, alice):
    client = browser(alice)
    sent = fields(read(client, f"/scorecards/{ready.pk}/edit"))
    assert "r1-json" in sent or "r1-property" in sent
    assert client.post(f"/scorecards/{ready.pk}/edit", sent).status_code == 303
    assert Scorecard.objects.get().facts() == READY
    assert events("scorecard") == ["scorecard.created"]


def test_the_buttons_of_the_form_save_nothing(ready, alice):
    client = browser(alice)
    sent = fields(read(client, f"/scorecards/{ready.pk}/edit"))
    for deed, told in [
        ("add-rule", "Rule 4"),
        ("drop-rule.0", "Rule 2"),
        ("up-rule.2", "Rule 3"),
        ("add-level", "Title of level 5"),
        ("turn.r0", "r0-json"),
        ("more", "Rule 3"),
        ("nonsense.99999999999", "Rule 3"),
    ]:
        answer = client.post(f"/scorecards/{ready.pk}/edit", sent | {"do": deed})
        assert answer.status_code == 200, deed
        assert told in answer.content.decode(), deed
    assert Scorecard.objects.get().facts() == READY


def test_the_preview_says_where_they_would_stand_and_saves_nothing(ready, alice):
    client = browser(alice)
    sent = fields(read(client, f"/scorecards/{ready.pk}/edit"))
    html = client.post("/scorecards/preview", sent).content.decode()
    assert "2 judged" in html
    html = client.post("/scorecards/preview", sent | {"r0-level": "Gold", "r1-level": "Gold"}).content.decode()
    assert "+2" in html and "−1" in html
    assert Scorecard.objects.get().facts() == READY
    html = client.post(
        "/scorecards/preview", sent | {"r0-operator": ["contains", "="], "r0-value": ["", ""]}
    ).content.decode()
    assert "needs a value" in html


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": ""}, "title-fault"),
        ({"r0-property": ["", ""]}, "choose what the rule asks for"),
        ({"r0-level": "Basic"}, "must be one of Bronze"),
        ({"level-title": ["Basic", "Basic"]}, "stands twice"),
        ({"level-color": ["mauve", "green"]}, "color"),
        ({"r0-json": "{"}, "is not JSON"),
        ({"r0-json": "[" * 5000}, "is not JSON"),
        (
            {"r0-json": '{"combinator": "and", "conditions": [{"operator": "=", "scorecard": "x", "value": "y"}]}'},
            "may not ask",
        ),
        ({"r0-property": ["none"], "r0-operator": ["="], "r0-value": ["a"]}, "there is no property"),
        ({"title": "a\x00b"}, "error"),
        ({"body": "{"}, "not JSON"),
        ({"body": '{"title": 7}'}, "title"),
    ],
)
def test_what_is_wrong_is_said_where_it_is_and_leaves_nothing(shop, alice, change, told):
    answer = browser(alice).post("/scorecards/new", TYPED | change)
    assert answer.status_code in (400, 422), answer.status_code
    assert told in answer.content.decode() or answer.status_code == 400
    assert not Scorecard.objects.exists()
    assert events("scorecard") == []


def test_what_the_form_does_not_show_is_kept(shop, alice):
    odd = READY | {"colour of the day": "blue", "rules": [READY["rules"][0] | {"weight": 7}]}
    made = scorecard_create(catalog.blueprint("service"), odd, by=SETUP)
    client = browser(alice)
    sent = fields(read(client, f"/scorecards/{made.pk}/edit")) | {"title": "Other"}
    assert client.post(f"/scorecards/{made.pk}/edit", sent).status_code == 303
    assert Scorecard.objects.get().facts() == odd | {"title": "Other"}


def test_json_takes_the_place_of_the_form(ready, alice):
    client = browser(alice)
    assert "&quot;identifier&quot;" in read(client, f"/scorecards/{ready.pk}/edit", mode="json")
    answer = client.post(f"/scorecards/{ready.pk}/edit?mode=json", {"body": json.dumps(READY | {"rules": []})})
    assert answer.status_code == 303
    assert Scorecard.objects.get().rules == []


def test_only_moderators_and_administrators_edit(ready, alice, bob):
    urls = ["/scorecards/new", f"/scorecards/{ready.pk}/edit", f"/scorecards/{ready.pk}/deletion"]
    for url in urls:
        assert browser(bob).get(url).status_code == 403
        assert browser(bob).post(url, TYPED).status_code == 403
    assert browser(bob).post("/scorecards/preview", {"key": ready.pk}).status_code == 403
    assert Scorecard.objects.get().facts() == READY
    user_update(bob, {"moderates": ["service"]}, by=SETUP)
    for url in urls:
        assert browser(bob).get(url).status_code == 200
    assert browser(bob).get("/scorecards/new", {"blueprint": "environment"}).status_code == 403
    assert browser(bob).post(urls[-1]).status_code == 303
    assert not Scorecard.objects.exists()


def test_the_pages_ask_as_often_for_many_as_for_one(ready, bob, django_assert_max_num_queries):
    for number in range(40):
        write("service", f"s{number}", team=("payments",))
    client = browser(bob)
    for url, most in (("/scorecards/", 18), (f"/scorecards/{ready.pk}", 22), (f"/scorecards/{ready.pk}/shares", 10)):
        with django_assert_max_num_queries(most):
            read(client, url)


@pytest.mark.parametrize("odd", ['"\\u0000"', "[" * 70 + "]" * 70, "1e999", "[" * 5000])
def test_json_that_cannot_be_kept_is_refused_in_the_form(shop, alice, odd):
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)
    body = json.dumps(READY | {"more": "ODD"}).replace('"ODD"', odd)
    answer = browser.post("/scorecards/new?mode=json", {"blueprint": "service", "body": body})
    assert answer.status_code == 422 and not Scorecard.objects.exists()


def test_whatever_is_missing_is_said_at_once_and_the_preview_needs_no_title(shop, alice):
    client = browser(alice)
    blank = TYPED | {"title": "", "r0-title": "", "r0-property": ["", ""]}
    page = client.post("/scorecards/new", blank).content.decode()
    assert (
        "title-fault" in page
        and "Needs a title." in page
        and "Needs a condition: choose what the rule asks for." in page
    )
    assert not Scorecard.objects.exists()
    assert "Rule 1: needs a condition" in client.post("/scorecards/preview", blank).content.decode()
    untitled = client.post("/scorecards/preview", TYPED | {"title": "", "r0-title": ""}).content.decode()
    assert "judged" in untitled and "Not yet complete" not in untitled


def test_the_list_leads_to_scorecards_as_entities(ready, bob):
    page = read(browser(bob), "/scorecards/")
    for kind in ("_scorecard", "_rule", "_rule_result"):
        assert f'href="/catalog/{kind}/entities"' in page
