"""What Slack tells of by itself: somebody opens the Home page, or posts a link to the portal."""

from portal.slackbot.home import published
from portal.slackbot.inbound import Asked, Call, handles
from portal.slackbot.unfurls import unfurled


@handles("event")
def happened(asked: Asked) -> list[Call]:
    told = asked.payload.get("event") or {}
    if told.get("type") == "app_home_opened" and told.get("tab", "home") == "home":
        return [published(asked)]
    return unfurled(asked, told) if told.get("type") == "link_shared" else []
