"""The services of this room, by name; each is described where it is written."""

from __future__ import annotations

from core.messaging.accounts import (
    ChannelFacts,
    add_account,
    list_accounts,
    pause_account,
    resume_account,
    set_account,
)
from core.messaging.drafts import (
    Draft,
    EmptyMessageError,
    MessageFacts,
    NotResendableError,
    TooLongMessageError,
    UnknownAccountError,
    UnreachableAddressError,
)
from core.messaging.editing import save_text
from core.messaging.facts import message_facts
from core.messaging.language import BrokenTextError
from core.messaging.mending import (
    cancel_messages,
    resend,
    settle_uncertain,
    supersede_messages,
)
from core.messaging.queue import queue_message, queue_messages
from core.messaging.states import Direction, Lane, State, Tick
from core.messaging.text import Measure, measure, plain_form, split_parts
from core.messaging.texts import (
    MissingVariableError,
    RenderedText,
    TextFacts,
    UnknownTextError,
    check_text,
    list_texts,
    preview_text,
    render_messages,
    render_texts,
    require_variables,
    text_facts,
)
from core.messaging.threads import (
    ensure_thread,
    ensure_threads,
    mark_thread_read,
    move_message,
)

__all__ = [
    "BrokenTextError",
    "ChannelFacts",
    "Direction",
    "Draft",
    "EmptyMessageError",
    "Lane",
    "Measure",
    "MessageFacts",
    "MissingVariableError",
    "NotResendableError",
    "RenderedText",
    "State",
    "TextFacts",
    "Tick",
    "TooLongMessageError",
    "UnknownAccountError",
    "UnknownTextError",
    "UnreachableAddressError",
    "add_account",
    "cancel_messages",
    "check_text",
    "ensure_thread",
    "ensure_threads",
    "list_accounts",
    "list_texts",
    "mark_thread_read",
    "measure",
    "message_facts",
    "move_message",
    "pause_account",
    "plain_form",
    "preview_text",
    "queue_message",
    "queue_messages",
    "render_messages",
    "render_texts",
    "require_variables",
    "resend",
    "resume_account",
    "save_text",
    "set_account",
    "settle_uncertain",
    "split_parts",
    "supersede_messages",
    "text_facts",
]
