"""Settings that an administrator changes at run time: validated, secrets encrypted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from core.db import utcnow
from core.errors import InvalidInputError, NotFoundError
from core.framework.models import StoredSetting
from core.framework.runtime import Runtime, runtime_of
from core.framework.secrets import UnreadableSecretError
from core.framework.steps import note_act
from core.hookspecs.system import SettingField, SettingsSection
from core.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "PluginSettings",
    "SettingsState",
    "check_value",
    "forget_settings",
    "register_core_settings",
    "save_settings",
    "settings_sections",
    "settings_state",
]

CACHE_SECONDS: Final = 1.0
"""How long another process may still see the value before a change."""

CORE: Final = "core"

_core_fields: dict[str, SettingField] = {}


def register_core_settings(*fields: SettingField) -> None:
    """Add settings of the core itself, read as ``runtime.plugin_settings("core")``."""
    for field in fields:
        _core_fields[field.key] = field


def settings_sections(runtime: Runtime) -> Mapping[str, SettingsSection]:
    """Return the declared settings by owner: the core first, then plugins in load order."""
    own = {CORE: SettingsSection(title=_("Umum"), fields=tuple(_core_fields.values()))}
    return (own if _core_fields else {}) | dict(runtime.hooks.gather("register_settings"))


class PluginSettings:
    """Reads stored settings; keeps them for a second so that a page costs no extra query."""

    def __init__(self, runtime: Runtime) -> None:
        """Read nothing yet."""
        self._runtime = runtime
        self._guard = threading.Lock()
        self._sections: Mapping[str, SettingsSection] | None = None
        self._values: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def of(self, owner: str) -> Mapping[str, Any]:
        """Return every declared setting of ``owner``, stored values over defaults.

        An owner that declares nothing has an empty mapping. A stored value that no longer fits its
        declaration counts as not stored.
        """
        now = time.monotonic()
        with self._guard:
            known = self._values.get(owner)
        if known is not None and known[0] > now:
            return known[1]
        section = self.sections().get(owner)
        values = MappingProxyType({} if section is None else self._read(owner, section))
        with self._guard:
            self._values[owner] = (now + CACHE_SECONDS, values)
        return values

    def sections(self) -> Mapping[str, SettingsSection]:
        """Return the declarations by owner; asked once per process."""
        if self._sections is None:
            self._sections = settings_sections(self._runtime)
        return self._sections

    def forget(self) -> None:
        """Read again at the next use."""
        with self._guard:
            self._values.clear()
            self._sections = None

    def _read(self, owner: str, section: SettingsSection) -> dict[str, Any]:
        with self._runtime.database.reading() as session:
            rows = session.execute(
                select(StoredSetting.key, StoredSetting.value, StoredSetting.is_secret).where(
                    StoredSetting.owner == owner
                )
            ).all()
        stored = {
            row.key: self._runtime.secrets.decrypt(row.value) if row.is_secret else row.value
            for row in rows
        }
        return {
            field.key: _stored_value(field, stored[field.key])
            if field.key in stored
            else field.default
            for field in section.fields
        }


@dataclass(frozen=True, slots=True)
class SettingsState:
    """What a form of settings starts from. No secret is among it."""

    values: Mapping[str, Any]
    """Every setting that is no secret, stored values over defaults."""
    secrets: frozenset[str]
    """Keys of the secrets that are stored."""
    version: str
    """Another one after every change."""


def settings_state(session: Session, owner: str, section: SettingsSection) -> SettingsState:
    """Read the settings of an owner without its secrets, also where those cannot be decrypted."""
    rows = session.scalars(select(StoredSetting).where(StoredSetting.owner == owner)).all()
    stored = {row.key: row for row in rows}
    return SettingsState(
        values={
            field.key: _stored_value(field, stored[field.key].value)
            if field.key in stored and not stored[field.key].is_secret
            else field.default
            for field in section.fields
            if field.kind != "secret"
        },
        secrets=frozenset(
            field.key for field in section.fields if field.kind == "secret" and field.key in stored
        ),
        version=f"{len(rows)} {max((row.changed_at for row in rows), default='')}",
    )


def save_settings(
    session: Session, owner: str, values: Mapping[str, Any], *, actor_id: int | None = None
) -> list[str]:
    """Store settings of an owner and return the keys that changed; the audit trail names them.

    Keys that are left out stay as they are. An empty secret stays too, because forms never show it;
    None sets a key back to its default. Other processes see the change within a second.
    ``actor_id`` is the person who changes them, None for the system.

    :raises NotFoundError: the owner declares no settings.
    :raises InvalidInputError: a key is not declared, or a value does not fit; ``field`` is the key.
    """
    runtime = runtime_of(session)
    component = runtime.component(PluginSettings)
    section = component.sections().get(owner)
    if section is None:
        raise NotFoundError(_("Tidak ada pengaturan untuk ${owner}.", mapping={"owner": owner}))
    fields = {field.key: field for field in section.fields}
    rows = {
        row.key: row
        for row in session.scalars(select(StoredSetting).where(StoredSetting.owner == owner))
    }
    changed = []
    for key, value in values.items():
        if key not in fields:
            raise InvalidInputError(
                key, _("Pengaturan ${key} tidak dikenal.", mapping={"key": key})
            )
        if _store(session, owner, fields[key], value, rows.get(key)):
            changed.append(key)
    session.flush()
    if changed:
        # Names only: a value may be a secret.
        note_act(
            session,
            actor_id=actor_id,
            action="settings.save",
            subject=f"settings:{owner}",
            details={"keys": changed},
        )
    # Only what was committed may be read by others; until then the old values stay in the cache.
    event.listen(session, "after_commit", lambda _session: component.forget(), once=True)
    return changed


def forget_settings(session: Session, owner: str) -> int:
    """Delete every stored setting of an owner and return how many there were."""
    gone = session.scalars(
        delete(StoredSetting).where(StoredSetting.owner == owner).returning(StoredSetting.key)
    )
    return len(gone.all())


def _store(
    session: Session, owner: str, field: SettingField, value: Any, row: StoredSetting | None
) -> bool:
    secret = field.kind == "secret"
    if value is None:
        if row is not None:
            session.delete(row)
        return row is not None
    if secret and value == "":
        return False
    text = json.dumps(check_value(field, value), ensure_ascii=False)
    if row is not None and _readable(session, row) == text:
        return False
    if row is None:
        row = StoredSetting(owner=owner, key=field.key)
        session.add(row)
    row.value = runtime_of(session).secrets.encrypt(text) if secret else text
    row.is_secret = secret
    row.changed_at = utcnow()
    return True


def _readable(session: Session, row: StoredSetting) -> str | None:
    """Return what a row holds, or None where the key of its secret is another one by now."""
    if not row.is_secret:
        return row.value
    try:
        return runtime_of(session).secrets.decrypt(row.value)
    except UnreadableSecretError:
        return None


def check_value(field: SettingField, value: Any) -> Any:
    """Return ``value`` as the type that ``field`` declares, once its own check accepts it.

    :raises InvalidInputError: it does not fit.
    """
    typed = _as_declared(field, value)
    problem = field.check(str(typed)) if field.check is not None and typed != "" else None
    if problem is not None:
        raise _refused(field, problem)
    return typed


def _as_declared(field: SettingField, value: Any) -> Any:
    kind = field.kind
    if kind == "bool":
        return _as_bool(field, value)
    if kind == "int":
        return _as_int(field, value)
    text = str(value).strip() if kind != "secret" else str(value)
    if field.required and not text:
        raise _refused(field, _("Pengaturan ini wajib diisi."))
    if kind == "choice":
        keys: Iterable[str] = [key for key, _label in field.choices]
        if text not in keys:
            raise _refused(field, _("Pilih salah satu dari daftar."))
    if kind == "url" and text:
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _refused(field, _("Tulis alamat lengkap yang diawali http:// atau https://."))
    return text


def _as_bool(field: SettingField, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"1", "true", "yes", "on", "y", "ya"}:
        return True
    if text in {"", "0", "false", "no", "off", "n", "tidak"}:
        return False
    raise _refused(field, _("Jawab dengan ya atau tidak."))


def _as_int(field: SettingField, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return int(str(value).strip())
    except ValueError:
        raise _refused(field, _("Tulis bilangan bulat.")) from None


def _stored_value(field: SettingField, text: str) -> Any:
    try:
        return check_value(field, json.loads(text))
    except (ValueError, InvalidInputError):
        return field.default


def _refused(field: SettingField, explanation: Any) -> InvalidInputError:
    return InvalidInputError(field.key, explanation)
