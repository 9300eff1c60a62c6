"""People who act on a running product over HTTP, as their phones do, without a browser."""

import json
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Self
from uuid import uuid4


class Caller:
    """Somebody who is logged in, over one kept connection. A context manager: it hangs up at the end."""

    def __init__(self, port: int, username: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookie = ""
        self.ask("POST", "/api/session", {"username": username, "password": "demo"})
        self.id = int(self.ask("GET", "/api/me")["id"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the JSON of its answer, which must be no refusal."""
        status, answer = self.asks(method, path, body)
        assert status < 400, f"{method} {path}: {status} {answer}"
        return answer

    def asks(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request; the status and the JSON of whatever is answered."""
        headers = {"X-Requested-With": "fieldapp", "Content-Type": "application/json", "Cookie": self._cookie}
        self._connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
        answer = self._connection.getresponse()
        text = answer.read()
        self._cookie = (answer.headers.get("Set-Cookie") or self._cookie).split(";")[0]
        return answer.status, json.loads(text) if text else None

    def report(self, text: str, severity: str = "red") -> dict[str, Any]:
        """The JSON body of a report as a phone sends it."""
        now = datetime.now(UTC).isoformat()
        return {
            "text": text, "category": None, "severity": severity, "village_code": None, "captured_at": now,
            "position": {"lat": 22.97, "lon": 115.33, "accuracy_m": 12.5, "age_s": 1, "source": "gps"},
            "client_now": now, "owner": self.id, "photos": [],
        }  # fmt: skip

    def files(self, text: str, severity: str = "red") -> str:
        """File a report; the number of its case."""
        report_id = uuid4()
        self.ask("PUT", f"/api/reports/{report_id}", self.report(text, severity))
        return str(self.ask("GET", f"/api/reports/{report_id}")["case_number"])

    def alerts(self, number: str) -> list[dict[str, Any]]:
        """What an officer sees of who was called for a case."""
        return list(self.ask("GET", f"/api/cases/{number}")["alerts"])
