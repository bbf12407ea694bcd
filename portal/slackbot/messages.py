"""What Slack is told, in Slack's own markup."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from deployments.queries import Blocked
from locks.queries import REMINDERS
from portal.audit.models import Event
from portal.kit.clock import in_words

Json = dict[str, Any]
LONGEST = 500  # characters of a reason; escaped, each may become five
MOST_RUNS, LONGEST_LINK = 6, 200  # together within the 3,000 characters of a section


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def said(text: str) -> str:
    """What a person wrote, cut before it is escaped; a section of Slack's holds 3,000 characters."""
    return escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def lock_message(event: Event, *, holder: str = "", blocked: Sequence[Blocked] = ()) -> Json:
    """`{"text", "blocks"}` for a lock that was taken, released, extended, has run out, or whose holder is reminded.

    `holder` is the id by which Slack knows its holder; `blocked` are the runs that it stopped and that may run again.
    """
    facts = event.after or {}
    text = _lock_sentence(event, facts)
    link = settings.BASE_URL + reverse("locks:lock_detail", args=[event.noun_id])
    details = [f"*Holder*  <@{holder}>"] if holder else []
    details.append(f"*Reason*  {said(facts['reason'])}")
    if event.name in {"lock.taken", "lock.extended", "lock.expiry_warned", "lock.holder_reminded"}:
        details.append(f"*Until*  {_moment(facts['expires_at'])}")
    if facts.get("release_reason"):
        details.append(f"*Released because*  {said(facts['release_reason'])}")
    if facts.get("link"):
        details.append(f"*Link*  <{escape(facts['link'])}>")
    body = "\n".join([f"*{text}*", *details, _links(event, facts, link)])
    sections = [body, _blocked_list(blocked, link)] if blocked else [body]
    return {"text": text, "blocks": [_section(each) for each in sections]}


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _links(event: Event, facts: Json, link: str) -> str:
    see = f"<{link}|See the lock>"
    if event.name not in REMINDERS:
        return see
    longer = f"<{link}#extend|Extend it>  ·  " if facts["expires_at"] else ""
    return f"{longer}<{link}#release|Release it>  ·  {see}"


def _blocked_list(blocked: Sequence[Blocked], link: str) -> str:
    """As many as a section of Slack's holds, each with a link to its run where there is one."""
    again = "" if all(each.stopped for each in blocked) else " They can be run again, in this order:"
    lines = [f"*It stopped these runs.*{again}"]
    for each in blocked[:MOST_RUNS]:
        lines.append(_blocked_line(each))
    if len(blocked) > MOST_RUNS:
        lines.append(f"… and <{link}|{len(blocked) - MOST_RUNS} more>")
    return "\n".join(lines)


def _blocked_line(each: Blocked) -> str:
    denial = each.denial
    what = f"{denial.intent} of {denial.service_identifier[:40]} to {denial.environment_identifier[:40]}"
    name = escape(what + (f", {denial.commit[:7]}" if denial.commit else ""))
    link = escape(denial.run_url)
    run = f"<{link}|{name}>" if 0 < len(link) <= LONGEST_LINK else name
    return f"• {run} by {escape(denial.actor_name[:40])}" + (" (something else stops it now)" if each.stopped else "")


def _lock_sentence(event: Event, facts: Json) -> str:
    what, who, holder = escape(event.title), escape(event.actor_name), escape(facts["holder"])
    return {
        "lock.taken": f":lock: {who} locked {what}",
        "lock.extended": f":lock: {who} moved the end of the lock of {what}",
        "lock.released": f":unlock: {who} unlocked {what}, locked by {holder}",
        "lock.expired": f":unlock: The lock of {what} by {holder} has run out",
        "lock.expiry_warned": f":hourglass: The lock of {what} by {holder} ends soon",
        "lock.holder_reminded": f":alarm_clock: {holder} has held the lock of {what} for {_held(event, facts)}. Is it still needed?",
    }[event.name]


def _held(event: Event, facts: Json) -> str:
    since = parse_datetime(facts["starts_at"])
    return in_words(event.at - since) if since else "long"


def _moment(value: str | None) -> str:
    """Slack shows it in each reader's own zone; the fallback is UTC."""
    moment = parse_datetime(value) if value else None
    if moment is None:
        return "it is released"
    fallback = moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"
