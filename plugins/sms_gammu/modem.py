"""One modem: opened once, used by one thread at a time, handed on to a process that waits."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import gammu

from core.api.text import TranslationString, _
from plugins.sms_gammu.faults import Fault, explain, is_lost_line
from plugins.sms_gammu.settings import ModemConfig

__all__ = ["Modem", "ModemAwayError", "PartError"]

LOOK_SECONDS: Final = 0.5
"""How often a process that keeps the modem open looks whether another one wants it."""
MOST_ENTRIES: Final = 200
"""Messages read from the modem at once."""

Entry = Mapping[str, Any]


class ModemAwayError(Exception):
    """The modem cannot be used now; nothing was sent. ``busy``: another process has it."""

    def __init__(self, code: str, explanation: TranslationString, *, busy: bool = False) -> None:
        """Keep what to log and what to show."""
        self.code = code
        self.explanation = explanation
        self.busy = busy
        super().__init__(code)


class PartError(Exception):
    """One part was not sent, or nobody knows."""

    def __init__(self, fault: Fault) -> None:
        """Keep the verdict."""
        self.fault = fault
        super().__init__(fault.code)


class Modem:
    """The modem of one account in this process."""

    def __init__(self, config: ModemConfig) -> None:
        """Open nothing yet."""
        self._config = config
        self._guard = threading.Lock()
        self._claim = _Claim(config.device)
        self._machine: Any = None
        self._trace = _Trace()
        self._arrived: list[Entry] = []
        self._pin_refused = False
        self._closing = threading.Event()

    @contextlib.contextmanager
    def in_use(self, *, wait: float) -> Iterator[Modem]:
        """Have the modem for oneself, opened. Waits at most ``wait`` seconds for others.

        :raises ModemAwayError: others have it, or it does not answer.
        """
        until = time.monotonic() + wait
        if not self._guard.acquire(timeout=max(wait, 0.01)):
            raise _busy()
        try:
            if self._machine is None:
                self._open(until)
            yield self
        finally:
            self._guard.release()

    def send_part(self, part: Entry) -> str:
        """Send one part and return the modem's reference, empty when it gave none.

        :raises PartError: it was not sent, or nobody can tell.
        """
        self._trace.forget()
        try:
            reference = self._machine.SendSMS(part)
        except gammu.GSMError as error:
            fault = explain(error, self._trace.read())
            if is_lost_line(error):
                self._drop()
            raise PartError(fault) from None
        finally:
            # It holds the text.
            self._trace.forget()
        return str(reference) if reference is not None and reference >= 0 else ""

    @property
    def is_open(self) -> bool:
        """Tell whether the line is still there after an error."""
        return self._machine is not None

    def entries(self) -> list[Entry]:
        """Return what lies in the modem's inboxes and what came by itself meanwhile."""
        found: list[Entry] = []
        try:
            self._machine.ReadDevice()
            location: int | None = None
            while len(found) < MOST_ENTRIES:
                where = {"Start": True} if location is None else {"Location": location}
                parts = self._machine.GetNextSMS(Folder=0, **where)
                if not parts:
                    break
                location = parts[0]["Location"]
                found.extend(part for part in parts if part.get("InboxFolder"))
        except gammu.ERR_EMPTY:
            pass
        except gammu.GSMError as error:
            if is_lost_line(error):
                self._drop()
        arrived, self._arrived = self._arrived, []
        return [*arrived, *found]

    def delete(self, locations: Sequence[int]) -> None:
        """Delete messages that were stored; one that is gone is no error."""
        for location in locations:
            try:
                self._machine.DeleteSMS(Folder=0, Location=location)
            except gammu.ERR_EMPTY:
                continue
            except gammu.GSMError as error:
                if is_lost_line(error):
                    self._drop()
                    return

    def signal(self) -> int | None:
        """Return the signal in percent, or None when the modem does not tell.

        :raises ModemAwayError: it does not answer.
        """
        try:
            percent = self._machine.GetSignalQuality()["SignalPercent"]
        except gammu.GSMError as error:
            if not is_lost_line(error):
                return None
            self._drop()
            raise _away(error) from None
        return int(percent) if percent >= 0 else None

    def close(self) -> None:
        """Close the line and let others have it."""
        with self._guard:
            self._drop()

    def _open(self, until: float) -> None:
        if self._pin_refused:
            # A SIM locks itself after three wrong PINs, so a refused one is not tried again.
            msg = "pin"
            raise ModemAwayError(
                msg, _("PIN kartu SIM ditolak. Perbaiki PIN di setelan kanal ini.")
            )
        if not self._claim.take(until):
            raise _busy()
        machine = gammu.StateMachine()
        try:
            machine.SetConfig(0, {**self._config.gammu, **self._trace.config})
            machine.Init()
            self._unlock(machine)
            machine.SetIncomingCallback(self._came_in)
            with contextlib.suppress(gammu.GSMError):
                machine.SetIncomingSMS(True)  # noqa: FBT003 - libGammu's own signature
        except gammu.GSMError as error:
            self._claim.give_up()
            raise _away(error) from None
        except ModemAwayError:
            with contextlib.suppress(gammu.GSMError):
                machine.Terminate()
            self._claim.give_up()
            raise
        self._machine = machine
        self._closing = threading.Event()
        threading.Thread(
            target=self._look_out, args=(self._closing,), name="abah-modem", daemon=True
        ).start()

    def _unlock(self, machine: Any) -> None:
        try:
            needed = machine.GetSecurityStatus()
        except gammu.GSMError:
            return
        if needed is None:
            return
        if needed == "PIN" and self._config.pin:
            try:
                machine.EnterSecurityCode("PIN", self._config.pin)
            except gammu.GSMError:
                self._pin_refused = True
                msg = "pin"
                raise ModemAwayError(
                    msg, _("PIN kartu SIM ditolak. Perbaiki PIN di setelan kanal ini.")
                ) from None
            return
        raise ModemAwayError(
            str(needed),
            _("Kartu SIM meminta ${code}. Isi PIN di setelan kanal ini.", mapping={"code": needed}),
        )

    def _came_in(self, _machine: Any, kind: str, data: Any) -> None:
        """Take what the modem says by itself; what it also stores is read there."""
        if kind == "SMS" and isinstance(data, Mapping) and not data.get("Location"):
            self._arrived.append(dict(data))

    def _drop(self) -> None:
        machine, self._machine = self._machine, None
        if machine is None:
            return
        self._closing.set()
        with contextlib.suppress(gammu.GSMError):
            machine.Terminate()
        self._trace.forget()
        self._claim.give_up()

    def _look_out(self, closing: threading.Event) -> None:
        """Hand the modem on when another process waits for it and nobody uses it here."""
        while not closing.wait(LOOK_SECONDS):
            if self._claim.is_wanted() and self._guard.acquire(blocking=False):
                try:
                    if not closing.is_set():
                        self._drop()
                finally:
                    self._guard.release()


