"""What the audit takes down, address by address: the action, the kind of thing, which part of the address names it,
and which fields of the form say what was chosen. Fields with names, addresses, notes or passwords in them never stand
here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Watched:
    """One address that leaves a line."""

    action: str
    kind: str = ""
    named: str = ""
    fields: tuple[str, ...] = ()


def _settings(kind: str, named: str = "", *fields: str) -> Watched:
    return Watched("settings", kind, named, fields)


def _roster(named: str = "", *fields: str) -> Watched:
    return Watched("roster", "shift", named, fields)


ALL = "*"  # a form of numbers and choices only
# what is looked at: once an hour for each officer and thing
SEEN = {
    "desk.case": Watched("case_seen", "case", "number"),
    "tasks.called": Watched("case_seen", "case", "number"),
    "hands.code": Watched("case_seen", "case", "number"),
    "hands.paper": Watched("case_printed", "case", "number"),
    "tasks.task": Watched("case_seen", "case", "number"),
    "ledgers.faulty": Watched("exported", "ledger", "ledger_id"),
    "api.get_case": Watched("case_seen", "case", "number"),
    "uploads.get_photo": Watched("photo_seen", "file", "file_id"),
    "uploads.get_voice": Watched("voice_seen", "file", "file_id"),
    "links.show": Watched("link_opened", "case"),
    "links.photo": Watched("photo_seen", "file", "file_id"),
    "audits.show": Watched("audit_seen"),
}
SEARCHES = frozenset(
    {"desk.home", "desk.worklist", "desk.case", "api.list_cases", "maps.show", "maps.rows", "maps.box"}
)
# what is changed: with the change, in its own transaction
CHANGES = {
    "accounts_admin.edit": Watched("account", "user", "user_id", ("role", "active")),
    "accounts_admin.new_phone": Watched("new_phone", "user", "user_id"),
    "admin.add_department": Watched("department", "department"),
    "admin.edit_department": Watched("department", "department", "department_id", ("active",)),
    "admin.edit_category": _settings("category", "code", "active", "tile"),
    "admin.switch_areas": _settings("area", "", "enabled"),
    "auth.change_password": Watched("password"),
    "auth.log_out": Watched("logout"),
    "auth.revoke": Watched("revoked", "device", "device_id"),
    "auth.revoke_all": Watched("revoked_all"),
    "api.log_out": Watched("logout"),
    "contacts.add": Watched("reminders", "", "", ("gateway_id",)),
    "contacts.order": Watched("reminders", "", "", ("kind",)),
    "contacts.quiet": Watched("reminders"),
    "contacts.remove": Watched("reminders", "contact", "contact_id"),
    "dispatch_rules.add": Watched("dispatch_rule", "rule", "", ("category", "area", "to")),
    "dispatch_rules.edit": Watched("dispatch_rule", "rule", "rule_id", ("category", "area", "to")),
    "dispatch_rules.remove": Watched("dispatch_rule", "rule", "rule_id"),
    "drills.end": Watched("drill", "drill", "drill_id"),
    "drills.start": Watched("drill", "drill", "", ("minutes",)),
    "exports.take": Watched(
        "exported", "ledger", "kind", ("lane", "area", "severity", "category", "from", "to", "holder", "source")
    ),
    "gateways.edit": Watched("channel", "channel", "gateway_id"),
    "gateways.make": Watched("channel", "channel", "", ("kind",)),
    "gateways.switch": Watched("channel", "channel", "gateway_id", ("active",)),
    "handovers.give": Watched("handover", "handover"),
    "handovers.take": Watched("handover", "handover", "handover_id"),
    "handovers.withdraw": Watched("handover", "handover", "handover_id"),
    "holidays.publish": Watched("holidays", "year", "", ("year", "published")),
    "holidays.put": Watched("holidays", "day", "", ("day", "kind")),
    "holidays.remove": Watched("holidays", "day", "day"),
    "imports.take": Watched("imported", "phone"),
    "invitations.make": Watched("invitation", "invitation", "", ("role", "area_code")),
    "invitations.new_phone": Watched("new_phone", "user", "", ("user",)),
    "invitations.withdraw": Watched("invitation", "invitation", "invitation_id"),
    "ledgers.confirm": Watched("imported", "ledger", "ledger_id"),
    "limits.edit": Watched("limits", "limit", "", (ALL,)),
    "limits.hours": Watched("limits", "hours", "", ("hours",)),
    "limits.put": Watched("limits", "limit", "", (ALL,)),
    "limits.remove": Watched("limits", "limit", "", (ALL,)),
    "map_admin.add_cell": Watched("map", "area", "area_code"),
    "map_admin.draw": Watched("map", "area", "area_code"),
    "map_admin.edit_tiles": Watched("map", "tiles"),
    "map_admin.keep": Watched("map", "area", "area_code"),
    "map_admin.take": Watched("map", "boundaries"),
    "phrases.change": _settings("phrase", "", "verb"),
    "policies.change": Watched("policy", "policy", "", (ALL,)),
    "roster.put_on": _roster("", "user", "rung", "hours"),
    "roster.take_off": _roster("entry_id"),
    "rotations.change": _roster("rotation_id", "member", "starts_on", "ends_on", "rung"),
    "rotations.end": _roster("rotation_id"),
    "rotations.make": _roster("", "member", "starts_on", "ends_on", "rung"),
    "seats.add": Watched("department", "department", "department_id"),
    "seats.remove": Watched("department", "department", "department_id"),
    "shifts.exchange": _roster("", "one", "other"),
    "shifts.stand_in": _roster("rotation_id", "user"),
    "shifts.take_back": _roster("override_id"),
    "swaps.agree": _roster("swap_id"),
    "swaps.ask": _roster("", "shift", "with"),
    "swaps.decline": _roster("swap_id"),
    "swaps.withdraw": _roster("swap_id"),
}
# in whose histories it stands already, or that touch only what is one's own and shows nothing of anybody
LEFT_OUT = frozenset(
    {"desk.transition", "tasks.transition", "api.transition", "bulk.act", "bulk.undo", "answers.outcome", "links.sign",
     "links.step", "steps.put_step", "uploads.put_photo", "uploads.put_voice", "uploads.put_after_photo",
     "api.put_report", "plain.send", "push.receipt", "push.subscribe", "push.try_out", "push.unsubscribe",
     "language.switch", "auth.log_in", "api.log_in", "auth.accept", "contacts.prove", "contacts.try_out",
     "gateways.try_out", "seats.try_out", "proofs.ask", "feeds.make", "feeds.end", "saved_views.save",
     "saved_views.rename", "saved_views.remove", "map_admin.preview", "ledgers.bring", "ledgers.name_columns",
     "ledgers.remove"}
)  # fmt: skip
