from typing import Any

from django.conf import settings
from django.core.checks import Warning, register

from catalog.builtin import TIERS


@register
def github_is_whole(**_: Any) -> list[Warning]:
    named = {
        "PORTCULLIS_GITHUB_APP_ID": settings.GITHUB_APP_ID,
        "PORTCULLIS_GITHUB_PRIVATE_KEY": settings.GITHUB_PRIVATE_KEY,
        "PORTCULLIS_GITHUB_WEBHOOK_SECRET": settings.GITHUB_WEBHOOK_SECRET,
    }
    lacking = [name for name, value in named.items() if not value]
    if len(lacking) in (0, len(named)):
        return []
    hint = f"Set {' and '.join(lacking)} as well; docs/github.md says where they come from."
    return [Warning("The connection to GitHub is half set up.", hint=hint, id="portal.W002")]


@register
def github_reruns_name_tiers(**_: Any) -> list[Warning]:
    unknown = [name for name in settings.GITHUB_RERUN if name not in TIERS]
    if not unknown:
        return []
    hint = f"PORTCULLIS_GITHUB_RERUN takes {', '.join(TIERS)}, separated by commas."
    return [
        Warning(
            f"There is no tier called {', '.join(unknown)}: nothing is run again for it.", hint=hint, id="portal.W003"
        )
    ]
