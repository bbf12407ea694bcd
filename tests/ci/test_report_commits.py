"""What a report tells of commits, as the checkout's git knows them."""

import subprocess

import pytest

from tests.ci.checkouts import commit, git, live
from tests.ci.fake_portal import refusal


def test_the_commits_since_what_is_live_come_from_git(portal, report, checkout):
    first = commit(checkout, "First")
    middle = commit(checkout, "CART-12 Sum up the cart (#41)\n\nWith a body")
    last = commit(checkout, "Merge pull request #42 from acme/x")
    portal.answers["GET", "/v1/deployments/current"] = live(first)
    body, _, done = report(cwd=checkout)
    assert done.returncode == 0 and "with 2 commits" in done.stdout and "https://portal.test/d/1" in done.stdout
    assert (body["commit"], body["previous_commit"], body["author"]) == (last, first, "Dana")
    assert body["message"] == "Merge pull request #42 from acme/x"
    dates = [one.pop("committed_at") for one in body["changes"]]
    assert dates == [git(checkout, "log", "-1", "--format=%cI", sha) for sha in (last, middle)]
    assert body["changes"] == [
        {
            "sha": last,
            "message": "Merge pull request #42 from acme/x",
            "author": "Dana",
            "pr": 42,
            "parents": [middle],
        },
        {
            "sha": middle,
            "message": "CART-12 Sum up the cart (#41)\n\nWith a body",
            "author": "Dana",
            "pr": 41,
            "parents": [first],
        },
    ]
    assert body["boundary"] == [first]


def write(folder, name, text, message):
    (folder / name).write_text(text)
    git(folder, "add", name)
    return commit(folder, message)


def test_a_merge_tells_its_parents_and_where_the_branch_began(report, checkout):
    began = write(checkout, "a", "1", "First")
    live = write(checkout, "a", "2", "Second")
    git(checkout, "checkout", "-q", "-b", "side", began)
    side = write(checkout, "b", "1", "On the side")
    git(checkout, "checkout", "-q", "main")
    git(checkout, "merge", "-q", "--no-ff", "-m", "Merge it", "side")
    body, _, _ = report("--previous-commit", live, cwd=checkout)
    assert [one["parents"] for one in body["changes"]] == [[live, side], [began]]
    assert body["boundary"] == sorted([began, live])


def test_a_copy_has_the_patch_id_of_what_it_was_picked_from(report, checkout):
    first = write(checkout, "a", "1\n2\n3\n", "First")
    fix = write(checkout, "a", "1\n2\n4\n", "Fix")
    git(checkout, "checkout", "-q", "-b", "release", first)
    write(checkout, "b", "x", "Else")
    git(checkout, "config", "diff.noprefix", "true")
    git(checkout, "cherry-pick", fix)
    copy = report("--previous-commit", first, cwd=checkout)[0]["changes"][0]
    assert copy["sha"] != fix
    origin = report("--previous-commit", first, "--commit", fix, cwd=checkout)[0]["changes"][0]
    assert copy["patch_id"] == origin["patch_id"] and len(copy["patch_id"]) == 40


def test_the_first_report_of_a_place_tells_what_it_contains_as_history(portal, report, checkout):
    first = commit(checkout, "First")
    last = commit(checkout, "PAY-1: Last")
    portal.answers["GET", "/v1/deployments/current"] = 200, {"ok": True, "deployment_configs": []}
    body, _, done = report(cwd=checkout)
    assert [(one["sha"], one["parents"]) for one in body["history"]] == [(last, [first]), (first, [])]
    assert "changes" not in body and "previous_commit" not in body and "commit" not in done.stdout.split("\n")[0]


def test_a_rollback_tells_no_commits_and_what_was_there(report, checkout):
    first, second = commit(checkout, "First"), commit(checkout, "Second")
    body, _, _ = report("--previous-commit", second, "--commit", first, "--kind", "rollback", cwd=checkout)
    assert (body["changes"], body["previous_commit"]) == ([], second)


def test_of_a_long_message_the_lines_stay_that_name_other_commits(report, checkout):
    first = commit(checkout, "First")
    commit(checkout, "Fix\n\n" + "words " * 900 + f"\n\n(cherry picked from commit {first})\nThe end")
    [change] = report("--previous-commit", first, cwd=checkout)[0]["changes"]
    assert len(change["message"]) < 2000 and change["message"].endswith(f"(cherry picked from commit {first})")


def imported(checkout, first, count, message="x", date=1700000000):
    """So many commits in a line, quickly."""
    stream = "".join(
        f"commit refs/heads/main\ncommitter Bob <b@acme.test> {date + n} +0000\ndata {len(message.encode())}\n{message}\n"
        + (f"from {first}\n" if n == 0 else "")
        for n in range(count)
    )
    words = ["git", "fast-import", "--quiet", "--force"]
    subprocess.run(words, cwd=checkout, input=stream, text=True, check=True)


def test_a_date_that_is_none_is_left_out(report, checkout):
    first = commit(checkout, "First")
    imported(checkout, first, 1, date=10**12)
    [change] = report("--previous-commit", first, cwd=checkout)[0]["changes"]
    assert "committed_at" not in change and change["parents"] == [first]


