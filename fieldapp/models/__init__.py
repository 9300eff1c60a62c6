"""Tables only, one file per noun."""

from fieldapp.models.alert import (
    IS_UNANSWERED,
    UNANSWERED,
    Alert,
    AlertState,
    Delivery,
    Heartbeat,
    Purpose,
    PushSubscription,
)
from fieldapp.models.area import TOWN, VILLAGE, Area, CellKeeper, town_of
from fieldapp.models.audit import IS_SELDOM, SEEN, AuditEvent
from fieldapp.models.case import IS_DONE, IS_OPEN, Assignment, Case, CaseCounter, CaseEvent
from fieldapp.models.channel import Contact, Gateway, GroupPost, Preference
from fieldapp.models.device import Device, Invitation
from fieldapp.models.dispatch import DispatchRule
from fieldapp.models.duplicate import PairDecision, SimilarityScale
from fieldapp.models.ledger import Export, Ledger, LedgerState
from fieldapp.models.phrase import Phrase
from fieldapp.models.policy import EscalationPolicy, Tally
from fieldapp.models.report import Attachment, AttachmentState, Kind, Report
from fieldapp.models.roster import (
    CalendarDay,
    CalendarYear,
    Drill,
    Feed,
    Handover,
    OnCall,
    Override,
    Rotation,
    Swap,
)
from fieldapp.models.saved_view import SavedView
from fieldapp.models.settings import Category, Fact, Limit, SeverityLabel
from fieldapp.models.step import FieldStep, StepResult
from fieldapp.models.user import Department, LoginFailures, User

__all__ = [
    "IS_DONE",
    "IS_OPEN",
    "IS_SELDOM",
    "IS_UNANSWERED",
    "SEEN",
    "TOWN",
    "UNANSWERED",
    "VILLAGE",
    "Alert",
    "AlertState",
    "Area",
    "Assignment",
    "Attachment",
    "AttachmentState",
    "AuditEvent",
    "CalendarDay",
    "CalendarYear",
    "Case",
    "CaseCounter",
    "CaseEvent",
    "Category",
    "CellKeeper",
    "Contact",
    "Delivery",
    "Department",
    "Device",
    "DispatchRule",
    "Drill",
    "EscalationPolicy",
    "Export",
    "Fact",
    "Feed",
    "FieldStep",
    "Gateway",
    "GroupPost",
    "Handover",
    "Heartbeat",
    "Invitation",
    "Kind",
    "Ledger",
    "LedgerState",
    "Limit",
    "LoginFailures",
    "OnCall",
    "Override",
    "PairDecision",
    "Phrase",
    "Preference",
    "Purpose",
    "PushSubscription",
    "Report",
    "Rotation",
    "SavedView",
    "SeverityLabel",
    "SimilarityScale",
    "StepResult",
    "Swap",
    "Tally",
    "User",
    "town_of",
]