class _Claim:
    """Which process has the modem: a locked file named after it, and one to ask for it."""

    def __init__(self, device: str) -> None:
        name = hashlib.sha256(os.path.realpath(device).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir())
        self._held_path = folder / f"abah-modem-{name}.lock"
        self._wanted_path = folder / f"abah-modem-{name}.wanted"
        self._held: int | None = None

    def take(self, until: float) -> bool:
        """Take the modem, asking whoever has it to hand it on; False when the time is over."""
        held = os.open(self._held_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if _locked(held):
            self._held = held
            return True
        wanted = os.open(self._wanted_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            while time.monotonic() < until:
                _locked(wanted, shared=True)
                time.sleep(0.05)
                if _locked(held):
                    self._held = held
                    return True
        finally:
            os.close(wanted)
        os.close(held)
        return False

    def give_up(self) -> None:
        """Let the next process have it."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held)

    def is_wanted(self) -> bool:
        """Tell whether another process is waiting."""
        wanted = os.open(self._wanted_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            return not _locked(wanted)
        finally:
            os.close(wanted)


class _Trace:
    """What libGammu notes of its conversation. In memory only: texts and numbers stand in it."""

    def __init__(self) -> None:
        self._file = os.memfd_create("abah-gammu") if hasattr(os, "memfd_create") else None

    def __del__(self) -> None:
        """Forget everything."""
        if self._file is not None:
            os.close(self._file)

    @property
    def config(self) -> dict[str, Any]:
        """What libGammu is told."""
        if self._file is None:
            return {}
        return {
            "DebugFile": f"/proc/self/fd/{self._file}",
            "DebugLevel": "errors",
            "UseGlobalDebugFile": False,
        }

    def read(self) -> str:
        """Return what was noted since it was last forgotten."""
        if self._file is None:
            return ""
        size = os.fstat(self._file).st_size
        return os.pread(self._file, size, 0).decode("utf-8", errors="replace")

    def forget(self) -> None:
        """Free the memory; libGammu appends."""
        if self._file is not None:
            os.ftruncate(self._file, 0)


def _locked(file: int, *, shared: bool = False) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _busy() -> ModemAwayError:
    return ModemAwayError("busy", _("Modem sedang dipakai proses lain."), busy=True)


def _away(error: gammu.GSMError) -> ModemAwayError:
    code = type(error).__name__
    return ModemAwayError(code, _("Modem tidak dapat dipakai (${code}).", mapping={"code": code}))
