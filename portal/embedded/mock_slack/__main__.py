import argparse
import contextlib
import json
import os
from pathlib import Path

from portal.embedded.mock_slack.acting import Acting
from portal.embedded.mock_slack.sending import Sender
from portal.embedded.mock_slack.server import Server
from portal.embedded.mock_slack.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(prog="mock_slack", description="A stand-in for Slack.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--file", type=Path, help="messages are added here, a line each, and read again at the next start"
    )
    parser.add_argument("--portal", default="", help="where what people do is sent: http://127.0.0.1:8800/slack/events")
    parser.add_argument("--people", type=Path, help='a file with [{"email", "name"}], who can be chosen on the page')
    options = parser.parse_args()
    workspace = Workspace(options.file)
    known = options.people.read_text() if options.people and options.people.exists() else "[]"
    for each in json.loads(known):
        workspace.add_person(each["email"], each["name"])
    workspace.channel({"channel": "deployments"})
    server = Server(options.port, workspace, paced=True)
    here = f"http://127.0.0.1:{server.server_address[1]}/"
    if options.portal:
        secret = os.environ.get("PORTCULLIS_SLACK_SIGNING_SECRET", "")
        server.acting = Acting(workspace, Sender(options.portal, secret, f"{here}api/", workspace))
    print(f"Mock Slack shows its messages at {here}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
