"""Tables only, one file per noun."""

from fieldapp.models.alert import (
    UNANSWERED,
    Alert,
    AlertState,
    Delivery,
    Heartbeat,
    Purpose,
    PushSubscription,
)
from fieldapp.models.area import TOWN, Area, town_of
from fieldapp.models.case import IS_OPEN, Assignment, Case, CaseCounter, CaseEvent
from fieldapp.models.channel import Contact, Gateway, GroupPost, Preference
from fieldapp.models.device import Device, Invitation
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
from fieldapp.models.settings import Category, Fact, Limit, SeverityLabel
from fieldapp.models.step import FieldStep, StepResult
from fieldapp.models.user import Department, LoginFailures, User

__all__ = [
    "IS_OPEN",
    "TOWN",
    "UNANSWERED",
    "Alert",
    "AlertState",
    "Area",
    "Assignment",
    "Attachment",
    "AttachmentState",
    "CalendarDay",
    "CalendarYear",
    "Case",
    "CaseCounter",
    "CaseEvent",
    "Category",
    "Contact",
    "Delivery",
    "Department",
    "Device",
    "Drill",
    "EscalationPolicy",
    "Fact",
    "Feed",
    "FieldStep",
    "Gateway",
    "GroupPost",
    "Handover",
    "Heartbeat",
    "Invitation",
    "Kind",
    "Limit",
    "LoginFailures",
    "OnCall",
    "Override",
    "Preference",
    "Purpose",
    "PushSubscription",
    "Report",
    "Rotation",
    "SeverityLabel",
    "StepResult",
    "Swap",
    "Tally",
    "User",
    "town_of",
]
