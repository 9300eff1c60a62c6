"""One evening in the township, made through the API: cases at every step, for pages to be looked at."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from PIL import Image
from playwright.sync_api import APIRequestContext, Browser

from tests.browser.people import HEADERS
from tests.processes import Product

STEPS = ("acknowledge", "depart", "arrive", "report_outcome")
LONG = (
    "南门市场东侧第三个巷口的井盖碎了一半，晚上没有灯，骑车的人看不见，已经有两个孩子差点踩空，"
    "旁边的店主用纸箱挡着，一下雨就会被冲走，请尽快派人来。"
)


def picture() -> bytes:
    """A photo as small as photos get."""
    target = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(target, "JPEG")
    return target.getvalue()


@dataclass
class Evening:
    """Addresses by name, for a page's path to be filled in with."""

    browser: Browser
    product: Product
    people: dict[str, APIRequestContext] = field(default_factory=dict)

    def who(self, username: str) -> APIRequestContext:
        if username not in self.people:
            person = self.browser.new_context(base_url=self.product.url, extra_http_headers=HEADERS).request
            assert person.post("/api/session", data={"username": username, "password": "demo"}).status == 204
            self.people[username] = person
        return self.people[username]

    def files(self, text: str, severity: str = "blue", by: str = "vik") -> tuple[str, str]:
        """A report of tonight: its id and its case's number."""
        person, report = self.who(by), str(uuid4())
        now = datetime.now(UTC).isoformat()
        body: dict[str, Any] = {
            "text": text, "category": "facility", "severity": severity, "village_code": None, "photos": [],
            "position": {"lat": 22.97, "lon": 115.33, "accuracy_m": 12.5, "age_s": 1, "source": "gps"},
            "captured_at": now, "client_now": now, "owner": person.get("/api/me").json()["id"],
        }  # fmt: skip
        answer = person.put(f"/api/reports/{report}", data=body)
        assert answer.status == 201, answer.text()
        return report, person.get(f"/api/reports/{report}").json()["case_number"]

    def does(self, username: str, action: str, number: str, **more: Any) -> None:
        person = self.who(username)
        version = self.who("dora").get(f"/api/cases/{number}").json()["version"]
        answer = person.post(f"/api/cases/{number}/transitions", data={"action": action, "version": version} | more)
        assert answer.status == 200, answer.text()

    def called(self, text: str, severity: str, steps: int = 0) -> tuple[str, str]:
        """A case ada was sent to, and how many steps she has taken."""
        report, number = self.files(text, severity)
        self.does("dora", "dispatch", number, to=["ada", "ben"], note="请带警示桩，路上小心")
        for step in STEPS[:steps]:
            self.does("ada", step, number, note="已放警示桩，通知市政明早换盖")
        return report, number

    def closed(self, text: str) -> tuple[str, str]:
        report, number = self.called(text, "yellow", steps=4)
        self.does("dora", "verify", number)
        self.does("dora", "close", number, note="井盖已更换，谢谢您")
        return report, number

    def declined(self) -> tuple[str, str]:
        report, number = self.files("邻居家的狗半夜叫")
        self.does("dora", "decline", number, note="请先和邻居说一声，不行再找村委")
        return report, number

    def invitation(self) -> str:
        """The way to a welcome page."""
        form = {"name": "郑伯", "role": "patrol", "area_code": "441521115004"}
        page = self.who("dora").post("/desk/invitations", form=form).text()
        return "/invite/" + page.split("/invite/")[1].split('"')[0]

    def code_of(self, number: str) -> str:
        """The way to a case's public page."""
        page = self.who("dora").get(f"/desk/cases/{number}/code").text()
        return "/c/" + page.split("/c/")[1].split('"')[0]

    def close(self) -> None:
        for person in self.people.values():
            person.dispose()


def spend(evening: Evening) -> dict[str, str]:
    """Everything that happened, as names for `Screen.path`."""
    made: dict[str, Callable[[], tuple[str, str]]] = {
        "new": lambda: evening.files("楼道堆满纸箱", "yellow"),
        "red": lambda: evening.files(LONG, "red", by="ben"),
        "called": lambda: evening.called("井盖破损，夜间危险", "red"),
        "signed": lambda: evening.called("路灯不亮", "yellow", steps=1),
        "gone": lambda: evening.called("电动车在楼道里充电", "yellow", steps=2),
        "there": lambda: evening.called("巷口积水", "blue", steps=3),
        "answered": lambda: evening.called("占道经营", "blue", steps=4),
        "closed": lambda: evening.closed("树枝压在电线上"),
        "declined": evening.declined,
    }
    names: dict[str, str] = {}
    for name, make in made.items():
        names[f"{name}_report"], names[name] = make()
    return names | {"welcome": evening.invitation(), "progress": evening.code_of(names["there"])}
