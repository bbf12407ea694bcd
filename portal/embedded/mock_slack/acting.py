"""What somebody does on the page of the stand-in: types, presses, fills in a form. The portal is sent what Slack sends."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from portal.embedded.mock_slack import page
from portal.embedded.mock_slack.sending import Answer, Sender
from portal.embedded.mock_slack.workspace import Workspace

Json = dict[str, Any]
Fields = dict[str, list[str]]


class Acting:
    """Each gives (an address to go to, "") or ("", a page to show)."""

    def __init__(self, workspace: Workspace, sender: Sender) -> None:
        self.workspace, self.sender = workspace, sender

    def type(self, fields: Fields) -> tuple[str, str]:
        who, text = first(fields, "who"), first(fields, "text").strip()
        if not text.startswith("/"):
            return self.back(who, "Only slash commands can be typed here: /portal help"), ""
        command, _, rest = text.partition(" ")
        return self.back(who, told(self.sender.command(who, rest, command=command))), ""

    def press(self, fields: Fields) -> tuple[str, str]:
        if "ask_title" in fields:
            return "", page.confirmation({name: values[0] for name, values in fields.items()})
        who, at_home = first(fields, "who"), bool(first(fields, "home"))
        action = {"action_id": first(fields, "action"), "value": first(fields, "value")}
        shown = None if at_home else self.workspace.shown(first(fields, "ts"))
        answer = self.sender.press(who, action, message=shown, home=at_home)
        return self.back(who, told(answer), "home" if at_home else "messages"), ""

    def open_home(self, who: str) -> None:
        self.sender.event({"type": "app_home_opened", "user": who, "tab": "home", "channel": "D0"})

    def form(self, name: str, faults: dict[str, str], values: Fields) -> str:
        view = self.workspace.forms.get(name)
        if view is None:
            return page.page("Closed", '<p>This form is closed. <a href="/">Back</a></p>')
        asks = [each["block_id"] for each in inputs(view) if each["element"]["type"] == "external_select"]
        options = {each: self._names(view["user"], each) for each in asks}
        return page.form_page(view, faults, options, values)

    def _names(self, who: str, field: str) -> list[str]:
        return [each["value"] for each in self.sender.suggest(who, field).body.get("options", [])]

    def submit(self, fields: Fields) -> tuple[str, str]:
        name = first(fields, "id")
        view = self.workspace.forms.get(name)
        if view is None:
            return "", self.form(name, {}, {})
        answer = self.sender.submit(view, {each["block_id"]: state(each, fields) for each in inputs(view)})
        action = answer.body.get("response_action")
        if action == "errors":
            return "", self.form(name, answer.body["errors"], fields)
        if action == "update":
            self.workspace.call("views.update", {"view_id": name, "view": answer.body["view"]})
            return "", self.form(name, {}, fields)
        if answer.status == 200:
            self.workspace.forms.pop(name, None)
        return self.back(view["user"], told(answer)), ""

    def close(self, fields: Fields) -> tuple[str, str]:
        view = self.workspace.forms.pop(first(fields, "id"), None)
        return self.back(view["user"] if view else "", ""), ""

    def back(self, who: str, note: str, tab: str = "messages") -> str:
        return f"/?{urlencode({'who': who, 'note': note, 'tab': tab})}"


def told(answer: Answer) -> str:
    """Nothing when it was taken: the answer comes by itself."""
    return "" if answer.status == 200 else f"The portal answered {answer.status}: {answer.body.get('error', '')}"


def first(fields: Fields, name: str) -> str:
    return (fields.get(name) or [""])[0]


def inputs(view: Json) -> list[Json]:
    return [each for each in view["blocks"] if each["type"] == "input"]


def state(block: Json, fields: Fields) -> Json:
    """As Slack has it."""
    kind, values = block["element"]["type"], fields.get(block["block_id"], [])
    value = values[0] if values else ""
    made: Json = {"type": kind}
    if kind == "checkboxes":
        made["selected_options"] = [{"value": each} for each in values]
    elif kind in ("static_select", "external_select"):
        made["selected_option"] = {"value": value} if value else None
    elif kind == "datetimepicker":
        at = datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None
        made["selected_date_time"] = int(at.timestamp()) if at else None
    else:
        made["value"] = value or None
    return {block["element"]["action_id"]: made}
