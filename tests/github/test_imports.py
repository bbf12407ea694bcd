"""An organisation is read by the workers, step by step, and what it says comes into the catalog."""

import base64
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from catalog.models import Entity
from catalog.queries import relations_of
from catalog.starters.commands import starter_import
from portal.accounts.models import Team
from portal.audit.models import Event
from portal.github.imports import import_cancel, import_start, imports_run
from portal.github.models import Import
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, events, write

TOKEN = "github_pat_reads"


def repository(name, **more):
    return {
        "name": name,
        "full_name": f"larder/{name}",
        "html_url": f"https://github.com/larder/{name}",
        "description": f"The {name}.",
        "language": "Python",
        "topics": ["shop"],
        "default_branch": "main",
        "archived": False,
        "visibility": "private",
        "pushed_at": "2026-03-01T10:00:00Z",
        "size": 12,
    } | more


def holds(github, name, files):
    """The repository has these files."""
    base = f"/repos/larder/{name}"
    roots = sorted({path.partition("/")[0] for path in files})
    github.says[f"{base}/git/trees/main"] = {"tree": [{"path": each} for each in roots]}
    for path, text in files.items():
        content = base64.encodebytes(text.encode()).decode()
        github.says[f"{base}/contents/{path}"] = {"encoding": "base64", "content": content}


@pytest.fixture
def larder(github, settings, db):
    settings.GITHUB_TOKEN = TOKEN
    for name in ("github", "software-catalog"):
        starter_import(name, by=SETUP)
    github.says |= {
        "/orgs/larder/teams": [
            {"slug": "payments", "name": "Payments", "description": "Money"},
            {"slug": "web", "name": "Web"},
        ],
        "/orgs/larder/teams/payments/members": [{"login": "Bob-GH"}, {"login": "stranger"}],
        "/orgs/larder/teams/web/members": [],
        "/orgs/larder/repos": [
            repository("basket"),
            repository("old", archived=True, description=None, size=0),
            repository("shop"),
        ],
    }
    holds(github, "basket", {".github/CODEOWNERS": "* @larder/payments\n", "README.md": ""})
    component = (
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: storefront, description: Sells.}\n"
        "spec: {type: website, owner: web, dependsOn: ['component:basket']}\n"
    )
    holds(github, "shop", {"catalog-info.yaml": component, "CODEOWNERS": "* @larder/nobody"})
    return github


def run(job, **more):
    while not imports_run(60, **more) and not Import.objects.get(pk=job.pk).is_over and not more:
        break
    job.refresh_from_db()
    return job


def started(**more):
    return import_start("larder", by=SETUP, **more)


def service(identifier):
    return Entity.objects.select_related("blueprint").get(blueprint__identifier="service", identifier=identifier)


def test_an_organisation_comes_whole(larder, charlie):
    write("_user", "charlie@example.org", mode="merge", properties={"githubLogin": "bob-gh"})
    job = run(started())
    assert (job.state, job.reason, job.sealed_token) == ("completed", "", "")
    assert job.counts == {"repositories": 3, "created": 5, "updated": 1, "same": 0, "left": 1}
    basket = service("basket")
    assert (basket.team, basket.datasource) == (["payments"], "import/github/larder")
    assert basket.properties == {
        "description": "The basket.",
        "language": "Python",
        "repository": "https://github.com/larder/basket",
        "topics": ["shop"],
        "defaultBranch": "main",
        "visibility": "private",
        "archived": False,
        "pushedAt": "2026-03-01T10:00:00Z",
    }
    assert service("old").properties["archived"] is True
    storefront = service("storefront")
    assert (storefront.team, storefront.properties["description"]) == (["web"], "Sells.")
    assert storefront.properties["repository"] == "https://github.com/larder/shop"
    assert relations_of(storefront)["dependsOn"] == ["basket"]
    assert not Entity.objects.filter(identifier="shop").exists()
    assert list(Team.objects.get(identifier="payments").members.all()) == [charlie]
    (lost,) = [each for each in job.report if each["word"] == "left"]
    assert lost["why"] == "nobody here has the githubLogin stranger"
    assert events("github_import") == ["github_import.started", "github_import.finished"]


def test_again_it_changes_only_what_differs(larder):
    run(started())
    stamps = dict(Entity.objects.values_list("identifier", "updated_at"))
    before = Event.objects.count()
    job = run(started())
    assert (job.counts["created"], job.counts["updated"], job.counts["same"]) == (0, 0, 5)
    assert dict(Entity.objects.values_list("identifier", "updated_at")) == stamps
    assert Event.objects.count() == before + 2
    larder.says["/orgs/larder/repos"][0]["description"] = "Holds things."
    job = run(started())
    assert [(each["identifier"], each["changed"]) for each in job.report if each["word"] == "updated"] == [
        ("basket", ["description"])
    ]


def test_a_look_writes_nothing_and_says_the_same(larder):
    before = Entity.objects.count(), Team.objects.count()
    seen = run(started(preview=True))
    assert (Entity.objects.count(), Team.objects.count()) == before
    assert "entity.created" not in events("entity")
    done = run(started())
    looked, made = ({(each["word"], each["identifier"]) for each in job.report} for job in (seen, done))
    assert looked == made


def test_a_service_that_names_the_repository_is_the_one(larder):
    write("service", "cart", properties={"repository": "https://github.com/larder/basket.git", "tier": "internal"})
    write("service", "old", properties={"repository": "https://github.com/another/old"})
    run(started())
    assert service("cart").team == ["payments"] and service("cart").properties["tier"] == "internal"
    assert service("old").properties["repository"] == "https://github.com/another/old"
    assert service("larder/old").properties["repository"] == "https://github.com/larder/old"
    assert not Entity.objects.filter(identifier="basket").exists()


