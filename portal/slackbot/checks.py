from typing import Any

from django.conf import settings
from django.core.checks import Warning, register


@register
def slack_is_whole(**_: Any) -> list[Warning]:
    takes = settings.SLACK_SIGNING_SECRET or settings.SLACK_APP_TOKEN
    if not takes or settings.SLACK_BOT_TOKEN:
        return []
    hint = "Set PORTCULLIS_SLACK_TOKEN as well; docs/slack.md says where it comes from."
    return [Warning("What comes from Slack cannot be answered.", hint=hint, id="portal.W004")]
