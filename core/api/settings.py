"""Settings that an administrator changes at run time, and data files of a plugin's own kind.

A plugin declares its settings with the hook ``register_settings`` and reads them with
``runtime.plugin_settings(name)``.
"""

from __future__ import annotations

from core.framework.datafiles import DataFileError, DataKind, register_data_kind
from core.framework.stored import save_settings
from core.framework.tomltable import TomlTable, bad_value
from core.hookspecs.system import SettingField, SettingsSection

__all__ = [
    "DataFileError",
    "DataKind",
    "SettingField",
    "SettingsSection",
    "TomlTable",
    "bad_value",
    "register_data_kind",
    "save_settings",
]
