import pytest

from deployments.models import Deployment

REPORT = {"service": "checkout", "environment": "production", "version": "1.0"}


@pytest.mark.parametrize("attempt", ["²", "٣٤", "-1", "", 2**31])
def test_an_attempt_that_is_no_whole_number_is_422(shop, ci, attempt):
    answer = ci.post("deployments", REPORT | {"ci": {"run": "7", "attempt": attempt}})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "ci.attempt")
    assert not Deployment.objects.exists()


def test_an_attempt_may_come_as_a_text(shop, ci):
    assert ci.post("deployments", REPORT | {"ci": {"run": "7", "attempt": "2"}}).status == 201
    assert Deployment.objects.get().attempt == 2
