"""Slack's mark-up as HTML."""

import html
import re

EMOJI = {
    "alarm_clock": "⏰", "bell": "🔔", "eyes": "👀", "fire": "🔥", "fire_extinguisher": "🧯", "ghost": "👻",
    "grey_question": "❔", "handshake": "🤝", "heavy_minus_sign": "➖", "hourglass": "⌛", "hourglass_flowing_sand": "⏳",
    "large_green_circle": "🟢", "large_yellow_circle": "🟡", "leftwards_arrow_with_hook": "↩️", "lock": "🔒",
    "no_entry_sign": "🚫", "octagonal_sign": "🛑", "package": "📦", "play_or_pause_button": "⏯", "pushpin": "📌",
    "raised_hand": "✋", "red_circle": "🔴", "rewind": "⏪", "robot_face": "🤖", "rocket": "🚀", "rotating_light": "🚨",
    "see_no_evil": "🙈", "seedling": "🌱", "snowflake": "❄️", "sunny": "☀️", "sunrise": "🌅", "test_tube": "🧪",
    "trophy": "🏆", "unlock": "🔓", "warning": "⚠️", "wastebasket": "🗑️", "wave": "👋", "white_check_mark": "✅",
    "x": "❌", "zzz": "💤",
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
        said = html.escape(words or target)
        return keep(said if target.startswith("!date") else f"<b>{said}</b>")

    text = text.replace("\0", "")
    text = re.sub(r"`([^`\n]+)`", lambda match: keep(f"<code>{html.escape(html.unescape(match[1]))}</code>"), text)
    text = html.escape(html.unescape(re.sub(r"<([^<>\n]+)>", link, text)))
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text)
    text = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<i>\1</i>", text)
    while "\0" in text:
        text = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], text)
    text = re.sub(r":([a-z_]+):", lambda match: EMOJI.get(match[1], match[0]), text)
    return text.replace("\n", "<br>")
