from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Span:
    """A time to look at, as the tools write it."""

    since: datetime
    until: datetime

    @property
    def since_ms(self) -> int:
        return _milliseconds(self.since)

    @property
    def until_ms(self) -> int:
        return _milliseconds(self.until)

    @property
    def since_text(self) -> str:
        """`2026-03-02T12:00:00`, in UTC."""
        return _text(self.since)

    @property
    def until_text(self) -> str:
        return _text(self.until)

    def at_most(self, length: timedelta) -> "Span":
        """Its last part, where it is longer."""
        return Span(max(self.since, self.until - length), self.until)


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
