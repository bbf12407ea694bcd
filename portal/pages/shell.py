"""What every page shows around itself."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from locks import queries as locks
from portal.kit.clock import database_now, spoken

SECTIONS = [
    ("Home", "pages:home", "home"),
    ("Deployments", "deployments:matrix", "rocket"),
    ("Deployment configs", "deployments:config_list", "server"),
    ("Locks", "locks:lock_list", "lock"),
    ("Catalog", "catalog:home", "boxes"),
    ("Audit", "pages:audit", "scroll-text"),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"shell": {"version": settings.VERSION}}
    return {
        "shell": {
            "nav": list(_sections(request)),
            "banner": _banner(),
            "user": {"name": str(user), "email": user.email, "is_admin": user.is_staff},
            "version": settings.VERSION,
        }
    }


def _sections(request: HttpRequest) -> Any:
    links = [(label, reverse(name), icon) for label, name, icon in SECTIONS]
    # The longest address that the path starts with: /deployments/configs is not under /deployments/ alone.
    here = max((url for _, url, _ in links if url != "/" and request.path.startswith(url)), key=len, default="/")
    for label, url, icon in links:
        yield {"label": label, "url": url, "icon": icon, "active": url == here}


def _banner() -> list[dict[str, str]]:
    now = database_now()
    return [
        {
            "text": f"{lock.holder_name} locked {lock.covers} until {spoken(lock.expires_at, now=now)}: {lock.reason}",
            "url": lock.get_absolute_url(),
            "kind": lock.kind,
        }
        for lock in locks.wide_locks(now)[:3]
    ]
