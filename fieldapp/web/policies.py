"""呼叫规则: what is in force, in words and on a time line; editing one; trying out what would happen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, oncall, policies, simulation
from fieldapp.addresses import ORDER
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, NotHere
from fieldapp.models import Category, Delivery, EscalationPolicy, Purpose, User
from fieldapp.policies import Chosen
from fieldapp.rules import severity as severities
from fieldapp.rules.escalation import MOST_REPEATS, MOST_RUNGS, Call, Policy, Rung
from fieldapp.rules.roles import WORKS_DESK, Role
from fieldapp.rules.severity import Severity
from fieldapp.simulation import Question
from fieldapp.web import policy_form, policy_words
from fieldapp.web.policy_form import Draft
from fieldapp.web.security import for_roles, user

bp = Blueprint("policies", __name__)
LEVELS = tuple(reversed(Severity))
FURTHEST = timedelta(days=366)
WHOLE = -1  # what is wrong with the policy as a whole
ALWAYS_CALLS = (Severity.RED, Severity.YELLOW)  # that these call nobody has to be meant


@dataclass(frozen=True)
class Target:
    """What a policy is for: a purpose, a severity, and one kind of event or all the others."""

    purpose: str
    severity: Severity
    category: str = ""

    @property
    def query(self) -> str:
        """The address's part that names it."""
        return urlencode({"purpose": self.purpose, "level": self.severity.word, "category": self.category})


@dataclass(frozen=True)
class Rule:
    """A policy in force, with its minutes, and whose decision it is."""

    target: Target
    policy: Policy
    row: EscalationPolicy | None


@bp.app_template_global("why_called")
def why_called(delivery: Delivery | None = None) -> str:
    """Why this delivery came to its person, in a sentence; without one, why the reader of a task was last called to it.
    Nothing for a reader who was not.
    """
    if delivery is None and request.blueprint == "tasks":
        delivery = policies.last_call(user(), (request.view_args or {})["number"])
    return policy_words.why(delivery) if delivery else ""


@bp.app_template_global("why_short")
def why_short(delivery: Delivery) -> str:
    """The same in few words, beside the name of another."""
    return policy_words.why_short(delivery)


@bp.get("/admin/policies")
@for_roles(Role.ADMIN)
def show() -> ResponseReturnValue:
    """What is in force, and a simulation when one was asked for."""
    return render_template("policies/index.html", may_change=True, **_overview())


@bp.get("/desk/policies")
@for_roles(*WORKS_DESK)
def read() -> ResponseReturnValue:
    """The same for those who live by it."""
    return render_template("policies/desk.html", may_change=False, **_overview())


@bp.get("/admin/policies/edit")
@for_roles(Role.ADMIN)
def edit() -> ResponseReturnValue:
    """The form for one."""
    target = _target(request.args)
    row = _own(target)
    stands = _stands(target, row)
    return _form(target, policy_form.of_policy(stands.policy, policies.mark(row)), {})


@bp.post("/admin/policies/edit")
@for_roles(Role.ADMIN)
def change() -> ResponseReturnValue:
    """A button of the form: save, back to what is usual, or a move inside it that keeps all that was typed."""
    target, draft, do = _target(request.args), policy_form.read(request.form), request.form.get("do", "")
    if do in ("save", "restore"):
        return _save(target, draft) if do == "save" else _restore(target, draft)
    draft = draft.after(do)
    wrong = policies.check(user(), target.purpose, target.severity, draft.policy()) if do == "look" else {}
    return _form(target, draft, wrong, looked=True)


def _save(target: Target, draft: Draft) -> ResponseReturnValue:
    policy = draft.policy()
    if wrong := _wrong(target, draft, policy):
        return _form(target, draft, wrong), 422
    try:
        with writing():
            policies.decide(
                user(), target.purpose, target.severity, target.category, policy, clock.now(), draft.seen
            )  # fmt: skip
    except Conflict as error:
        return _overtaken(target, draft, error)
    return _go_on(target)


