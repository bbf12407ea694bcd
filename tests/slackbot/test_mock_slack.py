"""The stand-in for Slack answers slack_sdk as Slack does. Dana posts for the bot; a stranger has no token."""

import http.client
import json
import urllib.error
import urllib.request

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from portal.embedded.mock_slack import MockSlack, mrkdwn
from portal.embedded.mock_slack.pace import Pace

SECTION = [{"type": "section", "text": {"type": "mrkdwn", "text": "*cart* is locked"}}]
METADATA = {"event_type": "portcullis", "event_payload": {"delivery": "d-1"}}


@pytest.fixture
def slack(running):
    running.begin_anew()
    return running


@pytest.fixture
def dana(slack):
    return WebClient(token="xoxb-dana", base_url=slack.url, timeout=5)


def error_of(call, **arguments):
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response["error"]


def raw_post(slack, path, body, **headers):
    request = urllib.request.Request(slack.page + path, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)


def test_a_message_is_kept_with_its_blocks_and_metadata(slack, dana):
    answer = dana.chat_postMessage(channel="#deploys", text="locked", blocks=SECTION, metadata=METADATA)
    [message] = slack.messages
    assert (message["ts"], message["channel_name"]) == (answer["ts"], "deploys")
    assert (message["blocks"], message["metadata"]) == (SECTION, METADATA)


def test_a_name_and_its_id_are_one_channel(dana):
    first = dana.chat_postMessage(channel="deploys", text="one")["channel"]
    assert dana.chat_postMessage(channel=first, text="two")["channel"] == first
    assert dana.conversations_info(channel=first)["channel"]["name"] == "deploys"
    assert [one["id"] for one in dana.conversations_list()["channels"]] == [first]


def test_ts_are_unique_and_increase(dana):
    stamps = [dana.chat_postMessage(channel="#deploys", text=str(number))["ts"] for number in range(20)]
    assert stamps == sorted(set(stamps))


def test_a_delivery_is_found_again_by_its_metadata(dana):
    channel = dana.chat_postMessage(channel="#deploys", text="first")["channel"]
    sent = dana.chat_postMessage(channel="#deploys", text="second", metadata=METADATA)
    found = dana.conversations_history(channel=channel, include_all_metadata=True, limit=1)
    assert found["messages"][0]["metadata"] == METADATA and found["has_more"]
    assert "metadata" not in dana.conversations_history(channel=channel, limit=1)["messages"][0]
    assert dana.conversations_history(channel=channel, oldest=sent["ts"])["messages"] == []


def test_a_reply_is_in_the_thread_and_not_in_the_channel(dana):
    root = dana.chat_postMessage(channel="#deploys", text="locked")
    dana.chat_postMessage(channel="#deploys", text="released", thread_ts=root["ts"])
    texts = [one["text"] for one in dana.conversations_replies(channel=root["channel"], ts=root["ts"])["messages"]]
    assert texts == ["locked", "released"]
    assert len(dana.conversations_history(channel=root["channel"])["messages"]) == 1


