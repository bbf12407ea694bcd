"""How often Slack lets itself be called: a message a second in a channel with a little more at once, and each method so
often a minute as its tier says."""

import threading
import time

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}  # a minute
METHODS = {
    "apps.connections.open": 1,
    "conversations.list": 2,
    "conversations.history": 3,
    "conversations.replies": 3,
    "conversations.info": 3,
    "chat.update": 3,
    "chat.unfurl": 3,
    "users.lookupByEmail": 3,
    "chat.postEphemeral": 4,
    "users.info": 4,
    "views.open": 4,
    "views.update": 4,
    "views.push": 4,
    "views.publish": 4,
}
BURST = 5  # messages of a channel at once


class Pace:
    """Buckets that drip. Asked once for each call, it says after how many seconds to come again, 0 for at once."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.full: dict[str, tuple[float, float]] = {}  # level and when it was so

    def wait(self, method: str, channel: str = "", now: float | None = None) -> int:
        at = time.monotonic() if now is None else now
        if method == "chat.postMessage":
            return self._take(f"{method} {channel}", 1.0, BURST, at)
        tier = METHODS.get(method)
        return self._take(method, TIERS[tier] / 60, TIERS[tier], at) if tier else 0

    def _take(self, bucket: str, rate: float, most: float, at: float) -> int:
        with self.guard:
            level, since = self.full.get(bucket, (0.0, at))
            level = max(0.0, level - (at - since) * rate)
            if level + 1 > most:
                self.full[bucket] = (level, at)
                return max(1, round((level + 1 - most) / rate))
            self.full[bucket] = (level + 1, at)
            return 0