def test_pages_of_a_hundred_follow_each_other(larder):
    larder.says["/orgs/larder/repos"] = [repository(f"r{number:03}", size=0) for number in range(101)]
    job = run(started())
    assert job.counts["repositories"] == 101
    assert Entity.objects.filter(blueprint__identifier="service").count() == 101
    assert [path for path in larder.asked if "/repos?" in path and path.endswith("page=3")] == []


def test_a_used_up_hour_is_waited_for_and_is_no_failure(larder):
    resets = str(int(time.time()) + 1800)
    headers = [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", resets)]
    larder.answers = [None, (403, {"message": "API rate limit exceeded"}, headers)]
    job = run(started())
    assert (job.state, job.attempts, job.held_until) == ("running", 0, None)
    assert "rate limit" in job.reason
    assert timedelta(minutes=25) < job.due_at - database_now() < timedelta(minutes=31)
    imports_run(1)
    assert len(larder.asked) == 2  # nobody asks before it is due
    Import.objects.update(due_at=database_now())
    assert run(job).state == "completed"


def test_what_fails_is_tried_again_and_at_last_given_up(larder):
    larder.answers = [(502, {"message": "Bad gateway"})] * 20
    job = started()
    for _ in range(10):
        Import.objects.update(due_at=database_now())
        imports_run(1)
    job.refresh_from_db()
    assert job.state == "failure" and "502" in job.reason
    assert events("github_import") == ["github_import.started", "github_import.failed"]


def test_a_wrong_token_ends_it_with_what_github_said(larder):
    job = run(started(token="github_pat_wrong"))
    assert job.state == "failure" and "Bad credentials" in job.reason
    assert job.sealed_token == "" and not Team.objects.exists()


def test_a_token_is_sealed_and_stands_in_no_event(larder, settings):
    settings.GITHUB_TOKEN = ""
    job = started(token=TOKEN)
    with connection.cursor() as cursor:
        cursor.execute("select sealed_token from github_import")
        assert TOKEN not in cursor.fetchone()[0]
    run(job)
    assert not any(TOKEN in str([each.before, each.after, each.payload]) for each in Event.objects.all())


def test_a_cancelled_one_writes_nothing_more(larder):
    job = started()
    import_cancel(job, by=SETUP)
    assert run(job).state == "cancelled"
    assert larder.asked == [] and not Team.objects.exists()
    started()  # another may begin


def test_a_step_whose_worker_died_is_made_again_by_the_next(larder):
    job = started()
    now = database_now()
    Import.objects.update(state="running", held_until=now + timedelta(seconds=60))
    assert imports_run(1) is False and larder.asked == []
    Import.objects.update(held_until=now - timedelta(seconds=1))
    assert run(job).state == "completed"


def test_hostile_answers_end_no_import(larder):
    larder.says["/orgs/larder/teams"] = [{"slug": None}, {"slug": ["x"]}, {"slug": "🚀"}, {}]
    larder.says["/orgs/larder/repos"] = [
        repository("basket", topics={"a": 1}, language=None),
        repository("b🚀d", size=3, default_branch="../../x?y"),
        {"name": 7, "html_url": None},
        repository("bomb"),
        repository("binary"),
    ]
    bomb = "a: &a [x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 50)}]\n" for n in range(5)
    )
    holds(larder, "bomb", {"catalog-info.yaml": bomb, "CODEOWNERS": "![x\n* nobody"})
    holds(larder, "binary", {"CODEOWNERS": "x"})
    larder.says["/repos/larder/binary/contents/CODEOWNERS"] = {"encoding": "base64", "content": "%%%"}
    job = run(started())
    assert job.state == "completed", job.reason
    assert {"basket", "b-d", "bomb", "binary"} <= set(Entity.objects.values_list("identifier", flat=True))
    assert any("values" in each["why"] for each in job.report)


def test_only_administrators_start_see_and_cancel(larder, bob, alice, page):
    for deed in (lambda by: import_start("larder", by=by), lambda by: import_cancel(started(), by=by)):
        with pytest.raises(Refused):
            deed(page(bob))
    job = Import.objects.get()
    with pytest.raises(Conflict):
        started()
    for name in ("", "a/b", "x y", "x" * 101):
        with pytest.raises(Invalid):
            import_start(name, by=SETUP)
    client = Client(raise_request_exception=False)
    client.force_login(bob)
    pages = ("/import/github/", f"/import/github/{job.public_id}")
    assert [client.get(each).status_code for each in pages] == [403, 403]
    assert client.post(f"/import/github/{job.public_id}/cancellation").status_code == 403
    client.force_login(alice)
    assert [client.get(each).status_code for each in pages] == [200, 200]


def test_the_page_looks_first_and_then_imports(larder, alice):
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    begun = client.post("/import/github/", {"organization": "larder", "step": "preview"})
    assert begun.status_code == 303
    imports_run(60)
    shown = client.get(begun["Location"]).content.decode()
    assert "would be new" in shown and "Import it" in shown and "storefront" in shown
    assert client.post("/import/github/", {"organization": "a/b"}).status_code == 422
    done = client.post("/import/github/", {"organization": "larder", "step": "apply"})
    imports_run(60)
    assert "Nothing to tell" not in client.get(done["Location"]).content.decode()
    assert service("storefront")


def test_the_command_waits_for_the_end(larder, capsys):
    call_command("import_github", "larder", "--preview")
    call_command("import_github", "larder")
    assert "3 repositories, 5 created" in capsys.readouterr().out
