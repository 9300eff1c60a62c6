"""`make run`: prepare everything, then keep the web server and the workers alive until told to stop."""

import contextlib
import ctypes
import errno
import ipaddress
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldapp import config
from fieldapp.config import BadSetting, Settings

RESTART_AFTER_S = 1.0
RESTART_AT_LATEST_S = 30.0
STEADY_S = 30.0  # who lives this long did not die at once
STOP_WITHIN_S = 10.0
SERVER_ALONE_S = 3.0
START_WITHIN_S = 60.0  # on the slowest machine; until then silence is no news
ASK_EVERY_S = 10.0
ASK_TIMEOUT_S = 5.0
MOST_FAILURES = 4
SAME_PRESS_S = 1.0  # `timeout make run` and the like signal us twice for one wish
PRIVATE = 0o077
PR_SET_PDEATHSIG = 1


class StopAsked:
    """True once SIGTERM or SIGINT came."""

    def __init__(self) -> None:
        self._at: list[float] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._at.append(time.monotonic()))

    def __bool__(self) -> bool:
        return bool(self._at)

    @property
    def urgently(self) -> bool:
        """Whether somebody asked again, later: they do not want to wait."""
        return len(self._at) > 1 and self._at[-1] - self._at[0] > SAME_PRESS_S


