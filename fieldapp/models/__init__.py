"""Tables only, one file per noun."""

from fieldapp.models.alert import (
    UNANSWERED,
    Alert,
    AlertState,
    Delivery,
    Heartbeat,
    OnCall,
    Purpose,
    PushSubscription,
)
from fieldapp.models.area import TOWN, Area, town_of
from fieldapp.models.case import IS_OPEN, Assignment, Case, CaseCounter, CaseEvent
from fieldapp.models.device import Device, Invitation
from fieldapp.models.report import Attachment, AttachmentState, Kind, Report
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
    "Case",
    "CaseCounter",
    "CaseEvent",
    "Category",
    "Delivery",
    "Department",
    "Device",
    "Fact",
    "FieldStep",
    "Heartbeat",
    "Invitation",
    "Kind",
    "Limit",
    "LoginFailures",
    "OnCall",
    "Purpose",
    "PushSubscription",
    "Report",
    "SeverityLabel",
    "StepResult",
    "User",
    "town_of",
]
