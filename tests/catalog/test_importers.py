"""catalog-info.yaml and CODEOWNERS: what comes of them, what is told, and what harm they may try to do."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from catalog.commands import permissions_update
from catalog.importers import backstage, codeowners, documents, queries
from catalog.importers.commands import things_import
from catalog.importers.names import cleaned
from catalog.importers.things import Thing
from catalog.models import Blueprint, Entity
from catalog.queries import relations_of
from catalog.starters.commands import starter_import
from portal.accounts.models import Team
from portal.audit.models import Event
from portal.kit.errors import Invalid
from tests.conftest import SETUP, events, write

GOLDEN = (Path(__file__).parent / "files" / "catalog-info.yaml").read_text()


@pytest.fixture
def software(shop):
    starter_import("software-catalog", by=SETUP)


def imported(text, by=SETUP, **more):
    reading = backstage.read([("catalog-info.yaml", text)])
    return [*reading.left, *things_import(reading.things, source="import/catalog-info.yaml", by=by, **more)]


def words(fates):
    return {each.thing.identifier: each.word for each in fates}


def entity(blueprint, identifier):
    return Entity.objects.select_related("blueprint").get(blueprint__identifier=blueprint, identifier=identifier)


def component(name, **spec):
    lines = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    return f"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec:\n  type: service\n{lines}"


# catalog-info.yaml


def test_the_golden_file_comes_whole(software):
    fates = imported(GOLDEN)
    assert words(fates) == {
        "new-service": "left",
        "commerce": "created",
        "ordering": "created",
        "payments-team": "created",
        "jane@larder.example": "created",
        "orders-api": "created",
        "orders-db": "created",
        "orders": "created",
        "mailer": "created",
    }
    orders = entity("service", "orders")
    assert (orders.title, orders.team, orders.datasource) == ("Orders", ["payments-team"], "import/catalog-info.yaml")
    assert orders.properties == {
        "description": "Takes orders.",
        "type": "service",
        "lifecycle": "production",
        "tags": ["python", "1.10", "no"],
        "links": ["https://docs.larder.example/orders"],
        "documentation": "https://docs.larder.example/orders",
        "repository": "https://github.com/larder/orders",
        "annotations": {"github.com/project-slug": "larder/orders", "released": "2024-01-01"},
    }
    drawn = {name: value for name, value in relations_of(orders).items() if value}
    assert drawn == {
        "system": "ordering",
        "providesApis": ["orders-api"],
        "dependsOn": ["mailer"],
        "dependsOnResources": ["orders-db"],
    }
    assert relations_of(entity("service", "mailer"))["consumesApis"] == ["orders-api"]
    assert entity("api", "orders-api").properties["definition"].startswith("openapi: 3.1.0")
    assert set(Team.objects.get(identifier="payments-team").members.values_list("email", flat=True)) == {
        "jane@larder.example"
    }
    why = next(each.why for each in fates if each.word == "left")
    assert why.startswith("Template is not imported")


def test_again_it_changes_nothing_and_then_only_what_differs(software):
    imported(GOLDEN)
    before, stamps = Event.objects.count(), dict(Entity.objects.values_list("identifier", "updated_at"))
    assert set(words(imported(GOLDEN)).values()) == {"left", "same"}
    assert (Event.objects.count(), dict(Entity.objects.values_list("identifier", "updated_at"))) == (before, stamps)
    fates = imported(GOLDEN.replace("Takes orders.", "Takes and keeps orders."))
    assert [each.thing.identifier for each in fates if each.word == "updated"] == ["orders"]
    assert Event.objects.count() == before + 1


def test_what_it_does_not_speak_of_stays(software):
    write("service", "orders", title="Mine", properties={"language": "Go"}, relations={"dependsOn": ("search",)})
    imported(component("orders", lifecycle="beta"))
    orders = entity("service", "orders")
    assert (orders.title, orders.properties) == ("Mine", {"language": "Go", "type": "service", "lifecycle": "beta"})
    assert relations_of(orders)["dependsOn"] == ["search"]


def test_a_preview_says_the_same_and_leaves_nothing(software):
    before = Entity.objects.count(), Event.objects.count(), Team.objects.count()
    seen = imported(GOLDEN, preview=True)
    assert (Entity.objects.count(), Event.objects.count(), Team.objects.count()) == before
    assert words(imported(GOLDEN)) == words(seen)


def test_those_that_need_each_other_come_together(software):
    ring = "---\n".join(
        [
            component("a", dependsOn="[component:b]"),
            component("b", dependsOn="[component:c]"),
            component("c", dependsOn="[component:a]"),
        ]
    )
    assert set(words(imported(ring)).values()) == {"created"}
    assert [relations_of(entity("service", name))["dependsOn"] for name in "abc"] == [["b"], ["c"], ["a"]]
    assert set(words(imported(ring)).values()) == {"same"}


def test_of_two_that_are_the_same_the_first_counts(software):
    reading = backstage.read(
        [("a.yaml", component("orders", lifecycle="one")), ("b.yaml", component("orders", lifecycle="two"))]
    )
    fates = things_import(reading.things, source="x", by=SETUP)
    assert [(each.word, each.why) for each in fates] == [("created", ""), ("left", "a.yaml describes the same entity")]
    assert entity("service", "orders").properties["lifecycle"] == "one"


def test_what_leads_nowhere_is_told_and_left_out(software):
    (fate,) = imported(component("orders", dependsOn="[component:ghost, group:x]", owner="user:jane"))
    assert fate.word == "created" and len(fate.thing.notes) == 3
    assert "dependsOn: there is no service “ghost”" in fate.thing.notes
    assert not relations_of(entity("service", "orders")).get("dependsOn")


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("orders", "orders"),
        ("Käse & Brot", "Käse-Brot"),
        ("a\u0301b", "áb"),
        ("  spaced out  ", "spaced-out"),
        ("emoji 🚀 here", "emoji-here"),
        ("\u202eevil", "evil"),
        ("..", ""),
        ("!!!", ""),
        ("x" * 5000, "x" * 200),
    ],
)
def test_names_are_cleaned_by_one_rule(name, identifier):
    assert cleaned(name) == identifier


def test_a_name_that_was_cleaned_is_told_and_its_namespace_kept(software):
    text = component('"Käse & Brot"').replace("metadata: {", "metadata: {namespace: shop, ")
    (fate,) = imported(text)
    assert (fate.thing.identifier, fate.thing.notes) == (
        "shop/Käse-Brot",
        ("“shop/Käse & Brot” is called shop/Käse-Brot here",),
    )


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "line 5: with its aliases it has more than 50,000 values"),
        ("a: &a [*a]", "stands for nothing that is complete"),
        ("[" * 40, "nested more than 30 deep"),
        ("- " * 2000, "nested more than 30 deep"),
        ("---\na\n" * 600, "more than 500 documents"),
        ("x: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("x: !!timestamp 2024-01-01", "by a tag"),
        ("? [a]\n: b", "unhashable"),
        ("a: [1", "line 1"),
        ("a: \0", "U+0000"),
        ("a" * 1_000_000, "more than 900 kB"),
        ("a: '\ud800'", "unacceptable character"),
    ],
)
def test_hostile_yaml_is_refused_in_a_sentence(text, says):
    with pytest.raises(Invalid) as refused:
        documents.read(text)
    assert says in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "just a text",
        "[1, 2]",
        "kind: Component",
        "apiVersion: backstage.io/v1\nkind: Component\nmetadata: [x]",
        "apiVersion: backstage.io/v1\nkind: [Component]\nmetadata: {name: x}",
        "apiVersion: backstage.io/v1\nkind: Component\nmetadata: {name: {a: b}}",
        "apiVersion: backstage.io/v1\nkind: User\nmetadata: {name: jane}\nspec: {profile: {email: no-address}}",
        "apiVersion: backstage.io/v1\nkind: User\nmetadata: {name: jane}",
        "apiVersion: backstage.io/v1\nkind: Location\nmetadata: {name: all}",
    ],
)
def test_what_is_nothing_for_the_catalog_is_left_with_a_reason(software, text):
    before = Event.objects.count()
    (fate,) = imported(text)
    assert fate.word == "left" and fate.why
    assert Event.objects.count() == before


def test_odd_values_end_no_import(software):
    odd = component("orders", dependsOn="{a: b}", owner="[x]", system="", providesApis="[[x], {}, null, ' ']")
    odd = odd.replace(
        "{name: orders}", "{name: orders, tags: {a: b}, links: [x, {url: 'javascript:alert(1)'}], annotations: [1]}"
    )
    (fate,) = imported(odd)
    assert fate.word == "created"
    assert entity("service", "orders").properties == {"type": "service"}


def test_a_type_that_the_blueprint_refuses_leaves_that_one_alone(software):
    long = "\n---\n".join(
        [component("good"), component("bad", lifecycle="x").replace("name: bad", f"name: bad, title: '{'x' * 10}'")]
    )
    assert set(words(imported(long)).values()) == {"created"}
    with pytest.raises(Invalid):
        things_import([Thing("service", f"s{n}", "x") for n in range(1001)], source="x", by=SETUP)


def test_a_member_imports_what_he_may_and_groups_are_left(software, charlie, page):
    fates = imported(GOLDEN, by=page(charlie))
    told = {each.thing.identifier: each for each in fates}
    assert told["payments-team"].word == told["jane@larder.example"].word == "left"
    assert "may not change accounts" in told["payments-team"].why
    assert not Team.objects.exists()


def test_who_may_not_see_an_entity_learns_nothing_of_it(software, charlie, page):
    write("service", "orders", title="The Secret", properties={"description": "swordfish"})
    only = {"read": {"roles": ["Admin"]}, "update": {"ownedByTeam": False, "roles": ["Admin"]}}
    permissions_update(Blueprint.objects.get(identifier="service"), only, by=SETUP)
    (fate,) = imported(component("orders", dependsOn="[component:search]"), by=page(charlie))
    assert fate.word == "left"
    assert "swordfish" not in str(fate) and "Secret" not in str(fate)


# CODEOWNERS

OWNERS = """
# everybody
*                 @larder/platform
*.js              @larder/web
/services/checkout/  @larder/payments   # theirs
/services/*       @larder/nobody
/libs/            bob@example.org
/old/
docs/             @larder/docs
!not              @larder/x
[ab].txt          @larder/x
/odd              not-an-owner
"""


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("", "*"),
        ("services", "/services/*"),
        ("services/checkout", "/services/checkout/"),
        ("services/checkout/api/v2", "/services/checkout/"),
        ("services/search", "*"),
        ("libs", "/libs/"),
        ("deep/libs", "*"),
        ("old/thing", "/old/"),
        ("a/b/docs", "docs/"),
    ],
)
def test_the_last_line_that_matches_counts(folder, pattern):
    assert codeowners.read(OWNERS).of_folder(folder).pattern == pattern


@pytest.mark.parametrize(
    ("pattern", "path", "owns"),
    [
        ("*.js", "a/b.js", True),
        ("*.js", "a/b.jsx", False),
        ("/build/logs/", "build/logs/x/y", True),
        ("/build/logs/", "x/build/logs/y", False),
        ("docs/*", "docs/a.md", True),
        ("docs/*", "docs/a/b.md", False),
        ("apps/", "x/apps/y", True),
        ("apps/", "apps", False),
        ("/apps", "apps/y/z", True),
        ("/apps", "appsy", False),
        ("**/logs", "a/b/logs/c", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("/a/**", "a/b/c", True),
        ("/a/**", "b/a/c", False),
        ("with space", "x/with space", True),
        ("a?c", "abc", True),
        ("*" * 60 + "b", "a" * 300, False),
        ("/", "a", False),
    ],
)
def test_patterns_match_as_at_github(pattern, path, owns):
    (line,) = codeowners.read(f"{pattern.replace(' ', chr(92) + ' ')} @larder/x").lines
    assert line.owns(path) is owns


def test_lines_that_github_skips_are_told():
    assert [number for number, _ in codeowners.read(OWNERS).skipped] == [10, 11, 12]
    with pytest.raises(Invalid):
        codeowners.read("x\n" * 30_000)


def test_services_get_the_teams_of_their_repository_or_folder(shop, bob, page):
    base = "https://github.com/larder/shop"
    Team.objects.create(identifier="platform", title="Platform")
    for name, address in {
        "whole": base,
        "part": f"{base}/tree/main/services/checkout",
        "lib": f"{base}.git",
        "old": f"{base}/tree/main/old",
        "docs": f"{base}/tree/main/docs",
        "other": f"{base}2",
    }.items():
        write("service", name, properties={"repository": address})
    things, left = queries.owned(SETUP, codeowners.read(OWNERS), f"{base}/")
    assert {each.identifier: each.team for each in things} == {
        "whole": ("platform",),
        "lib": ("platform",),
        "part": ("payments",),
    }
    assert {each.thing.identifier: each.why for each in left} == {
        "old": "line 8 (/old/) names nobody",
        "docs": "@larder/docs: there is no team of that name",
    }
    fates = things_import(things, source="import/CODEOWNERS", mode="patch", by=SETUP)
    assert set(words(fates).values()) == {"updated"}
    assert entity("service", "part").team == ["payments"]
    before = Event.objects.count()
    things_import(things, source="import/CODEOWNERS", mode="patch", by=SETUP)
    assert Event.objects.count() == before


def test_people_stand_for_their_teams(shop, bob):
    write("service", "lib", properties={"repository": "https://github.com/larder/shop/tree/main/libs"})
    things, _ = queries.owned(SETUP, codeowners.read(OWNERS), "https://github.com/larder/shop")
    assert things[0].team == ("payments",)


# The pages and the commands.


@pytest.fixture
def browser(alice):
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


def test_the_page_shows_first_and_then_imports(software, browser):
    address = "/import/catalog-info"
    shown = browser.post(address, {"step": "preview", "text": GOLDEN})
    assert "8 would be new, 1 would be left." in shown.content.decode()
    assert "entity.created" not in [each for each in events() if each == "entity.created"][4:]
    done = browser.post(address, {"step": "apply", "text": GOLDEN}).content.decode()
    assert "8 made, 1 left." in done
    assert "8 as they were" in browser.post(address, {"step": "apply", "text": GOLDEN}).content.decode()


def test_the_page_asks_for_the_starter_and_refuses_what_is_no_text(shop, browser):
    assert "Import the starter" in browser.get("/import/catalog-info").content.decode()
    for wrong in ({"text": ""}, {"text": "a: [1"}, {"text": "a: &a [*a]"}):
        answer = browser.post("/import/catalog-info", {"step": "preview", **wrong})
        assert answer.status_code == 422, wrong
    binary = browser.post("/import/codeowners", {"step": "preview", "repository": "x", "text": "* @a/b"})
    assert binary.status_code == 422 and "address of the repository" in binary.content.decode()


def test_the_codeowners_page_imports(shop, bob, browser):
    write("service", "lib", properties={"repository": "https://github.com/larder/shop"})
    sent = {"repository": "https://github.com/larder/shop", "text": "* @larder/payments\n!x @a/b"}
    shown = browser.post("/import/codeowners", sent | {"step": "preview"}).content.decode()
    assert "1 would change." in shown and "Line 2 does not count" in shown
    assert entity("service", "lib").team == []
    browser.post("/import/codeowners", sent | {"step": "apply"})
    assert entity("service", "lib").team == ["payments"]


def test_the_commands_do_the_same(software, bob, tmp_path, capsys):
    file = tmp_path / "catalog-info.yaml"
    file.write_text(GOLDEN)
    call_command("import_catalog_info", str(file), "--preview")
    assert not Entity.objects.filter(identifier="orders").exists()
    call_command("import_catalog_info", str(file))
    assert entity("service", "orders")
    owners = tmp_path / "CODEOWNERS"
    owners.write_text("* @larder/payments")
    call_command("import_codeowners", "https://github.com/larder/orders", str(owners))
    assert entity("service", "orders").team == ["payments"]
    assert "1 changed." in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("import_catalog_info", str(tmp_path / "nothing"))


@pytest.mark.parametrize("escape", ["\\0", "\\uD800", "\\uDFFF"])
def test_what_cannot_be_stored_is_refused_with_its_code(alice, client, escape):
    client.force_login(alice)
    for text in (f'{{metadata: {{name: a, title: "x{escape}"}}}}', f'{{"k{escape}": 1}}'):
        page = client.post("/import/catalog-info", {"text": text, "step": "apply"})
        assert page.status_code == 422
        assert f"U+{'0000' if escape == chr(92) + '0' else escape[2:]}" in page.content.decode()


def test_an_owner_with_a_nul_is_refused(alice, client):
    client.force_login(alice)
    file = SimpleUploadedFile("CODEOWNERS", b"* a\0@example.org\n")
    page = client.post("/import/codeowners", {"repository": "https://example.org/a", "file": file})
    assert page.status_code == 422 and "U+0000" in page.content.decode()
