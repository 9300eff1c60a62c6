"""A town's gateways: its accounts at the services that take messages. Their secrets go in and never come out again."""

from collections.abc import Mapping
from datetime import datetime

from cryptography.fernet import InvalidToken
from sqlalchemy import Select, func, select

from fieldapp import sealing
from fieldapp.channels import Permanent, Temporary, pasted
from fieldapp.channels import gateways as channel
from fieldapp.channels.kinds import KINDS, Kind
from fieldapp.channels.message import Message
from fieldapp.config import Settings
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import TOWN, Contact, Gateway, User

MOST = 30
LONGEST_NAME = 20


def of_town(admin: User) -> list[Gateway]:
    """The town's gateways, those in use first."""
    return list(db.session.scalars(_theirs(admin).order_by(Gateway.active.desc(), Gateway.id)))


def users(admin: User) -> dict[int, int]:
    """How many people each of them can reach now, by its id; those that reach nobody are left out."""
    people = func.count(Contact.user_id.distinct())
    live = (Contact.disabled_at.is_(None), Contact.proved_at.is_not(None), User.active)
    query = select(Contact.gateway_id, people).join(User, Contact.user_id == User.id).where(*live)
    theirs = Contact.gateway_id.in_(_theirs(admin).with_only_columns(Gateway.id))
    return {row[0]: row[1] for row in db.session.execute(query.where(theirs).group_by(Contact.gateway_id))}


def one(admin: User, gateway_id: int, lock: bool = False) -> Gateway:
    """One of them. Raises NotHere for another town's."""
    query = _theirs(admin).where(Gateway.id == gateway_id)
    found = db.session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotHere(str(gateway_id))
    return found


def make(admin: User, kind: str, name: str, typed: Mapping[str, str], settings: Settings, now: datetime) -> Gateway:
    """A new gateway. Raises Invalid, NotHere for a kind there is none of."""
    if kind not in KINDS:
        raise NotHere(kind)
    if len(admin.town_code) < TOWN:
        raise Invalid({"name": "town_needed"})
    if (db.session.scalar(select(func.count()).select_from(_theirs(admin).subquery())) or 0) >= MOST:
        raise Invalid({"name": "too_many"})
    sealed = _sealed(KINDS[kind], name, typed, {}, settings)
    made = Gateway(
        town_code=admin.town_code, kind=kind, name=_named(name), sealed=sealed, active=True, created_at=now, attempts=0
    )
    db.session.add(made)
    db.session.flush()
    return made


def edit(admin: User, gateway_id: int, name: str, typed: Mapping[str, str], settings: Settings) -> None:
    """Other settings; a secret left empty stays as it was. What was known of the old ones is forgotten.

    Raises Invalid, or NotHere for another town's.
    """
    found = one(admin, gateway_id, lock=True)
    found.sealed = _sealed(KINDS[found.kind], name, typed, opened(found, settings), settings)
    found.name = _named(name)
    found.tested_at = found.trouble = found.next_at = None


def switch(admin: User, gateway_id: int, active: bool) -> None:
    """Put a gateway away, or take it up again: while it is away, nobody is called through it."""
    one(admin, gateway_id, lock=True).active = active


def opened(gateway: Gateway, settings: Settings) -> dict[str, str]:
    """Its settings, secrets and all; empty when they were sealed with another instance's key."""
    try:
        found = sealing.unseal(settings.instance, gateway.sealed)
    except InvalidToken:
        return {}
    return {str(name): str(value) for name, value in found.items()}


def shown(gateway: Gateway, settings: Settings) -> dict[str, str]:
    """Its settings for a page: each that is set, and of a secret nothing but that it is (an empty text)."""
    secret = {field.name for field in KINDS[gateway.kind].fields if field.secret}
    return {name: "" if name in secret else value for name, value in opened(gateway, settings).items() if value}


def address(gateway: Gateway, text: str, settings: Settings) -> str:
    """The address that was typed or pasted for this gateway. Raises Invalid for one that cannot be, or is elsewhere."""
    kind = KINDS[gateway.kind]
    found = pasted.read(kind.name, "".join(text.split()))
    if not kind.address_ok(found.value):
        raise Invalid({"address": "address_shape"})
    own = opened(gateway, settings).get("server", "").lower().removesuffix(":443")
    if found.server and found.server not in ((own,) if own else kind.hosts):
        raise Invalid({"address": "other_server"})
    return found.value


def note(gateway_id: int, error: Exception | None, now: datetime) -> None:
    """Remember what a try showed: that it works, or what is wrong with it."""
    found = db.session.get(Gateway, gateway_id, with_for_update=True)
    if found is not None:
        found.tested_at, found.trouble = now, str(error)[:200] if error else None


def attempt(
    kind: str, opened: Mapping[str, str], address: str, message: Message, settings: Settings
) -> Temporary | Permanent | None:
    """Send one message now, outside any transaction, and say what came of it: None when the service took it."""
    try:
        channel.send(
            kind, opened, address, message, more_hosts=settings.gateway_hosts,
            allow_loopback=settings.push_allow_loopback,
        )  # fmt: skip
    except (Temporary, Permanent) as error:
        return error
    return None


def _theirs(admin: User) -> Select[Gateway]:
    return select(Gateway).where(Gateway.town_code == admin.town_code)


def _sealed(kind: Kind, name: str, typed: Mapping[str, str], before: Mapping[str, str], settings: Settings) -> str:
    """The settings as they are to be kept. Raises Invalid with the fields at fault."""
    wanted = {field.name: typed.get(field.name, "").strip() or field.default for field in kind.fields}
    wanted = pasted.settings(kind.name, wanted)
    wanted |= {f.name: before.get(f.name, "") for f in kind.fields if f.secret and not wanted[f.name]}
    errors = {name: "setting_missing" if not wanted.get(name) else "setting_shape" for name in kind.faults(wanted)}
    server = wanted.get("server", "")
    if server and "server" not in errors and not _may_call(kind, server, settings):
        errors["server"] = "server_not_allowed"
    if not _named(name):
        errors["name"] = "name_needed"
    if errors:
        raise Invalid(errors)
    return sealing.seal(settings.instance, {name: value for name, value in wanted.items() if value})


def _may_call(kind: Kind, server: str, settings: Settings) -> bool:
    return channel.allowed(kind.name, server, settings.gateway_hosts, settings.push_allow_loopback)


def _named(name: str) -> str:
    return " ".join(name.split())[:LONGEST_NAME]
