"""Slack's mark-up as HTML."""

import html
import re

EMOJI = {
    "alarm_clock": "⏰", "bell": "🔔", "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "large_green_circle": "🟢",
    "large_yellow_circle": "🟡", "leftwards_arrow_with_hook": "↩", "lock": "🔒", "play_or_pause_button": "⏯",
    "red_circle": "🔴", "rotating_light": "🚨", "seedling": "🌱", "snowflake": "❄", "unlock": "🔓", "warning": "⚠",
    "wave": "👋", "white_check_mark": "✅", "x": "❌", "heavy_minus_sign": "➖", "grey_question": "❔", "fire": "🔥",
}  # fmt: skip


def mrkdwn(text: str) -> str:
    """Slack's mark-up as safe HTML: *bold*, _italic_, `code`, <https://link|words>, <@U1>; all else is escaped."""
    kept: list[str] = []

    def keep(made: str) -> str:
        kept.append(made)
        return f"\0{len(kept) - 1}\0"

    def link(match: re.Match[str]) -> str:
        target, _, words = match[1].partition("|")
        # Slack has &, < and > escaped in messages; undo that once, so that they are not shown escaped twice.
        target, words = html.unescape(target), html.unescape(words)
        if re.match(r"(https?://|mailto:)", target):
            return keep(f'<a href="{html.escape(target)}" rel="noreferrer">{html.escape(words or target)}</a>')
        return keep(f"<b>{html.escape(words or target)}</b>")

    text = text.replace("\0", "")
    text = re.sub(r"`([^`\n]+)`", lambda match: keep(f"<code>{html.escape(html.unescape(match[1]))}</code>"), text)
    text = html.escape(html.unescape(re.sub(r"<([^<>\n]+)>", link, text)))
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text)
    text = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<i>\1</i>", text)
    while "\0" in text:
        text = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], text)
    text = re.sub(r":([a-z_]+):", lambda match: EMOJI.get(match[1], match[0]), text)
    return text.replace("\n", "<br>")
