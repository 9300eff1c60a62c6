"""nginx in front of a town, with the settings of deploy/nginx.conf on a free port and without TLS."""

import re
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

from common import ROOT, Town, _answers, free_port

WHOLE = """pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {server}
}}
"""
NOT_HERE = re.compile(r"^ *(ssl_|http2 |location = /metrics|# numbers).*$", re.MULTILINE)


def installed() -> bool:
    return shutil.which("nginx") is not None


class Proxy:
    """Up within the block; `port` is where callers go."""

    def __init__(self, town: Town) -> None:
        self.port = free_port()
        self._folder = town.folder / "nginx"
        self._folder.mkdir(exist_ok=True)
        self._folder.chmod(0o755)
        (self._folder / "nginx.conf").write_text(WHOLE.format(folder=self._folder, server=self._server(town)))

    def __enter__(self) -> "Proxy":
        command = ["nginx", "-c", str(self._folder / "nginx.conf"), "-g", "daemon off; user root;"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not _answers(f"http://127.0.0.1:{self.port}/healthz"):
            if time.monotonic() > deadline:
                raise SystemExit(Path(self._folder / "nginx.log").read_text())
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _server(self, town: Town) -> str:
        """The proxying half of deploy/nginx.conf, on our ports."""
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        server = NOT_HERE.sub("", text[text.rindex("server {") :])
        return server.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port};").replace(
            "127.0.0.1:8000", f"127.0.0.1:{town.settings.port}"
        )