@dataclass
class Child:
    """One process we keep alive. Times are seconds of the monotonic clock."""

    name: str
    command: list[str]
    process: subprocess.Popen[Any] | None = None
    started: float = 0.0
    restart_at: float = 0.0
    pause: float = 0.0

    def keep_alive(self, now: float) -> None:
        """Start it, or start it again a second after it ended; later and later when it ends at once every time."""
        if self.process and self.process.poll() is not None:
            self.kill()
            self._later(f"ended with {self.process.returncode}", now)
        if self.process or now < self.restart_at:
            return
        self.started = now
        try:
            self.process = _start(self.command)
        except (OSError, subprocess.SubprocessError) as error:  # no memory, no processes left: that may pass
            self._later(f"did not start ({error})", now)

    def _later(self, why: str, now: float) -> None:
        early = now - self.started < STEADY_S
        self.pause = min(max(RESTART_AFTER_S, 2 * self.pause), RESTART_AT_LATEST_S) if early else RESTART_AFTER_S
        self.process, self.restart_at = None, now + self.pause
        print(f"{self.name} {why}: starting again in {self.pause:.0f} s", flush=True)

    @property
    def runs(self) -> bool:
        """Whether there is a process and it has not ended."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask it to end."""
        if self.process and self.runs:
            self.process.terminate()

    def kill(self) -> None:
        """End it outright, and what it started: a dead server's children go on listening, in the session we gave it."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Question:
    """One GET /healthz on its way to the server. Nothing here waits."""

    def __init__(self, host: str, port: int, until: float) -> None:
        self._until, self._sent = until, False
        self._socket = socket.socket(_family(host), socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.connect_ex((host, port))

    def answer(self) -> bool | None:
        """Whether the server is well; None while that is not known. Raises OSError when it cannot be reached."""
        if not self._sent and select.select([], [self._socket], [], 0)[1]:
            self._socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self._sent = True
        if self._sent and select.select([self._socket], [], [], 0)[0]:
            return self._socket.recv(4096).startswith(b"HTTP/1.1 200 ")
        return None if time.monotonic() < self._until else False

    def close(self) -> None:
        """Forget it."""
        self._socket.close()


class Watch:
    """Asks the web server whether it is well: all the time until it first is, then every ten seconds.

    It never waits for an answer: a server that hangs must not keep the supervisor from its other children.
    """

    def __init__(self, settings: Settings, server: Child) -> None:
        self._host, self._port, self._server = _own_host(settings), settings.port, server
        self._question: Question | None = None
        self._ask_at = 0.0
        self._failures = 0
        self.answered = False

    def look(self, now: float) -> None:
        """Ask when it is time, take the answer when it is there, end a server that fails again and again."""
        if self._question is None and now < self._ask_at:
            return
        try:
            self._question = self._question or Question(self._host, self._port, now + ASK_TIMEOUT_S)
            well = self._question.answer()
        except OSError:
            well = False
        if well is not None:
            self._forget_question()
            self._note(well, now)

    def _forget_question(self) -> None:
        if self._question:
            self._question.close()
        self._question = None

    def _note(self, well: bool, now: float) -> None:
        self.answered = self.answered or well
        # before the first answer nothing proves that we can reach it at all
        expected = self.answered and self._server.runs and now - self._server.started > START_WITHIN_S
        self._failures = self._failures + 1 if expected and not well else 0
        self._ask_at = now + ASK_EVERY_S if self.answered else now
        if self._failures >= MOST_FAILURES:
            print(f"{self._server.name} has not answered {self._failures} times in a row: ending it", flush=True)
            self._failures = 0
            self._server.kill()  # who hangs does not hear a polite SIGTERM; keep_alive starts it again


def main() -> int:
    """Run until SIGINT or SIGTERM; one more a second later ends everything at once.

    The exit status is 0 for a stop that was asked for, 1 when preparing failed, 2 for a bad setting or a taken port.
    """
    os.umask(PRIVATE)  # names, places and photos are not for this machine's other users
    stop = StopAsked()
    try:
        settings = config.from_environment()
        refuse_what_is_taken(settings.host, settings.port)
    except BadSetting as error:
        print(f"Setting refused: {error}", file=sys.stderr)
        return 2
    prepared = prepare(stop)
    if prepared and not stop:
        run(settings, prepared == "demo", stop)
    if not prepared and not stop:
        print("Preparing failed, nothing was started. What went wrong is said above.", file=sys.stderr)
        return 1
    print("stopped", flush=True)
    return 0


def refuse_what_is_taken(host: str, port: int) -> None:
    """Raise BadSetting when nobody can listen there.

    The web server itself would not notice: it shares its port (SO_REUSEPORT) with whoever else is willing.
    """
    try:
        with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections must not delay a restart
            probe.bind((host, port))
    except ValueError:
        raise BadSetting(f"HOST={host!r}: wanted an IP address, like 127.0.0.1 or 0.0.0.0") from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise BadSetting(f"HOST={host} PORT={port}: {error.strerror}") from None
        way_out = "stop what listens there, or choose another port with PORT=..."
        raise BadSetting(f"PORT={port} is already in use on {host}: {way_out}") from None


def prepare(stop: StopAsked) -> str:
    """Migrate, make keys, fill in what is needed, in a process of its own.

    Its last word, "demo" or "ready"; nothing when it failed or was stopped. Stopping it half-way is safe.
    """
    command = [sys.executable, "-m", "fieldapp.prepare"]
    if os.environ.get("FIELDAPP_DEMO") == "1":
        command.append("--demo")
    process = _start(command, stdout=subprocess.PIPE, text=True)
    while True:
        try:
            said, _ = process.communicate(timeout=0.1)
        except subprocess.TimeoutExpired:
            if stop:
                process.terminate()
            continue
        return said.split()[-1] if process.returncode == 0 else ""


def run(settings: Settings, demo: bool, stop: StopAsked) -> None:
    """Keep everything alive until asked to stop; then end everything."""
    module = [sys.executable, "-m"]
    server = Child("web server", _granian(settings))
    workers = [Child("alert worker", [*module, "fieldapp.worker"])]
    workers += [Child("photo worker", [*module, "fieldapp.darkroom"]) for _ in range(settings.photo_workers)]
    watch, welcomed, started = Watch(settings, server), False, time.monotonic()
    try:
        while not stop:
            now = time.monotonic()
            watch.look(now)
            # the server alone at first: on two cores three starts at once make everybody wait
            together = watch.answered or now - started > SERVER_ALONE_S
            for child in [server, *workers] if together else [server]:
                child.keep_alive(now)
            if watch.answered and not welcomed:
                welcomed = True
                print(_welcome(settings, demo), flush=True)
            time.sleep(0.2 if welcomed else 0.02)
    finally:
        if not watch.answered:
            server.kill()  # it has no requests to finish, and asked politely takes five seconds to break off its start
        _stop([server, *workers], stop)


def _granian(settings: Settings) -> list[str]:
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", settings.host, "--port", str(settings.port),
        "--workers", str(settings.web_workers), "--blocking-threads", str(settings.web_threads),
        "--backpressure", str(settings.web_threads * 2), "--no-ws", "--log-level", "error",
        "--workers-kill-timeout", "5", "wsgi:app",
    ]  # fmt: skip


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET


def _own_host(settings: Settings) -> str:
    """Where this machine itself finds the server: a wildcard is no address to go to."""
    address = ipaddress.ip_address(settings.host)
    if not address.is_unspecified:
        return settings.host
    return "::1" if address.version == 6 else "127.0.0.1"


def _own_url(settings: Settings) -> str:
    host = _own_host(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _where(settings: Settings) -> str:
    own = _own_url(settings)
    if settings.base_url == own:
        return own
    return f"{settings.base_url} (here: {own})"


def _welcome(settings: Settings, demo: bool) -> str:
    lines = ["", f"随手报 Fieldapp is at {_where(settings)}", ""]
    if demo:
        lines += [
            "This is a DEMO (演示). Password of every account: demo",
            "  vik    patrol volunteer   file a report on the phone page /",
            "  dora   duty officer       the desk at /desk",
            "  ada, ben  responders      /tasks: 签收, 出发, 到场, 处置反馈",
            "  lea    leader · lin  liaison · ana  county analyst · root  admin · otto  duty officer of 附城镇",
            "",
            "Try: log in as vik in one browser and as dora in another, file a report, watch the desk.",
        ]
    else:
        lines += ["Make the first admin with: flask --app wsgi create-admin --name NAME (prints a one-time link)"]
    return "\n".join([*lines, "Ctrl-C stops everything.", ""])


def _stop(children: list[Child], stop: StopAsked) -> None:
    """Ask all to end, give them ten seconds unless somebody cannot wait, end what is left."""
    for child in children:
        child.stop()
    print("stopping: asked once more, it does not wait", flush=True)
    deadline = time.monotonic() + STOP_WITHIN_S
    while any(child.runs for child in children) and time.monotonic() < deadline and not stop.urgently:
        time.sleep(0.02)
    for child in children:
        child.kill()
    for child in children:
        if child.process:
            child.process.wait()  # then its port is free


def _start(command: list[str], **more: Any) -> subprocess.Popen[Any]:
    """A process in a session of its own, so that a Ctrl-C in the terminal reaches only us."""
    return subprocess.Popen(  # noqa: S603  our own command lines
        command, preexec_fn=_die_with_parent, start_new_session=True, **more
    )


def _die_with_parent() -> None:
    """A supervisor killed outright must not leave a server behind that holds the port (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    sys.exit(main())
