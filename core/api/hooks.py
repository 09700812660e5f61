"""Hooks: the marker, and every dataclass that a hook takes or gives."""

from __future__ import annotations

from core.hookspecs.channels import (
    Capabilities,
    DeliveryReport,
    Evidence,
    Health,
    InboundMessage,
    Outcome,
    OutgoingMessage,
    ReportState,
    SendResult,
    Transport,
    TransportContext,
    WebhookAnswer,
    WebhookRequest,
)
from core.hookspecs.facts import UserFacts
from core.hookspecs.hibah import ContactChange, GrantAction, GrantChange, GrantFacts
from core.hookspecs.markers import hookimpl
from core.hookspecs.messages import (
    AccountFacts,
    InboundFacts,
    MessageChange,
    PlannedResend,
    ResendReview,
    SubjectContactChange,
    SubjectFacts,
)
from core.hookspecs.system import SettingField, SettingsSection
from core.hookspecs.web import HelpChapter, Slot

__all__ = [
    "AccountFacts",
    "Capabilities",
    "ContactChange",
    "DeliveryReport",
    "Evidence",
    "GrantAction",
    "GrantChange",
    "GrantFacts",
    "Health",
    "HelpChapter",
    "InboundFacts",
    "InboundMessage",
    "MessageChange",
    "Outcome",
    "OutgoingMessage",
    "PlannedResend",
    "ReportState",
    "ResendReview",
    "SendResult",
    "SettingField",
    "SettingsSection",
    "Slot",
    "SubjectContactChange",
    "SubjectFacts",
    "Transport",
    "TransportContext",
    "UserFacts",
    "WebhookAnswer",
    "WebhookRequest",
    "hookimpl",
]