def _restore(target: Target, draft: Draft) -> ResponseReturnValue:
    try:
        with writing():
            policies.restore(user(), target.purpose, target.severity, target.category, draft.seen)
    except Conflict as error:
        return _overtaken(target, draft, error)
    return _go_on(target)


def _overtaken(target: Target, draft: Draft, error: Conflict) -> ResponseReturnValue:
    """Somebody was faster: the page shows what stands now above what was typed, and the next save is meant."""
    seen = policies.mark(_own(target))
    return _form(target, replace(draft, seen=seen), {WHOLE: error.reason}), 409


def _go_on(target: Target) -> ResponseReturnValue:
    return redirect(f"/admin/policies?saved=1#{_spot(target)}", 303)


def _wrong(target: Target, draft: Draft, policy: Policy) -> dict[int, str]:
    wrong = policies.check(user(), target.purpose, target.severity, policy)
    meant = draft.knows or target.severity not in ALWAYS_CALLS
    if not wrong and not meant and policies.calls_nobody(policies.place_of(user()), policy, clock.now()):
        return {WHOLE: "nobody"}
    return wrong


def _form(target: Target, draft: Draft, wrong: Mapping[int, str], looked: bool = False) -> str:
    place, row = policies.place_of(user()), _own(target)
    stands = _stands(target, row)
    bad = {at: policy_words.reason(code) for at, code in wrong.items()}
    return render_template(
        "policies/edit.html", target=target, draft=draft, bad=bad, errors={} if looked else bad, row=row,
        say=policy_words, spot="draft" if WHOLE in bad else f"rung-{min(bad, default=0)}",
        stands=Rule(target, _full(stands.policy, target), stands.row),
        usual=_full(policies.beneath(place, target.purpose, target.severity, target.category).policy, target),
        looked=_looked_at(target, draft, place) if looked else None,
        needs_tick=draft.knows or wrong.get(WHOLE) == "nobody", people=policies.people(place), place=place,
        departments=policies.departments(place), channels=ORDER, groups=_groups(target), most=MOST_RUNGS,
        open_channels=policies.open_channels(place), place_code=place,
        most_repeats=MOST_REPEATS, limit=_limit(target),
    )  # fmt: skip


def _groups(target: Target) -> list[str]:
    named = [Rung.NAMED] if target.purpose == Purpose.DISPATCH else []
    return [*named, *policy_form.GROUPS]


def _limit(target: Target) -> int:
    """The minutes of a rung that names none."""
    (call,) = _full(Policy((Call((Rung.DESK,)),)), target).rungs
    return call.minutes or 0


def _looked_at(target: Target, draft: Draft, place: str) -> dict[str, Any] | None:
    """What was typed, as it would be said and as it would go at this moment; nothing while something is wrong."""
    policy = draft.policy()
    if policies.check(user(), target.purpose, target.severity, policy):
        return None
    full, town = _full(policy, target), policies.towns(place)[:1]
    question = Question(town[0].code, target.purpose, target.severity, clock.now()) if town else None
    return {"policy": full, "town": town[0] if town else None, **(_simulated(full, question) if question else {})}


def _simulated(policy: Policy, question: Question) -> dict[str, Any]:
    if question.purpose == Purpose.DISPATCH and not question.named:
        holders = oncall.holders(question.town_code, Rung.ON_CALL, question.at)
        question = replace(question, named=[person.id for person in holders])
    moments = simulation.run(policy, question)
    return {
        "rounds": policy_words.rounds(moments, policy, question.at),
        "held": any(way.held for moment in moments for person in moment.people for way in person.ways),
        "bots": simulation.groups(question.town_code),
        "at": question.at,
    }  # fmt: skip


def _overview() -> dict[str, Any]:
    place = policies.place_of(user())
    by_category = [_rule_of(row) for row in policies.of_categories(place)]
    general = [_rule(place, Target(purpose, level)) for purpose in policies.LADDERS for level in LEVELS]
    sections = [
        (purpose, [rule for rule in (*general, *by_category) if rule.target.purpose == purpose])
        for purpose in policies.LADDERS
    ]
    return {
        "sections": sections, "say": policy_words, "place": place, "saved": request.args.get("saved"),
        "levels": LEVELS, "spot_of": _spot, "asked": _asked(place), "towns": policies.towns(place),
        "all_kinds": policy_words.kinds(),
    }  # fmt: skip


