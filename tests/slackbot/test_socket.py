"""Socket Mode: the portal opens the connection, and opens it anew when it is lost."""

import pytest
from django.core.management import CommandError, call_command

from portal.embedded.mock_slack import MockSlack
from portal.slackbot.models import Inbound
from portal.slackbot.socket import listen
from tests.slackbot.socket import SocketSlack


@pytest.fixture
def socket(settings):
    with MockSlack() as slack:
        settings.SLACK_API_URL, settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN = slack.url, "xoxb-test", "xapp-test"
        end = SocketSlack()
        slack.workspace.socket = end.url
        end.slack = slack
        yield end
        end.close()


def typed(trigger):
    fields = {
        "command": "/portal",
        "text": "help",
        "user_id": "U1",
        "team_id": "T1",
        "response_url": "https://hooks.slack.com/x",
    }
    return fields | {"trigger_id": trigger}


@pytest.mark.django_db(transaction=True)
def test_what_comes_is_kept_acknowledged_and_taken_again_after_the_connection_was_lost(socket):
    socket.slack.faults.append({"method": "apps.connections.open", "status": 500})
    with listen(ping=0.1, wait=0.1):
        assert socket.opened.get(timeout=15), "the first try failed, and it tried again"
        assert socket.send("e-1", "slash_commands", typed("1.a")) == {"envelope_id": "e-1"}
        socket.cut()
        assert socket.opened.get(timeout=15)
        assert socket.send("e-2", "slash_commands", typed("1.a")) == {"envelope_id": "e-2"}, "Slack sends it once more"
        assert socket.send("e-3", "slash_commands", typed("2.b")) == {"envelope_id": "e-3"}
    assert sorted(Inbound.objects.values_list("key", flat=True)) == ["command:1.a", "command:2.b"]


def test_without_its_token_the_program_says_what_to_set(settings):
    settings.SLACK_APP_TOKEN = ""
    with pytest.raises(CommandError, match="PORTCULLIS_SLACK_APP_TOKEN"):
        call_command("slack")
