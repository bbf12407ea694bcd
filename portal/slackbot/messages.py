"""What Slack is told, in Slack's own markup."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from portal.audit.models import Event

Json = dict[str, Any]
LONGEST = 500  # characters of a reason; escaped, each may become five


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def said(text: str) -> str:
    """What a person wrote, cut before it is escaped; a section of Slack's holds 3,000 characters."""
    return escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def lock_message(event: Event) -> Json:
    """`{"text", "blocks"}` for a lock that was taken, released, extended, or has run out."""
    facts = event.after or {}
    text = _lock_sentence(event, facts)
    link = settings.BASE_URL + reverse("locks:lock_detail", args=[event.noun_id])
    details = [f"*Reason*  {said(facts['reason'])}"]
    if event.name in {"lock.taken", "lock.extended"}:
        details.append(f"*Until*  {_moment(facts['expires_at'])}")
    if facts.get("release_reason"):
        details.append(f"*Released because*  {said(facts['release_reason'])}")
    if facts.get("link"):
        details.append(f"*Link*  <{escape(facts['link'])}>")
    body = "\n".join([f"*{text}*", *details, f"<{link}|See the lock>"])
    return {"text": text, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": body}}]}


def _lock_sentence(event: Event, facts: Json) -> str:
    what, who = escape(event.title), escape(event.actor_name)
    return {
        "lock.taken": f":lock: {who} locked {what}",
        "lock.extended": f":lock: {who} moved the end of the lock of {what}",
        "lock.released": f":unlock: {who} unlocked {what}, locked by {escape(facts['holder'])}",
        "lock.expired": f":unlock: The lock of {what} by {escape(facts['holder'])} has run out",
    }[event.name]


def _moment(value: str | None) -> str:
    """Slack shows it in each reader's own zone; the fallback is UTC."""
    moment = parse_datetime(value) if value else None
    if moment is None:
        return "it is released"
    fallback = moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"
