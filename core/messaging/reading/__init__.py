"""What the conversation screens read: who may read what, the inbox, one conversation.

Lists read columns and use the counters that threads keep; a page costs the same few statements
whatever it shows. Secret messages have no thread and are left out once more here.
"""

from __future__ import annotations

from core.messaging.reading.access import (
    READ,
    READ_ALL,
    RESEND,
    WRITE,
    ThreadRow,
    describe,
    find_subject,
    find_thread,
    may_open,
    readable,
)
from core.messaging.reading.conversation import (
    CONVERSATION_PAGE,
    Bubble,
    Conversation,
    conversation,
    status_signature,
)
from core.messaging.reading.inbox import (
    INBOX_PAGE,
    SEARCHED_MESSAGES,
    Cursor,
    Inbox,
    InboxCounts,
    Tab,
    Waiting,
    inbox,
    inbox_counts,
    waiting_counts,
)

__all__ = [
    "CONVERSATION_PAGE",
    "INBOX_PAGE",
    "READ",
    "READ_ALL",
    "RESEND",
    "SEARCHED_MESSAGES",
    "WRITE",
    "Bubble",
    "Conversation",
    "Cursor",
    "Inbox",
    "InboxCounts",
    "Tab",
    "ThreadRow",
    "Waiting",
    "conversation",
    "describe",
    "find_subject",
    "find_thread",
    "inbox",
    "inbox_counts",
    "may_open",
    "readable",
    "status_signature",
    "waiting_counts",
]
