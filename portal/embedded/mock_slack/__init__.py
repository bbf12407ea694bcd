"""A stand-in for Slack, for the demo and the tests: `python -m portal.embedded.mock_slack --port 8810`.

    with MockSlack() as slack:
        WebClient(token="xoxb-any", base_url=slack.url).chat_postMessage(channel="#deploys", text="hello")
        slack.messages[0]["text"]

Standard library only. A page at / shows what Slack would show and, where it knows a portal, lets one type commands, press
buttons and fill in forms as one of its people. GET /_messages gives the messages as JSON; POST /_faults
{"next": [{"status": 429, "retry_after": 1}, {"status": 500}, {"hang": 3}, {"drop_after_accept": true}]} spoils the
next calls, one each, in order (a fault may name the "method" it waits for). It takes what Slack takes (shapes.py), and
with `paced` as often as Slack does (pace.py).
"""

from portal.embedded.mock_slack.markup import mrkdwn
from portal.embedded.mock_slack.sending import Answer, Sender, signature
from portal.embedded.mock_slack.server import MockSlack

__all__ = ["Answer", "MockSlack", "Sender", "mrkdwn", "signature"]
