"""Where each commit is, at each instant, in each environment: what the portal says beside what git says.

`--history-commits 1000` is the long form, with a deployment for each 17 commits.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from deployments.models import Commit, Deployment
from deployments.queries import presences
from portal.accounts.commands import credential_create
from portal.accounts.queries import actor_of_user
from portal.kit.by import By
from tests.ci.conftest import COMMAND, compiled
from tests.conftest import SETUP, write
from tests.journeys.histories import Author, Oracle, git, imported

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(2400)]

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
PLACES = ("development", "staging", "production")


def plan(history, count, chance):
    """(environment, mark, kind) of each deployment: main goes forward, branches go to development, releases and
    rollbacks to production."""
    done, at = {each: [] for each in PLACES}, 0
    steps = []
    for number in range(count):
        at = max(at, (number + 1) * len(history.main) // count - 1)
        place = PLACES[number % 3]
        kind, mark = "deploy", history.main[max(0, at - 4 * (number % 3))]
        if place == "development" and chance.random() < 0.3:
            mark = chance.choice([each for each in history.branches if each <= history.main[at]] or [mark])
        if place == "production" and chance.random() < 0.3:
            mark = chance.choice([line[-1] for line in history.releases if line[-1] <= history.main[at]] or [mark])
        if len(done[place]) > 1 and chance.random() < 0.12:
            kind, mark = "rollback", done[place][-2]
        done[place].append(mark)
        steps.append((place, mark, kind))
    return steps


def reported(folder, url, token, step, sha, number):
    """One CI run, as a pipeline would report it: the command line in a checkout."""
    place, _, kind = step
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PORTCULLIS_URL": url,
        "PORTCULLIS_TOKEN": token,
        "PORTCULLIS_RUN": str(number),
    }
    words = ["report", "-s", "checkout", "-e", place, "--version", f"1.{number}", "--commit", sha, "--kind", kind]
    at = (BEGAN + timedelta(hours=number)).isoformat()
    words += ["--finished-at", at, "--actor", "dana@example.org", "--json"]
    command = [sys.executable, "-S", compiled(COMMAND), *words]
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"]


def test_the_portal_says_of_every_commit_what_git_says(live_server, tmp_path, alice, pytestconfig):
    size = int(pytestconfig.getoption("--history-commits") or 160)
    chance = random.Random(7)
    history = Author(7).write(size)
    shas = imported(history, tmp_path)
    write("service", "checkout")
    for place in PLACES:
        write("environment", place, properties={"tier": place})
    _, token = credential_create("CI", kind="ci", scopes=["report", "catalog:read"], by=SETUP)
    steps = plan(history, max(12, size // 17), chance)
    for number, step in enumerate(steps):
        reported(tmp_path, live_server.url, token, step, shas[step[1]], number)
    assert Deployment.objects.count() == len(steps)

    oracle = Oracle(history, shas, tmp_path)
    answers = judged(By(actor_of_user(alice), "page"), history, shas, steps, oracle)
    wrong = [each for each in answers if each[0] != each[1]]
    right = 1 - len(wrong) / len(answers)
    print(
        f"\n{len(answers)} questions, {right:.4%} right; wrong (git's answer, ours):",
        Counter(each[:2] for each in wrong),
    )
    print("\n".join(sorted({f"{each}" for each in wrong})[:20]))
    assert right > 0.97
    assert sum(each[1] != "unknown" for each in wrong) / len(answers) < 0.003, "what it cannot know it owns up to"


def judged(by, history, shas, steps, oracle):
    """(what git says, what the portal says, the commit, what was live) of every commit that a report has named, in every
    place, after every deployment."""
    known = {each.sha: each for each in Commit.objects.filter(service__identifier="checkout")}
    marks = [made for made in history.made if shas[made.mark] in known]
    live, answers, marked = {}, [], {sha: mark for mark, sha in shas.items()}
    for number, (place, mark, _) in enumerate(steps):
        live[place] = shas[mark]
        found = presences(by, list(known.values()), at=BEGAN + timedelta(hours=number))
        for made in marks:
            here = {one.config.environment.identifier: str(one.state) for one in found[known[shas[made.mark]].pk]}
            for where, head in live.items():
                truth = oracle.state(made, head)
                answers.append((truth, here.get(where), made.mark, marked[head]))
    return answers


def test_the_oracle_asks_git(tmp_path):
    """What it says by lists of ancestors is what `git merge-base --is-ancestor` says."""
    history = Author(3).write(60)
    shas = imported(history, tmp_path)
    oracle = Oracle(history, shas, tmp_path)
    for head in history.main[::9]:
        for made in history.made[::7]:
            words = ["git", "merge-base", "--is-ancestor", shas[made.mark], shas[head]]
            is_above = subprocess.run(words, cwd=tmp_path, check=False).returncode == 0
            assert is_above == (shas[made.mark] in oracle.above(shas[head]))
    assert git(tmp_path, "rev-parse", "main").strip() == shas[history.main[-1]]
