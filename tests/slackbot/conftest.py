import pytest

from portal.embedded.mock_slack import MockSlack


@pytest.fixture
def slack(settings):
    with MockSlack() as slack:
        settings.SLACK_API_URL, settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL = slack.url, "xoxb-test", "general"
        yield slack