def _rule(place: str, target: Target) -> Rule:
    chosen = policies.choose(place, target.purpose, target.severity, target.category or None)
    return Rule(target, _full(chosen.policy, target), chosen.row)


def _rule_of(row: EscalationPolicy) -> Rule:
    return _rule(row.town_code, Target(row.purpose, row.severity, row.category_code))


def _asked(place: str) -> dict[str, Any]:
    """The simulation's form as it was sent, and its answer when it was."""
    args, errors = request.args, dict[str, str]()
    at = _moment(args.get("at", ""), errors)
    town = next((one for one in policies.towns(place) if one.code == args.get("town")), None)
    town = town or next(iter(policies.towns(place)), None)
    people = policies.people(town.code) if town else []
    asked: dict[str, Any] = {
        "at": at, "town": town, "people": people, "departments": policies.departments(town.code) if town else [],
        "target": _target(args), "to": args.get("to", ""), "giver": args.get("giver", ""), "errors": errors,
    }  # fmt: skip
    if "at" not in args or town is None or errors:
        return asked
    rule = _rule(town.code, asked["target"])
    ids = {"to": _ids(asked["to"], town.code), "giver": _ids(asked["giver"], town.code)}
    question = Question(
        town.code, rule.target.purpose, rule.target.severity, at,
        ids["to"] if rule.target.purpose == Purpose.DISPATCH else (),
        ids["giver"] if rule.target.purpose == Purpose.RETURN else (),
    )  # fmt: skip
    return asked | {"rule": rule} | _simulated(rule.policy, question)


def _ids(group: str, town_code: str) -> list[int]:
    """The people behind a choice of the form; nobody when it makes no sense here."""
    found = policies.named(group)
    if found is None or found.town_code != town_code:
        return []
    return [found.id] if isinstance(found, User) else [person.id for person in policies.speakers(found)]


def _moment(text: str, errors: dict[str, str]) -> datetime:
    """The moment that was asked for, on the wall in Haifeng; now when it is this minute, none, or too far off."""
    now = clock.now()
    if not text:
        return now
    try:
        asked = datetime.fromisoformat(text).replace(tzinfo=clock.LOCAL)
        if abs(asked - now) <= FURTHEST:
            # whoever came on call within this minute is there
            return now if asked <= now < asked + timedelta(minutes=1) else asked
    except (ValueError, OverflowError):
        pass
    errors["at"] = policy_words.reason("bad_moment")
    return now


def _target(args: Mapping[str, str]) -> Target:
    """What the address names. Raises NotHere for what there is not."""
    purpose, category = args.get("purpose") or Purpose.INTAKE, args.get("category", "")
    try:
        level = severities.parse(args.get("level") or Severity.RED.word)
    except ValueError as error:
        raise NotHere(args.get("level")) from error
    known = not category or ("\x00" not in category and db.session.get(Category, category[:20]) is not None)
    if purpose not in policies.LADDERS or not known:
        raise NotHere(purpose)
    return Target(purpose, level, category[:20])


def _own(target: Target) -> EscalationPolicy | None:
    return policies.find(policies.place_of(user()), target.purpose, target.severity, target.category)


def _stands(target: Target, row: EscalationPolicy | None) -> Chosen:
    """What holds now: one's own decision, or what would hold without one."""
    if row is not None:
        return Chosen(policies.of_row(row), row)
    return policies.beneath(policies.place_of(user()), target.purpose, target.severity, target.category)


def _full(policy: Policy, target: Target) -> Policy:
    return policies.with_minutes(policy, target.severity)


def _spot(target: Target) -> str:
    return "-".join(part for part in (target.purpose, target.severity.word, target.category) if part)
