"""`make run`: prepare everything, then keep the web server and the workers alive until told to stop."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from fieldapp import config
from fieldapp.config import BadSetting, Settings

RESTART_AFTER_S = 1.0
STOP_WITHIN_S = 10.0
SERVER_ALONE_S = 3.0
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process we keep alive."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    restart_at: float = field(default=0.0)

    def keep_alive(self) -> None:
        """Start it, or start it again a second after it died."""
        if self.process and self.process.poll() is None:
            return
        if self.process:
            print(f"{self.name} ended with {self.process.returncode}: restarting", flush=True)
            self.end_group(self.process.pid)
            self.process, self.restart_at = None, time.monotonic() + RESTART_AFTER_S
        if time.monotonic() >= self.restart_at:
            self.process = subprocess.Popen(  # noqa: S603  our own command line
                self.command, preexec_fn=_die_with_parent, start_new_session=True
            )

    @staticmethod
    def end_group(pid: int) -> None:
        """A server killed outright leaves children that go on listening; they are in the session we gave it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        if self.process and self.process.poll() is None:
            self.process.terminate()


def main() -> int:
    """Run until SIGINT or SIGTERM. The exit status is 0 for a clean stop, 2 for a bad setting."""
    try:
        settings = config.from_environment()
    except BadSetting as error:
        print(f"Setting refused: {error}", file=sys.stderr)
        return 2
    demo = prepare()
    module = [sys.executable, "-m"]
    children = [Child("web server", _granian(settings)), Child("alert worker", [*module, "fieldapp.worker"])]
    children += [Child("photo worker", [*module, "fieldapp.darkroom"]) for _ in range(settings.photo_workers)]
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopping.append(received))
    announced, started = False, time.monotonic()
    while not stopping:
        # the server alone at first: on two cores three starts at once make everybody wait
        together = announced or time.monotonic() - started > SERVER_ALONE_S
        for child in children if together else children[:1]:
            child.keep_alive()
        if not announced and _answers(settings):
            announced = True
            print(_welcome(settings, demo), flush=True)
        time.sleep(0.2 if announced else 0.05)
    _stop(children)
    return 0


def prepare() -> bool:
    """Migrate, make keys, fill in what is needed, in a process of its own; True when this is a demo instance."""
    command = [sys.executable, "-m", "fieldapp.prepare"]
    if os.environ.get("FIELDAPP_DEMO") == "1":
        command.append("--demo")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command line
    return "demo" in done.stdout


def _granian(settings: Settings) -> list[str]:
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", settings.host, "--port", str(settings.port),
        "--workers", str(settings.web_workers), "--blocking-threads", str(settings.web_threads),
        "--backpressure", str(settings.web_threads * 2), "--no-ws", "--log-level", "error",
        "--workers-kill-timeout", "5", "wsgi:app",
    ]  # fmt: skip


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _welcome(settings: Settings, demo: bool) -> str:
    lines = ["", f"随手报 Fieldapp is at {settings.base_url}", ""]
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


def _stop(children: list[Child]) -> None:
    for child in children:
        child.stop()
    deadline = time.monotonic() + STOP_WITHIN_S
    for child in children:
        if child.process:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.end_group(child.process.pid)
    print("stopped", flush=True)


def _die_with_parent() -> None:
    """A supervisor killed outright must not leave a server behind that holds the port (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    sys.exit(main())
