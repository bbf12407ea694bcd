import pytest

from deployments import leftovers
from deployments.models import Deployment, ReportRequest
from portal.api.schema.operations import deployments as described

REPORT = {"service": "checkout", "environment": "production", "version": "1.0"}


@pytest.mark.parametrize("attempt", ["²", "٣٤", "-1", "", 2**31])
def test_an_attempt_that_is_no_whole_number_is_422(shop, ci, attempt):
    answer = ci.post("deployments", REPORT | {"ci": {"run": "7", "attempt": attempt}})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "ci.attempt")
    assert not Deployment.objects.exists()


@pytest.mark.parametrize(
    ("odd", "path", "meant"),
    [
        ({"statuss": "failure"}, "statuss", "status"),
        ({"finishedAt": "2026-01-07T10:00:00Z"}, "finishedAt", "finished_at"),
        ({"ci": {"run": "7", "atempt": 2}}, "ci.atempt", "attempt"),
    ],
)
def test_a_misspelt_field_is_refused_with_the_right_one_and_leaves_nothing(shop, ci, odd, path, meant):
    answer = ci.post("deployments", REPORT | odd)
    assert (answer.status, answer.json["details"]["errors"]) == (
        422,
        [{"path": path, "message": f"is no field; did you mean {meant}?"}],
    )
    assert not Deployment.objects.exists()


def test_what_is_like_no_field_is_let_be(shop, ci):
    assert ci.post("deployments", REPORT | {"pipeline": 7, "status": "failure", "Status": "success"}).status == 201
    assert Deployment.objects.get().status == "failure"


def test_the_key_of_a_report_may_stand_in_it(shop, ci):
    sent = [ci.post("deployments", REPORT | {"idempotency_key": "one", "ref": each}).status for each in "aab"]
    assert (sent, Deployment.objects.count()) == ([201, 200, 409], 1)


def test_an_attempt_may_come_as_a_text(shop, ci):
    assert ci.post("deployments", REPORT | {"ci": {"run": "7", "attempt": "2"}}).status == 201
    assert Deployment.objects.get().attempt == 2


def test_a_report_sent_twice_is_one_however_its_numbers_are_written(shop, ci):
    extra = b'[1.10, 1e18, 9223372036854775807, 0.1000000000000000055, 5e-324, 1e-400, -0.0, 1.0, true, "\\u00e9"]'
    body = b'{"service": "checkout", "environment": "production", "version": "1.0", "extra": {"n": ' + extra + b"}}"
    statuses = [ci.post("deployments", body, Idempotency_Key="a").status for _ in range(2)]
    assert (statuses, Deployment.objects.count()) == ([201, 200], 1)


def test_numbers_that_would_not_compare_equal_are_refused_on_the_way_in(shop, ci):
    body = (
        b'{"service": "checkout", "environment": "production", "version": "1.0", "extra": {"n": 18446744073709551616}}'
    )
    assert [ci.post("deployments", body, Idempotency_Key="a").status for _ in range(2)] == [422, 422]


def test_a_report_is_taken_in_without_what_nobody_knows_and_is_told_so(shop, ci, client, alice):
    sent = {"service": "checkout", "environment": "production", "version": "1", "enviroment": "staging", "blob": [1]}
    sent |= {"ci": {"provider": "github", "run": "7", "runUrl": "x"}, "changes": [{"sha": "a" * 40, "mesage": "y"}]}
    answer = ci.post("deployments", sent)
    told = {each["path"]: each["nearest"] for each in answer.json["warnings"]}
    assert answer.status == 201 and Deployment.objects.get().environment_identifier == "production"
    assert told == {"blob": None, "enviroment": "environment", "ci.runUrl": "url", "changes.0.mesage": "message"}
    many = ci.post("deployments/batch", {"deployments": [sent | {"ci": {"run": "8"}, "idempotency_key": "k"}]})
    assert [each["path"] for each in many.json["deployments"][0]["warnings"]] == [
        "blob",
        "enviroment",
        "changes.0.mesage",
    ]
    assert ci.post("deployments", {"service": "checkout", "environment": "prod", "version": "2"}).json["warnings"] == []
    client.force_login(alice)
    log = client.get(f"/deployments/ingest/{ReportRequest.objects.earliest('id').pk}").content.decode()
    assert "“enviroment” is not known and was left out. Did you mean “environment”?" in log


def test_what_the_description_names_is_known():
    names = [set(each.schema["properties"]) for each in (described.REPORT, described._CI, described.CHANGE)]
    assert names == [leftovers.REPORT, leftovers.CI, leftovers.COMMIT]
    assert set(described.INSTANCE) == leftovers.INSTANCE


def test_a_body_of_nothing_but_unknown_words_is_told_in_few():
    told = leftovers.leftovers({f"x{number}" * 99: 1 for number in range(500)} | {"changes": 5, "ci": None})
    assert len(told) == leftovers.MOST and max(len(each["path"]) for each in told) == leftovers.LONGEST
