"""For those who are called out: one big thing to do next, opened by a push or from the list."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import addresses, cases, clock, duties, swaps
from fieldapp.errors import NotHere
from fieldapp.rules.roles import IS_CALLED, Role
from fieldapp.rules.workflow import Part
from fieldapp.web import case_page, transitions
from fieldapp.web.problems import problem
from fieldapp.web.security import for_roles, touch_device, user

bp = Blueprint("tasks", __name__)
WORKS_ON_IT = (Part.ASSIGNEE, Part.DESK)


@bp.errorhandler(NotHere)
def gone(error: NotHere) -> ResponseReturnValue:
    """Given back, handed on, or never one's own: the same page for all three, so that it tells nothing."""
    if request.headers.get("HX-Request"):
        return problem(404, "not_here")
    return render_template("responder/gone.html"), 404


@bp.get("/tasks")
@for_roles(*IS_CALLED)
def home() -> ResponseReturnValue:
    """What one was called to."""
    touch_device()
    found = [(case, duties.next_step(case, user(), cases.actions(user(), case))) for case in duties.waiting(user())]
    return render_template(
        "responder/index.html", tasks=found, finished=duties.finished(user()), now=clock.now(),
        asked=swaps.asked_of(user(), clock.now()), reachable=addresses.reachable(user(), clock.now()),
        given_back=request.args.get("given_back"),
    )  # fmt: skip


@bp.get("/tasks/<number>")
@for_roles(*IS_CALLED, Role.DUTY)
def task(number: str) -> ResponseReturnValue:
    """One case and the next step; a push to the desk goes on to the desk, who only reported it reads its story."""
    if user().role == Role.DUTY:
        return redirect(f"/desk/cases/{number}")
    case = cases.load(user(), number)
    if not cases.parts(user(), case) & set(WORKS_ON_IT):
        return redirect(f"/story?case={number}")
    return _task(number)


@bp.get("/tasks/<number>/called")
@for_roles(*IS_CALLED)
def called(number: str) -> ResponseReturnValue:
    """Who else was called and what each is known to have seen, asked again while the page is open."""
    case = cases.load_whole(user(), number, *WORKS_ON_IT)
    return render_template("responder/_called.html", called=case_page.called(user(), case))


@bp.post("/tasks/<number>/transitions")
@for_roles(*IS_CALLED)
def transition(number: str) -> ResponseReturnValue:
    """Take one step; a refusal comes back on the same page with a sentence and what was typed."""
    sent = transitions.typed()
    refusal = transitions.attempt(number, sent, *WORKS_ON_IT)
    if refusal:
        return _task(number, sent, refusal), refusal.status
    if sent.action in ("return", "transfer"):  # no longer one's own
        return _go(f"/tasks?given_back={number}")
    return _task(number) if request.headers.get("HX-Request") else redirect(f"/tasks/{number}", 303)


def _task(number: str, sent: transitions.Typed | None = None, refusal: transitions.Refusal | None = None) -> str:
    shown = case_page.for_task(user(), cases.load_whole(user(), number, *WORKS_ON_IT), sent, refusal)
    partial = request.headers.get("HX-Request")
    return render_template("responder/_task.html" if partial else "responder/task.html", **shown)


def _go(path: str) -> ResponseReturnValue:
    if request.headers.get("HX-Request"):
        return "", 200, {"HX-Redirect": path}
    return redirect(path, 303)
