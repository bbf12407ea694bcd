"""A real repository, four CI runs through the command line, and nothing else: the pages answer what people ask at nine."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from portal.accounts.commands import credential_create
from tests.ci.checkouts import git
from tests.conftest import SETUP
from tests.journeys.conftest import ROOT


class Repository:
    """A checkout in which people work."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")

    def git(self, *words):
        return git(self.folder, *words)

    def commit(self, name, message, author="Dana"):
        (self.folder / name).write_text(f"{message}\n")
        self.git("add", name)
        self.git("commit", "-q", "-m", message, "--author", f"{author} <{author.lower()}@example.org>")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def pipeline(live_server):
    """`pipeline(repository, "report", environment, version, actor)`: a CI run in the checkout."""
    _, token = credential_create("CI", kind="ci", scopes=["report", "gate", "catalog:read"], by=SETUP)
    runs = []

    def run(repository, command, environment, version, actor, service="checkout"):
        runs.append(version)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(repository.folder.parent),
            "PORTCULLIS_URL": live_server.url,
            "PORTCULLIS_TOKEN": token,
            "PORTCULLIS_RUN": f"run-{len(runs)}",
        }
        words = [command, "-s", service, "-e", environment, "--version", version, "--actor", actor]
        words += ["--", "true"] if command == "deploy" else []
        done = subprocess.run(
            [sys.executable, str(ROOT / "ci" / "portcullis"), *words],
            env=environ, cwd=repository.folder, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.timeout(400)
def test_four_runs_and_the_pages_answer(transactional_db, shop, alice, tab, tmp_path, pipeline):
    work = Repository(tmp_path / "work")
    work.commit("a", "Begin")
    pipeline(work, "report", "staging", "1.0", "dana@example.org")
    pipeline(work, "deploy", "production", "1.0", "dana@example.org")

    work.git("checkout", "-q", "-b", "feature/SHOP-13-labels")
    work.commit("labels", "SHOP-13: Print labels", "Priya")
    work.git("checkout", "-q", "main")
    work.git(
        "merge", "-q", "--no-ff", "-m", "Merge pull request #13 from shop/SHOP-13-labels", "feature/SHOP-13-labels"
    )
    squashed = work.commit("gifts", "SHOP-12: Gift messages (#12)\n\n* SHOP-12: add the field\n* SHOP-12: show it", "Priya")  # fmt: skip
    wrong = work.commit("wrong", "SHOP-15: Round down (#15)", "Bob")
    fix = work.commit("fix", "SHOP-14: Fix the sum (#14)", "Bob")
    work.git("revert", "--no-edit", wrong)
    head = work.git("rev-parse", "HEAD")
    assert "with 6 commits" in pipeline(work, "report", "staging", "1.1", "priya@example.org")

    work.git("checkout", "-q", "-b", "hotfix", f"{squashed}~2")
    work.git("cherry-pick", "-x", fix)
    picked = work.git("rev-parse", "HEAD")
    pipeline(work, "deploy", "production", "1.0.1", "bob@example.org")

    page = tab("/deployments/", as_=alice)
    row = page.locator("#row-checkout")
    expect(row).to_contain_text("1.1")
    expect(row).to_contain_text("1.0.1")
    expect(row).to_contain_text(head[:7])
    expect(row).to_contain_text(picked[:7])

    # Who made the last commit, and who deployed it?
    told = page.request.get("/deployments/card/checkout/in/production").text()
    assert "SHOP-14: Fix the sum (#14)" in told and "Bob" in told and "bob@example.org" in told
    page.goto("/deployments/panel/checkout")
    expect(page.locator("#service-deployments")).to_contain_text("bob@example.org")

    # Which services were deployed for a ticket, and how far has each come?
    finder = page.locator(".finder input")
    page.goto("/deployments/")
    finder.fill("SHOP-12")
    finder.press("Enter")
    expect(page).to_have_url(f"{page.url.split('/deployments')[0]}/deployments/features/SHOP-12")
    expect(page.locator("#verdict")).to_contain_text("SHOP-12 has not reached production everywhere")
    expect(page.locator("#verdict")).to_contain_text("Checkout (0 of 1 change, all in staging)")
    expect(page.locator(f"#commit-{squashed}")).to_contain_text("squash")

    page.goto("/deployments/features/SHOP-14")
    expect(page.locator("#verdict")).to_contain_text("SHOP-14 is in production with all its changes in Checkout.")

    # Where is my commit? Picked, reverted, merged, and not there yet.
    page.goto(f"/deployments/commits?q={fix}")
    cells = page.locator(f"#commit-{fix} td")
    expect(cells.filter(has_text="1.1")).to_contain_text("priya@example.org")
    expect(cells.filter(has_text="1.0.1")).to_contain_text(f"by cherry-pick {picked[:7]}")
    page.goto(f"/deployments/commits?q={wrong}")
    expect(page.locator(f"#commit-{wrong} td").first).to_contain_text("Reverted")
    expect(page.locator(f"#commit-{wrong} td").first).to_contain_text(head[:7])
    expect(page.locator(f"#commit-{wrong} td").nth(1)).to_contain_text("Not in")
    page.goto("/deployments/features/SHOP-13")
    expect(page.locator("#verdict")).to_contain_text("0 of 1 change, all in staging")

    # What changed with 1.1?
    page.goto("/deployments/commits?q=%2313")
    expect(page.locator("#commits")).to_contain_text("Merge pull request #13")
    expect(page.locator("#commits")).to_contain_text("SHOP-13")


def test_what_a_shallow_clone_hides_is_unknown_and_it_says_how_to_mend(
    transactional_db, shop, alice, tab, tmp_path, pipeline
):
    work = Repository(tmp_path / "work")
    first = work.commit("a", "PAY-1: First")
    work.commit("b", "PAY-2: Second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{work.folder}", "shallow")
    shallow = object.__new__(Repository)
    shallow.folder = tmp_path / "shallow"
    assert "fetch-depth: 0" in pipeline(shallow, "report", "staging", "1.0", "dana@example.org")
    page = tab(f"/deployments/commits?q={first}", as_=alice)
    expect(page.locator("#commits")).to_contain_text("Unknown: no such commit is known here")
