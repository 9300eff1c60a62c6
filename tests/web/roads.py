"""The table of tests/web/test_who_may.py: every route of the app, and who gets in."""

from fieldapp.rules.roles import Role

# persons of 海城镇 in their part of one case, and one of every role in 附城镇 who has none
OWN = {
    "nobody": None, "vik": "patrol", "wes": "patrol", "gia": "grid", "ada": "responder", "ben": "responder",
    "dora": "duty", "lea": "leader", "lin": "liaison", "ana": "analyst", "root": "admin",
}  # fmt: skip
OTHER = {f"other-{role.value}": role.value for role in Role}
EVERYONE = set(OWN) | set(OTHER)
USERS = EVERYONE - {"nobody"}


def having(*roles: str) -> set[str]:
    return {name for name, role in (OWN | OTHER).items() if role in roles}


FILERS = having("patrol", "grid", "responder", "duty", "leader")
CALLED = having("responder", "grid", "liaison", "leader")
DESK = having("duty", "leader")
STANDS = having("responder", "grid", "leader")
INVITERS = having("duty", "leader", "admin")
ADMINS = having("admin")
REACHED = USERS - having("analyst", "admin")
CASE_READERS = USERS - having("analyst", "admin")
SEAT = "/admin/departments/<int:department_id>/contacts"
SEES_CASE = {"vik", "ada", "dora", "lea", "lin"}

