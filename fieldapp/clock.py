"""Time: UTC inside, Asia/Shanghai on the screen, RFC 3339 on the wire."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def local(instant: datetime) -> datetime:
    """The same instant on a clock in Haifeng."""
    return instant.astimezone(LOCAL)


def rfc3339(instant: datetime | None) -> str | None:
    """An instant as the API writes it, or None for none."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds") if instant else None
