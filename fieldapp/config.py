"""Settings: read from the environment once, checked at start, documented in the README."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


class BadSetting(ValueError):
    """A setting that cannot work; the message names it and says what is wanted."""


@dataclass(frozen=True)
class Settings:
    """Everything an operator can set. Sizes in bytes, times in seconds."""

    instance: Path
    database_url: str
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = "http://127.0.0.1:8000"
    web_workers: int = 1
    web_threads: int = 32
    photo_workers: int = 1
    trusted_proxies: int = 0
    max_photo_bytes: int = 30 * 1024 * 1024
    push_allow_loopback: bool = False
    push_hosts: tuple[str, ...] = ()
    gateway_hosts: tuple[str, ...] = ()
    deadman_url: str = ""
    push_contact: str = "mailto:fieldapp@example.org"
    service_worker: bool = True
    rate_limits: bool = True
    testing: bool = False

    @property
    def photo_folder(self) -> Path:
        """Where originals and published copies are kept, in two folders of different trust."""
        return self.instance / "photos"

    @property
    def secure_cookies(self) -> bool:
        """Cookies are marked Secure as soon as the public address is https."""
        return self.base_url.startswith("https://")


def from_environment(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from `env` (default: the process's). Raises BadSetting on the first one that cannot work."""
    env = os.environ if env is None else env
    instance = Path(env.get("FIELDAPP_INSTANCE") or ROOT / "instance").resolve()
    port = _whole(env, "PORT", 8000, 1, 65535)
    host = env.get("HOST", "127.0.0.1")
    return Settings(
        instance=instance,
        database_url=_database(env.get("DATABASE_URL") or f"sqlite:///{instance / 'fieldapp.sqlite3'}"),
        host=host,
        port=port,
        base_url=_base_url(env.get("FIELDAPP_BASE_URL") or f"http://{_here(host)}:{port}"),
        web_workers=_whole(env, "FIELDAPP_WEB_WORKERS", 1, 1, 64),
        web_threads=_whole(env, "FIELDAPP_WEB_THREADS", 32, 1, 256),
        photo_workers=_whole(env, "FIELDAPP_PHOTO_WORKERS", 1, 1, 16),
        trusted_proxies=_whole(env, "FIELDAPP_TRUSTED_PROXIES", 0, 0, 5),
        max_photo_bytes=_whole(env, "FIELDAPP_MAX_PHOTO_MB", 30, 1, 200) * 1024 * 1024,
        service_worker=_switch(env, "FIELDAPP_SERVICE_WORKER"),
        push_allow_loopback=env.get("FIELDAPP_PUSH_ALLOW_LOOPBACK") == "1",
        push_hosts=_hosts(env, "FIELDAPP_PUSH_HOSTS"),
        gateway_hosts=_hosts(env, "FIELDAPP_GATEWAY_HOSTS"),
        deadman_url=_deadman(env.get("FIELDAPP_DEADMAN_URL", "")),
        push_contact=_contact(env.get("FIELDAPP_PUSH_CONTACT", "mailto:fieldapp@example.org")),
    )


def _here(host: str) -> str:
    """Where this machine itself finds what listens on `host`, as it stands in an address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  recognised, not listened on
    return f"[{host}]" if ":" in host else host


def _whole(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise BadSetting(f"{name}={text!r}: wanted a whole number from {low} to {high}")
    return int(text)


def _switch(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name) or "on"
    if text not in ("on", "off"):
        raise BadSetting(f"{name}={text!r}: wanted on or off")
    return text == "on"


def _database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadSetting("DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://")
    return url


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise BadSetting(f"FIELDAPP_BASE_URL={url!r}: wanted scheme and host only, like https://sb.example.gov.cn")
    return url.rstrip("/")


def _hosts(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(host.strip().lower() for host in env.get(name, "").split(",") if host.strip())


def _deadman(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise BadSetting(
            "FIELDAPP_DEADMAN_URL must be an http: or https: address that expects to be asked every minute"
        )
    return url


def _contact(text: str) -> str:
    if not text.startswith(("mailto:", "https://")):
        raise BadSetting("FIELDAPP_PUSH_CONTACT must be a mailto: or https: address; push services write to it")
    return text