def test_a_report_stays_under_what_the_portal_takes(report, checkout):
    first = commit(checkout, "First")
    imported(checkout, first, 500, message="é" * 1490)
    body, headers, done = report("--previous-commit", first, cwd=checkout)
    assert 100 < len(body["changes"]) < 500 and f"newest {len(body['changes'])} of 500" in done.stdout
    assert int(headers["Content-Length"]) < 1024 * 1024
    assert "boundary" not in body, "what was cut is not in what was there before"


def test_an_alias_of_the_place_finds_what_is_live_too(portal, report, checkout):
    first = commit(checkout, "First")
    status, current = live(first)
    portal.answers["GET", "/v1/deployments/current"] = (
        status,
        {**current, "deployment_configs": current["deployment_configs"][1:]},
    )
    assert report("--environment", "prod", cwd=checkout)[0]["previous_commit"] == first


def test_a_given_previous_commit_is_not_asked_for(portal, report, checkout):
    first = commit(checkout, "First")
    commit(checkout, "See all\n\nSee merge request acme/cart!7")
    body, _, _ = report("--previous-commit", first[:8], cwd=checkout)
    assert [one["pr"] for one in body["changes"]] == [7]
    assert [one["method"] for one in portal.asked] == ["POST"]


def test_a_deployment_of_what_is_live_has_no_changes(portal, report, checkout):
    portal.answers["GET", "/v1/deployments/current"] = live(commit(checkout, "First"))
    assert report(cwd=checkout)[0]["changes"] == []


def test_at_most_500_commits_are_sent_and_it_says_so(report, checkout):
    first = commit(checkout, "First")
    imported(checkout, first, 505)
    body, _, done = report("--previous-commit", first, cwd=checkout)
    assert len(body["changes"]) == 500 and "newest 500 of 505" in done.stdout


def test_where_a_shallow_clone_ends_no_parents_are_told(report, checkout, tmp_path):
    commit(checkout, "First")
    live, last = commit(checkout, "Live"), commit(checkout, "Last")
    git(checkout, "checkout", "-q", "--orphan", "other")
    commit(checkout, "Other root")
    other = commit(checkout, "Other")
    git(checkout, "checkout", "-q", "main")
    git(checkout, "merge", "-q", "--allow-unrelated-histories", "-m", "Merge", "other")
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{checkout}", "shallow")
    body, _, done = report("--previous-commit", last, cwd=tmp_path / "shallow")
    told = {one["sha"]: one.get("parents") for one in body["changes"]}
    assert told[other] is None and live not in told and "fetch-depth: 0" in done.stdout and "boundary" not in body


def test_a_shallow_clone_still_reports_and_says_what_to_set(portal, report, checkout, tmp_path):
    portal.answers["GET", "/v1/deployments/current"] = live(commit(checkout, "First"))
    last = [commit(checkout, f"Commit {number}") for number in range(3)][-1]
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{checkout}", "shallow")
    body, _, done = report(cwd=tmp_path / "shallow")
    assert done.returncode == 0 and "fetch-depth: 0" in done.stdout and "GIT_DEPTH: 0" in done.stdout
    assert body["commit"] == last and "changes" not in body


@pytest.mark.parametrize("known", ["f" * 40, "--upload-pack=x", "HEAD", ""])
def test_a_live_commit_that_git_does_not_know_is_no_reason_to_stop(portal, report, checkout, known):
    commit(checkout, "First")
    portal.answers["GET", "/v1/deployments/current"] = live(known)
    body, _, done = report(cwd=checkout)
    assert done.returncode == 0 and "changes" not in body


@pytest.mark.parametrize(
    "answer", [(500, b""), (200, {"ok": True}), refusal(403, "forbidden", "This token may only report.")]
)
def test_a_report_goes_out_though_what_is_live_cannot_be_asked(portal, report, checkout, answer):
    commit(checkout, "First")
    portal.answers["GET", "/v1/deployments/current"] = answer
    body, _, done = report(cwd=checkout)
    assert done.returncode == 0 and body["version"] == "1.4.2" and "without its commits" in done.stdout


@pytest.mark.parametrize("name", ["HEAD~1", "v1.4.2", "main~1"])
def test_a_commit_may_be_given_by_a_name_that_git_knows(report, checkout, name):
    first = commit(checkout, "First")
    git(checkout, "tag", "v1.4.2")
    commit(checkout, "Second")
    body, _, done = report("--commit", name, cwd=checkout)
    assert done.returncode == 0 and body["commit"] == first and body["message"] == "First"


def test_a_name_that_git_does_not_know_is_reported_as_it_is(report, checkout):
    commit(checkout, "First")
    for name in ("r1234", "--help-all"):
        body, _, done = report(f"--commit={name}", cwd=checkout)
        assert done.returncode == 0 and body["commit"] == name


def test_without_a_checkout_the_commit_must_be_given(report):
    body, _, done = report()
    assert (body, done.returncode) == (None, 2) and "--commit" in done.stderr
    body, _, done = report("--commit", "r1234")
    assert done.returncode == 0 and body["commit"] == "r1234"
