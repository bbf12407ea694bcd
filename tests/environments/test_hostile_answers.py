"""What a provider says is anybody's text: nothing in it stops the work, and nothing is kept that no column can hold."""

import pytest

from deployments.environments.commands import environment_request
from deployments.environments.orphans import look
from tests.conftest import SETUP
from tests.environments.conftest import worked
from tests.environments.test_webhook import hooked, receiver, server  # noqa: F401

pytestmark = pytest.mark.django_db

ODD = [b'"a\\u0000b"', b'"a\\ud800b"']
ENDLESS = [b"NaN", b"-Infinity", b"1e999", b"9" * 4000, b"[" * 700 + b"]" * 700]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("status", [200, 202, 500])
def test_text_that_no_column_holds_ends_a_step_like_any_other(receiver, status, odd):  # noqa: F811
    said = b'{"output": %s, "error": %s, "resources": [{"id": %s, %s: 1}]}' % (odd, odd, odd, odd)
    receiver.says[:] = [(status, said)]
    environment = environment_request(hooked(receiver), name="demo-1", by=SETUP)
    assert worked(environment, rounds=1).steps.get().output == "a\N{REPLACEMENT CHARACTER}b"[: 99 * (status < 500)]
    assert status == 202 or worked(environment).state == "ready"


@pytest.mark.parametrize("odd", ENDLESS)
def test_numbers_and_depths_beyond_all_bounds_are_kept_as_words_or_not_at_all(receiver, odd):  # noqa: F811
    receiver.says[:] = [(200, b'{"resources": [{"id": "a", "size": %s}], "after": %s}' % (odd, odd))]
    environment = worked(environment_request(hooked(receiver), name="demo-1", by=SETUP), rounds=1)
    assert (environment.state, [each["id"] for each in environment.resources]) == ("ready", ["a"])


@pytest.mark.parametrize("odd", ODD)
def test_a_name_that_no_column_holds_keeps_no_other_provider_from_being_looked_at(receiver, odd):  # noqa: F811
    template = hooked(receiver, list=f"{receiver.url}/list")
    receiver.says[:] = [(200, b'{"resources": [{"label": %s, "detail": %s}, {"label": "left over"}]}' % (odd, odd))]
    assert look() == 0
    assert template.sightings.filter(label="left over").exists()
