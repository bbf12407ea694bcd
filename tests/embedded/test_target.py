"""The demo's services to break."""

import json
import subprocess
import sys
import time
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from portal.embedded.target import Target
from portal.embedded.up import free_port, listens

PLACES = {"checkout/production": {"version": "2.4.0"}, "search/staging": {}}


@pytest.fixture(scope="module")
def target():
    with Target(PLACES) as target:
        yield target


@pytest.fixture(autouse=True)
def mended(target):
    target.town.mend()
    target.town.set("checkout/production", version="2.4.0")


def ask(url, body=None, timeout=1.0, **headers):
    """(status, what it says), or the words of a failure."""
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urlopen(Request(url, raw, headers), timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except (URLError, OSError) as error:
        return 0, str(error)


def test_a_place_is_fine_and_says_its_version(target):
    status, said = ask(f"{target.url}checkout/production/health")
    assert (status, json.loads(said)) == (
        200,
        {"status": "ok", "database": "ok", "version": "2.4.0", "place": "checkout/production"},
    )
    assert ask(f"{target.url}checkout/nowhere/health")[0] == 404


@pytest.mark.parametrize(
    ("mode", "status", "said"),
    [("error", 500, '"down"'), ("database", 200, '"lost"'), ("version", 200, '"0.0.1"'), ("drop", 0, "reset")],
)
def test_it_is_broken_in_the_way_that_was_chosen_and_the_others_stay_fine(target, mode, status, said):
    assert ask(f"{target.url}checkout/production/mode", {"mode": mode})[0] == 200
    found = ask(f"{target.url}checkout/production/health")
    assert found[0] == status and said in found[1]
    assert ask(f"{target.url}search/staging/health")[0] == 200


def test_one_that_hangs_says_nothing(target):
    target.town.set("checkout/production", mode="hang")
    assert ask(f"{target.url}checkout/production/health", timeout=0.3) == (0, "timed out")


def test_a_button_of_the_page_breaks_it_and_the_page_says_so(target):
    status, page = ask(f"{target.url}checkout/production/mode", b"mode=error", **FORM)
    assert status == 200 and '<section id="checkout/production" data-broken ' in page
    assert '1 of 2 is broken: <a href="#checkout/production">' in page and "/health/" in page
    assert "Mend all" in page
    assert "Mend all" not in ask(f"{target.url}mend", b"", **FORM)[1]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("checkout/production/mode", {"mode": "explode"}, 422),
        ("checkout/production/mode", {"version": "1\n2"}, 422),
        ("checkout/production/mode", ["mode"], 422),
        ("checkout/production/mode", b"{", 422),
        ("checkout/production/mode", b"\xff", 422),
        ("checkout/nowhere/mode", {"mode": "error"}, 404),
        ("mend/twice", {}, 404),
    ],
)
def test_what_it_does_not_understand_changes_nothing(target, path, body, status):
    before = target.town.all()
    assert ask(target.url + path, body)[0] == status
    assert target.town.all() == before


def test_a_person_whose_wish_is_refused_stands_on_the_page_and_not_before_json(target):
    said = ask(f"{target.url}checkout/production/mode", b"mode=odd", Accept="text/html", **FORM)
    assert said[0] == 422 and "Nothing was changed: mode has to be one of" in said[1] and "<section" in said[1]
    assert target.town.get("checkout/production")["mode"] == "fine"


def test_a_page_of_another_site_changes_nothing(target):
    assert ask(f"{target.url}mend", b"", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert ask(f"{target.url}checkout/production/mode", {"mode": "error"}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert target.town.get("checkout/production")["mode"] == "fine"


def test_a_name_with_marks_does_not_break_the_page():
    with Target({'a"<b>/x&y': {}}) as odd:
        page = ask(odd.url)[1]
        assert "<b>" not in page and "a&quot;&lt;b&gt; in x&amp;y" in page
        assert ask(f"{odd.url}a%22%3Cb%3E/x%26y/mode", {"mode": "error"})[0] == 200


def test_a_restart_keeps_what_was_broken(tmp_path):
    file = tmp_path / "target.json"
    file.write_text(json.dumps({"port": free_port(), "places": PLACES}))
    port = json.loads(file.read_text())["port"]
    url = f"http://127.0.0.1:{port}/checkout/production/"
    for expected in (200, 500):
        process = subprocess.Popen([sys.executable, "-m", "portal.embedded.target", "--file", str(file)])
        try:
            wait_for(lambda: listens(port))
            assert ask(f"{url}health")[0] == expected
            assert ask(f"{url}mode", {"mode": "error"})[0] == 200
        finally:
            process.kill()
            process.wait()


def test_its_numbers_are_as_prometheus_gives_them_and_show_what_is_broken(target):
    target.town.set("checkout/production", mode="error")
    now = time.time()
    asked = f"api/v1/query_range?start={now - 600}&end={now}&step=60&query="
    place = "%7Bservice%3D%22checkout%22%2Cenvironment%3D%22production%22%7D"
    body = json.loads(ask(f"{target.url}{asked}http_requests_total{place}")[1])
    (series,) = body["data"]["result"]
    assert (body["status"], body["data"]["resultType"], len(series["values"])) == ("success", "matrix", 11)
    assert all(float(value) > 0 for _, value in series["values"])
    assert json.loads(ask(f"{target.url}{asked}up%7Bservice%3D%22none%22%7D")[1])["data"]["result"] == []
    assert ask(f"{target.url}api/v1/query_range?query=up&start=x&end=1&step=1")[0] == 400
    assert ask(f"{target.url}api/v1/query_range?query=up&start=0&end=1e9&step=1")[0] == 400


def wait_for(done, within=10.0):
    deadline = time.monotonic() + within
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