def test_history_is_paged_by_cursor(dana):
    for number in range(5):
        channel = dana.chat_postMessage(channel="#deploys", text=str(number))["channel"]
    pages = [page["messages"] for page in dana.conversations_history(channel=channel, limit=2)]
    assert [[one["text"] for one in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]


def test_an_update_changes_the_message_in_its_place(slack, dana):
    posted = dana.chat_postMessage(channel="#deploys", text="locked", blocks=SECTION)
    dana.chat_update(channel=posted["channel"], ts=posted["ts"], text="released", blocks=[])
    [message] = slack.messages
    assert message["text"] == "released" and "blocks" not in message and message["edited"]


def test_forms_and_json_say_the_same(slack):
    form = b"channel=deploys&text=locked&metadata=" + json.dumps(METADATA).encode().replace(b"&", b"%26")
    token = {"Authorization": "Bearer xoxb-dana"}
    kinds = {
        "application/x-www-form-urlencoded": form,
        "application/json": json.dumps({"channel": "deploys", "text": "locked", "metadata": METADATA}).encode(),
    }
    for kind, body in kinds.items():
        assert raw_post(slack, "api/chat.postMessage", body, **token, **{"Content-Type": kind})["ok"]
    first, second = slack.messages
    assert first["metadata"] == second["metadata"] == METADATA


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "#deploys", "text": ""}, "no_text"),
        ({"channel": "", "text": "locked"}, "channel_not_found"),
        ({"channel": "#no such", "text": "locked"}, "channel_not_found"),
        ({"channel": "#deploys", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "#deploys", "text": "x", "blocks": [{"type": "sections"}]}, "invalid_blocks"),
        ({"channel": "#deploys", "text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"channel": "#deploys", "text": "x", "blocks": SECTION * 51}, "invalid_blocks"),
        ({"channel": "#deploys", "text": "x", "blocks": "{"}, "invalid_blocks_format"),
        ({"channel": "#deploys", "text": "x", "metadata": {"event_type": "portcullis"}}, "invalid_metadata_format"),
        ({"channel": "#deploys", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    ],
)
def test_what_slack_would_refuse_is_refused_and_not_kept(slack, dana, arguments, error):
    assert error_of(dana.chat_postMessage, **arguments) == error
    assert slack.messages == []


def test_a_stranger_is_told_so_with_a_200(slack):
    assert error_of(WebClient(token="letmein", base_url=slack.url).auth_test) == "invalid_auth"
    assert raw_post(slack, "api/auth.test", b"") == {"ok": False, "error": "not_authed"}


def test_an_unknown_method_and_an_unknown_message_are_refused(dana):
    channel = dana.chat_postMessage(channel="#deploys", text="locked")["channel"]
    assert error_of(dana.users_list) == "unknown_method"
    assert error_of(dana.chat_update, channel=channel, ts="1.000001", text="x") == "message_not_found"
    assert error_of(dana.conversations_history, channel="C404") == "channel_not_found"


def test_faults_come_once_each_and_in_order(slack, dana):
    raw_post(slack, "_faults", json.dumps({"next": [{"status": 429, "retry_after": 7}, {"status": 500}]}).encode())
    with pytest.raises(SlackApiError) as limited:
        dana.chat_postMessage(channel="#deploys", text="one")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "7")
    with pytest.raises(SlackApiError) as broken:
        dana.chat_postMessage(channel="#deploys", text="two")
    assert broken.value.response.status_code == 500
    dana.chat_postMessage(channel="#deploys", text="three")
    assert [one["text"] for one in slack.messages] == ["three"]


def test_a_dropped_answer_leaves_the_message_behind(slack):
    slack.faults.append({"method": "chat.postMessage", "drop_after_accept": True})
    dana = WebClient(token="xoxb-dana", base_url=slack.url, retry_handlers=[])
    assert dana.auth_test()["ok"]
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        dana.chat_postMessage(channel="#deploys", text="locked")
    assert [one["text"] for one in slack.messages] == ["locked"]


def test_a_hanging_call_outlasts_the_client(slack):
    slack.faults.append({"hang": 1})
    with pytest.raises(TimeoutError):
        WebClient(token="xoxb-dana", base_url=slack.url, timeout=0.2, retry_handlers=[]).auth_test()


def test_messages_outlive_a_restart_when_they_have_a_file(tmp_path):
    file = tmp_path / "messages.jsonl"
    with MockSlack(file=file) as slack:
        dana = WebClient(token="xoxb-dana", base_url=slack.url)
        first = dana.chat_postMessage(channel="#deploys", text="locked")
        dana.chat_update(channel=first["channel"], ts=first["ts"], text="released")
    with MockSlack(file=file) as slack:
        [message] = slack.messages
        again = WebClient(token="xoxb-dana", base_url=slack.url).chat_postMessage(channel="#deploys", text="next")
    assert message["text"] == "released"
    assert again["channel"] == first["channel"] and again["ts"] > first["ts"]


def test_the_page_shows_the_newest_first_and_runs_nothing(slack, dana):
    dana.chat_postMessage(channel="#deploys", text="older")
    dana.chat_postMessage(channel="#deploys", text="newer <script>alert(1)</script> <https://x.test/a|the *page*>")
    page = urllib.request.urlopen(f"{slack.page}_feed", timeout=5).read().decode()
    assert page.index("newer") < page.index("older")
    assert "<script>" not in page and '<a href="https://x.test/a" rel="noreferrer">the *page*</a>' in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* and 2*3*4", "<b>bold</b> and 2*3*4"),
        (
            "<https://x.test/?a=1&amp;b=2>",
            '<a href="https://x.test/?a=1&amp;b=2" rel="noreferrer">https://x.test/?a=1&amp;b=2</a>',
        ),
        ("<javascript:alert(1)|here>", "<b>here</b>"),
        ("*Since* <!date^1740000000^{date}|2025-02-19 21:20 UTC>", "<b>Since</b> 2025-02-19 21:20 UTC"),
        (
            '<https://x.test/"onmouseover="x|a>',
            '<a href="https://x.test/&quot;onmouseover=&quot;x" rel="noreferrer">a</a>',
        ),
        ("`<b>` & \0 0\0", "<code>&lt;b&gt;</code> &amp;  0"),
    ],
)
def test_mrkdwn_is_shown_safely(text, shown):
    assert mrkdwn(text) == shown


BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}
FIELD = {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"}}
FIELD |= {"element": {"type": "plain_text_input", "action_id": "why"}}
FORM = {"type": "modal", "callback_id": "f", "title": {"type": "plain_text", "text": "Form"}, "blocks": [FIELD]}
FORM |= {"submit": {"type": "plain_text", "text": "Send"}}


def actions(*elements):
    return [{"type": "actions", "elements": list(elements)}]


@pytest.mark.parametrize(
    "blocks",
    [
        actions(*({**BUTTON, "action_id": f"go{number}"} for number in range(26))),
        actions(BUTTON | {"action_id": "x" * 256}),
        actions(BUTTON | {"value": "x" * 2001}),
        actions(BUTTON | {"text": {"type": "plain_text", "text": "x" * 76}}),
        actions(BUTTON | {"text": {"type": "mrkdwn", "text": "*x*"}}),
        actions(BUTTON, BUTTON),
        actions(BUTTON | {"confirm": {"title": {"type": "plain_text", "text": "x" * 101}}}),
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [FIELD, FIELD],
    ],
)
def test_what_is_larger_than_slack_takes_is_refused(slack, dana, blocks):
    assert error_of(dana.chat_postMessage, channel="#deploys", text="x", blocks=blocks) == "invalid_blocks"


@pytest.mark.parametrize(
    "more",
    [
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"private_metadata": "x" * 3001},
        {"callback_id": "x" * 256},
        {"blocks": [dict(FIELD, block_id=str(number)) for number in range(101)]},
        {"submit": {"type": "plain_text", "text": ""}},
    ],
)
def test_a_form_that_slack_would_not_take_is_refused(slack, dana, more):
    trigger = slack.workspace.trigger("U1")
    assert error_of(dana.views_open, trigger_id=trigger, view=FORM | more) == "invalid_arguments"
    assert dana.views_open(trigger_id=slack.workspace.trigger("U1"), view=FORM)["view"]["id"]


def test_a_trigger_opens_one_form(slack, dana):
    trigger = slack.workspace.trigger("U1")
    dana.views_open(trigger_id=trigger, view=FORM)
    assert error_of(dana.views_open, trigger_id=trigger, view=FORM) == "exchanged_trigger_id"
    assert error_of(dana.views_open, trigger_id="1.x", view=FORM) == "invalid_trigger_id"


def test_an_address_to_answer_at_takes_five(slack):
    secret = slack.workspace.answer_at("U1", "C00000001")
    slack.workspace.channels["C00000001"] = "deploys"
    body = json.dumps({"text": "hello", "response_type": "ephemeral"}).encode()
    for _ in range(5):
        urllib.request.urlopen(urllib.request.Request(f"{slack.url}respond/{secret}", body), timeout=5)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(urllib.request.Request(f"{slack.url}respond/{secret}", body), timeout=5)
    assert [one["user"] for one in slack.workspace.whispers] == ["U1"] * 5


def test_a_token_opens_what_it_is_for(slack):
    assert error_of(WebClient(token="xapp-1", base_url=slack.url).auth_test) == "not_allowed_token_type"
    bot = WebClient(token="xoxb-1", base_url=slack.url)
    assert error_of(bot.apps_connections_open, app_token="xoxb-1") == "not_allowed_token_type"


def test_people_are_who_they_were_added_as(slack, dana):
    gus = slack.workspace.add_person("gus@agency.example", "Gus", is_restricted=True)["id"]
    assert dana.users_info(user=gus)["user"]["is_restricted"] is True
    assert error_of(dana.users_info, user="U404") == "user_not_found"
    assert dana.users_lookupByEmail(email="GUS@agency.example")["user"]["id"] == gus


def test_a_channel_takes_a_message_a_second_and_a_few_more_at_once():
    pace = Pace()
    waits = [pace.wait("chat.postMessage", "C1", now=100.0) for _ in range(7)]
    assert waits == [0, 0, 0, 0, 0, 1, 1]
    assert pace.wait("chat.postMessage", "C2", now=100.0) == 0
    assert [pace.wait("chat.postMessage", "C1", now=101.0) for _ in range(2)] == [0, 1]
    assert [pace.wait("conversations.list", now=100.0) for _ in range(21)][-1] == 3
    assert pace.wait("auth.test", now=100.0) == 0


def test_a_paced_slack_says_when_to_come_again():
    with MockSlack(paced=True) as slack:
        dana = WebClient(token="xoxb-dana", base_url=slack.url)
        with pytest.raises(SlackApiError) as limited:
            for number in range(7):
                dana.chat_postMessage(channel="#deploys", text=str(number))
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "1")
    assert len(slack.messages) == 5
