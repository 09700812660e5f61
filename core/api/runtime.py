"""What a process holds while it runs."""

from __future__ import annotations

from core.framework.hooks import Hooks, PluginHookError
from core.framework.manifest import Manifest
from core.framework.runtime import Runtime, runtime_of
from core.framework.secrets import Secrets, UnreadableSecretError
from core.framework.settings import Settings

__all__ = [
    "Hooks",
    "Manifest",
    "PluginHookError",
    "Runtime",
    "Secrets",
    "Settings",
    "UnreadableSecretError",
    "runtime_of",
]