WHO: dict[str, set[str]] = {
    "GET /": EVERYONE, "GET /report": EVERYONE, "GET /reports": EVERYONE, "GET /story": EVERYONE,
    "GET /phone": EVERYONE, "GET /guide": EVERYONE, "GET /inapp": EVERYONE, "POST /api/push/test": USERS,
    "GET /offline": EVERYONE, "GET /sw.js": EVERYONE, "GET /manifest.webmanifest": EVERYONE,
    "GET /static/<version>/<path:name>": EVERYONE, "GET /login": EVERYONE, "POST /language": EVERYONE,
    "GET /healthz": EVERYONE, "GET /readyz": EVERYONE, "GET /metrics": EVERYONE,
    "GET /invite/<token>": EVERYONE, "POST /invite/<token>": EVERYONE,
    "POST /login": set(), "POST /api/session": set(),  # with a wrong password
    "POST /api/deliveries/<uuid:delivery_id>/receipts": set(),  # with a wrong token
    "DELETE /api/session": USERS, "POST /logout": USERS, "POST /devices/revocation": USERS,
    "GET /devices": USERS, "POST /password": USERS, "POST /devices/<int:device_id>/revocation": USERS,
    "GET /api/me": USERS, "GET /api/form": USERS, "GET /api/reports": USERS, "GET /api/push/key": USERS,
    "POST /api/push/subscriptions": USERS, "DELETE /api/push/subscriptions": USERS,
    "PUT /api/reports/<uuid:report_id>": FILERS, "GET /api/nearby": FILERS, "POST /report": FILERS,
    "GET /api/reports/<uuid:report_id>": {"vik"},
    "PUT /api/reports/<uuid:report_id>/photos/<uuid:file_id>": {"vik"},
    "PUT /api/reports/<uuid:report_id>/voices/<uuid:file_id>": {"vik"},
    "GET /photos/<uuid:file_id>/<size>": SEES_CASE, "GET /voices/<uuid:file_id>": SEES_CASE,
    "GET /api/cases": CASE_READERS,
    "GET /api/cases/<number>": SEES_CASE, "POST /api/cases/<number>/transitions": SEES_CASE,
    "PUT /api/cases/<number>/steps/<uuid:step_id>": {"ada", "lin"},
    "PUT /api/cases/<number>/steps/<uuid:step_id>/photos/<uuid:file_id>": {"ada"},
    "GET /tasks": CALLED,
    "GET /tasks/<number>": {"ada", "lin", "lea"} | having("duty"),  # a duty officer is led on to the desk
    "GET /tasks/<number>/called": {"ada", "lin", "lea"}, "POST /tasks/<number>/transitions": {"ada", "lin", "lea"},
    "GET /desk": DESK, "GET /desk/queue": DESK, "GET /desk/pulse": DESK, "GET /desk/on-call": DESK,
    "GET /desk/bulk/to": DESK,
    "GET /desk/roster": DESK, "POST /desk/roster": DESK, "POST /desk/roster/<int:entry_id>/end": {"dora", "lea"},
    "GET /desk/cases/<number>": {"dora", "lea"}, "POST /desk/cases/<number>/transitions": {"dora", "lea"},
    "GET /desk/cases/<number>/print": {"dora", "lea"}, "GET /desk/cases/<number>/code": {"dora", "lea"},
    "GET /desk/phrases": DESK, "POST /desk/phrases": DESK,
    "GET /c/<token>": set(),  # with a wrong token; what a right one tells is in tests/web/test_hands.py
    "GET /desk/audit": having("leader", "admin"), "GET /desk/audit.csv": having("leader", "admin"),
    "GET /desk/help": having("duty", "leader"),
    "GET /desk/import": DESK, "POST /desk/import": DESK,
    "GET /desk/export": DESK, "GET /desk/export/progress": DESK, "POST /desk/export/<kind>": DESK,
    "GET /desk/ledgers": DESK, "POST /desk/ledgers": DESK, "GET /desk/ledgers/<int:ledger_id>": {"dora", "lea"},
    "GET /desk/ledgers/<int:ledger_id>/faulty.csv": {"dora", "lea"},
    "GET /desk/ledgers/<int:ledger_id>/progress": {"dora", "lea"},
    "POST /desk/ledgers/<int:ledger_id>/columns": {"dora", "lea"},
    "POST /desk/ledgers/<int:ledger_id>/confirmation": {"dora", "lea"},
    "POST /desk/ledgers/<int:ledger_id>/removal": {"dora"},  # then it is gone
    "POST /desk/bulk": DESK, "POST /desk/bulk/undo": DESK, "POST /desk/views": DESK,
    "POST /desk/views/<int:view_id>/name": {"dora"}, "POST /desk/views/<int:view_id>/removal": {"dora"},
    "GET /desk/invitations": INVITERS, "POST /desk/invitations": INVITERS,
    "POST /desk/invitations/new-phone": {"dora", "lea", "root"},
    "POST /desk/invitations/<int:invitation_id>/revocation": {"dora", "lea", "root"},
    "GET /desk/rotations/new": DESK, "POST /desk/rotations": DESK,
    "GET /desk/rotations/<int:rotation_id>": {"dora", "lea"}, "POST /desk/rotations/<int:rotation_id>": {"dora", "lea"},
    "POST /desk/rotations/<int:rotation_id>/end": {"dora", "lea"},
    "GET /desk/shifts/<int:rotation_id>/<int:start>": {"dora", "lea"},
    "POST /desk/shifts/<int:rotation_id>/<int:start>/stand-in": {"dora", "lea"},
    "POST /desk/exchanges": {"dora", "lea"}, "POST /desk/overrides/<int:override_id>/end": {"dora", "lea"},
    "GET /desk/handover": DESK, "POST /desk/handover": DESK, "GET /desk/handover/<int:handover_id>": {"dora", "lea"},
    "POST /desk/handover/<int:handover_id>/taking": {"dora", "lea"},
    "POST /desk/handover/<int:handover_id>/withdrawal": {"dora", "lea"},
    "GET /roster": STANDS, "GET /roster/swaps/new": {"ada"}, "POST /roster/swaps": {"ada"},  # with a shift of ada's
    "GET /roster/swaps/<int:swap_id>": {"ada", "ben"},
    "POST /roster/swaps/<int:swap_id>/agreement": {"ben"}, "POST /roster/swaps/<int:swap_id>/refusal": {"ben"},
    "POST /roster/swaps/<int:swap_id>/withdrawal": {"ada"},
    "POST /roster/feeds": STANDS | having("duty"), "POST /roster/feeds/end": STANDS | having("duty"),
    "GET /ics/<token>.ics": set(),  # with a wrong token
    # with a wrong code; what a right one opens, and for how long, is in tests/scenarios/test_other_channels.py
    "GET /r/<code>": set(), "POST /r/<code>/signature": set(), "POST /r/<code>/steps": set(),
    "GET /r/<code>/photos/<uuid:file_id>/<size>": set(), "POST /r/<code>/outcome": set(),
    "GET /desk/drills": DESK, "POST /desk/drills": DESK, "GET /desk/drills/<int:drill_id>": {"dora", "lea"},
    "POST /desk/drills/<int:drill_id>/end": {"dora", "lea"}, "POST /desk/proofs/<int:user_id>": {"dora", "lea"},
    "GET /admin/holidays": ADMINS, "POST /admin/holidays": ADMINS, "POST /admin/holidays/years": ADMINS,
    "POST /admin/holidays/<day>/removal": ADMINS,
    "GET /admin/policies": ADMINS, "GET /desk/policies": DESK,
    "GET /admin/policies/edit": ADMINS, "POST /admin/policies/edit": ADMINS,
    "GET /desk/map": DESK, "GET /desk/map/box": DESK, "GET /desk/map/list": DESK, "GET /desk/map/places": DESK,
    "GET /admin/map": ADMINS, "POST /admin/map": ADMINS, "GET /admin/boundaries": ADMINS,
    "POST /admin/boundaries/preview": ADMINS, "POST /admin/boundaries/import": ADMINS,
    "GET /admin/boundaries/<area_code>": {"root"}, "POST /admin/boundaries/<area_code>": {"root"},
    "POST /admin/boundaries/<area_code>/cells": {"root"}, "POST /admin/boundaries/<area_code>/keepers": {"root"},
    "GET /analysis": having("analyst"), "GET /desk/measures": DESK | having("analyst"),
    "GET /desk/heartbeat": DESK | having("analyst", "admin"),
    "GET /admin": ADMINS, "POST /admin/categories/<code>": ADMINS, "GET /admin/limits": ADMINS,
    "POST /admin/limits": ADMINS, "POST /admin/limits/categories": ADMINS,
    "POST /admin/limits/categories/removal": ADMINS, "POST /admin/limits/hours": ADMINS, "GET /admin/areas": ADMINS,
    "POST /admin/areas": ADMINS, "GET /admin/departments": ADMINS, "POST /admin/departments": ADMINS,
    "POST /admin/departments/<int:department_id>": {"root"},
    f"GET {SEAT}": {"root"}, f"POST {SEAT}": {"root"},
    f"POST {SEAT}/<int:contact_id>/test": set(), f"POST {SEAT}/<int:contact_id>/removal": set(),  # a person's address
    "GET /admin/dispatch": ADMINS, "POST /admin/dispatch": ADMINS, "POST /admin/dispatch/<int:rule_id>": {"root"},
    "POST /admin/dispatch/<int:rule_id>/removal": {"root"},
    "GET /admin/channels": ADMINS, "POST /admin/channels": ADMINS, "POST /admin/channels/<int:gateway_id>": {"root"},
    "POST /admin/channels/<int:gateway_id>/active": {"root"}, "POST /admin/channels/<int:gateway_id>/test": {"root"},
    "GET /reminders": REACHED, "POST /reminders/order": REACHED, "POST /reminders/quiet": REACHED,
    "POST /reminders/contacts": REACHED & set(OWN),  # at a gateway of their town
    "POST /reminders/contacts/<int:contact_id>/test": {"ada"},
    "POST /reminders/contacts/<int:contact_id>/removal": {"ada"},
    "GET /reminders/prove/<token>": EVERYONE, "POST /reminders/prove/<token>": EVERYONE,  # with a wrong token
    "GET /r/<int:contact_id>-<int:sent_on>-<mac>": EVERYONE,
    "GET /admin/accounts": ADMINS, "POST /admin/accounts/<int:user_id>": {"root"},
    "POST /admin/accounts/<int:user_id>/invitations": {"root"},
}  # fmt: skip
