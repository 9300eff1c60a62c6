"""What every instance starts with, and the demo township."""

import csv
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from fieldapp import clock, passwords
from fieldapp.db import db
from fieldapp.models import (
    Area,
    CalendarDay,
    CalendarYear,
    Category,
    Department,
    DispatchRule,
    Fact,
    Limit,
    OnCall,
    Rotation,
    SeverityLabel,
    User,
)
from fieldapp.rules.deadlines import DEFAULT_LIMITS
from fieldapp.rules.escalation import Rung
from fieldapp.rules.severity import Severity

DIVISIONS = Path(__file__).parent / "data" / "divisions.csv"
HOLIDAYS = Path(__file__).parent / "data" / "holidays.csv"
HOLIDAY_SOURCES = {
    2025: ("国务院办公厅关于2025年部分节假日安排的通知", date(2024, 11, 12)),
    2026: ("国务院办公厅关于2026年部分节假日安排的通知", date(2025, 11, 4)),
}
RUN_BY_ANOTHER_AUTHORITY = ("441521102", "441521103", "441521104", "441521105")
LETTERS = {
    "441521101": "ML", "441521102": "XM", "441521103": "EB", "441521104": "CS", "441521105": "HM",
    "441521106": "LA", "441521107": "TH", "441521108": "CK", "441521109": "DH", "441521110": "KT",
    "441521112": "HQ", "441521113": "PD", "441521115": "HC", "441521118": "GP", "441521119": "FC",
    "441521120": "CD",
}  # fmt: skip

# code, Chinese, English, finer kinds (docs/glossary.md says where they come from)
CATEGORIES = (
    ("facility", "公共设施", "Public facilities", (("井盖", "Manhole cover"), ("路灯", "Street light"), ("护栏", "Railing"))),
    ("fire", "消防安全", "Fire safety", (("通道堵塞", "Blocked exit"), ("电动车充电", "E-bike charging"), ("用火用电", "Fire and wiring"))),
    ("traffic", "道路交通", "Road traffic", ()),
    ("street", "市容环境", "Street and waste", (("暴露垃圾", "Exposed waste"), ("积水", "Standing water"), ("占道", "Blocked pavement"))),
    ("dispute", "矛盾纠纷", "Dispute", (("邻里", "Neighbours"), ("婚恋家庭", "Family"), ("房产物业", "Property"), ("劳动欠薪", "Unpaid wages"),
                                    ("消费", "Consumer"), ("土地山林水利", "Land, woods, water"), ("损害赔偿", "Damages"))),
    ("site", "施工与建筑", "Building safety", ()),
    ("security", "治安隐患", "Unsafe place", (("巷道无灯", "Unlit alley"), ("门锁损坏", "Broken lock"))),
    ("help", "求助帮扶", "Help needed", (("老人走失", "Lost elder"), ("儿童涉水", "Child in water"), ("有人不适", "Someone unwell"))),
    ("nature", "自然灾害", "Natural hazard", (("内涝", "Flooding"), ("树木倒伏", "Fallen tree"), ("滑坡", "Landslide"))),
    ("other", "其他", "Other", ()),
)  # fmt: skip
SEVERITIES = (
    (Severity.BLUE, "一般", "routine"),
    (Severity.YELLOW, "较急", "pressing"),
    (Severity.RED, "紧急", "urgent"),
)
NOT_A_TILE = ("site",)  # a patrol taps at most nine large tiles; the desk has all kinds

DEMO_TOWN, DEMO_VILLAGE, OTHER_TOWN, COUNTY = "441521115", "441521115004", "441521119", "441521"
DEMO_PASSWORD = "demo"
DEMO_ACCOUNTS = (
    ("vik", "林阿伯", "patrol", DEMO_VILLAGE),
    ("ada", "陈安", "responder", DEMO_TOWN),
    ("ben", "黄本", "responder", DEMO_TOWN),
    ("dora", "吴朵", "duty", DEMO_TOWN),
    ("lea", "李雷", "leader", DEMO_TOWN),
    ("lin", "林敏", "liaison", DEMO_TOWN),
    ("ana", "安娜", "analyst", COUNTY),
    ("root", "管理员", "admin", DEMO_TOWN),
    ("otto", "欧拓", "duty", OTHER_TOWN),
)


def reference_data() -> None:
    """Divisions, categories, severities and limits; rows that exist stay as an admin left them."""
    _areas()
    _categories()
    for severity, name, english in SEVERITIES:
        if db.session.get(SeverityLabel, severity) is None:
            db.session.add(SeverityLabel(severity=severity, name=name, name_en=english))
    known = {(row.severity, row.step) for row in db.session.scalars(select(Limit)) if row.category_code == ""}
    for (level, step), minutes in DEFAULT_LIMITS.items():
        if (level, step.value) not in known:
            db.session.add(Limit(severity=level, step=step, category_code="", minutes=minutes, kind="natural"))
    _holidays()
    db.session.flush()


def demo(now: datetime) -> bool:
    """The demo township in an empty database; False, and nothing written, when there is any account."""
    if db.session.scalar(select(User.id).limit(1)) is not None:
        return False
    reference_data()
    department = Department(town_code=DEMO_TOWN, name="市政管理所")
    db.session.add_all([department, Fact(name="demo", value="1")])
    db.session.flush()
    db.session.add(
        DispatchRule(town_code=DEMO_TOWN, category_code="facility", department_id=department.id, created_at=now)
    )
    password = passwords.demo_hash(DEMO_PASSWORD)
    for username, name, role, area in DEMO_ACCOUNTS:
        user = User(username=username, name=name, role=role, area_code=area, created_at=now, password_hash=password)
        user.department_id = department.id if role == "liaison" else None
        db.session.add(user)
        db.session.flush()
        if role in ("responder", "leader"):
            rung = Rung.ON_CALL if role == "responder" else Rung.LEADER
            db.session.add(OnCall(town_code=DEMO_TOWN, user_id=user.id, rung=rung, starts_at=now))
    _rotations(now)
    return True


def _rotations(now: datetime) -> None:
    """From tomorrow on, so that tonight is held by whoever was put on by hand and by nobody else."""
    tomorrow = clock.local(now).date() + timedelta(days=1)
    for rung, name, usernames in ((Rung.ON_CALL, "备勤", ("ada", "ben")), (Rung.LEADER, "带班", ("lea",))):
        members = [db.session.scalars(select(User.id).where(User.username == one)).one() for one in usernames]
        db.session.add(
            Rotation(
                town_code=DEMO_TOWN,
                rung=rung,
                name=name,
                members=members,
                starts_on=tomorrow,
                ends_on=None,
                cuts=["08:00"],
                turn=1,
                days="all",
                created_at=now,
            )
        )


def _areas() -> None:
    if db.session.get(Area, COUNTY) is not None:
        return
    with DIVISIONS.open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    for level in ("county", "town", "village"):  # parents first: the database checks
        for row in rows:
            if row["level"] == level:
                db.session.add(
                    Area(
                        code=row["code"],
                        name=row["name"],
                        parent_code=row["parent_code"] or None,
                        level=level,
                        letters=LETTERS.get(row["code"]),
                        enabled=not row["code"].startswith(RUN_BY_ANOTHER_AUTHORITY),
                    )
                )
        db.session.flush()


def _holidays() -> None:
    """The published years; one that is in the table already is left as the admin left it."""
    with HOLIDAYS.open(encoding="utf-8") as source:
        rows = [(date.fromisoformat(row["day"]), row["kind"], row["name"]) for row in csv.DictReader(source)]
    kept = set(db.session.scalars(select(CalendarYear.year)))
    kept |= {day.year for day in db.session.scalars(select(CalendarDay.day))}
    for year, (title, published_on) in HOLIDAY_SOURCES.items():
        if year not in kept:
            published_at = datetime(published_on.year, published_on.month, published_on.day, tzinfo=clock.LOCAL)
            db.session.add(CalendarYear(year=year, source=title, published_at=published_at))
            db.session.add_all(
                CalendarDay(day=day, kind=kind, name=name) for day, kind, name in rows if day.year == year
            )


def _categories() -> None:
    if db.session.scalar(select(Category.code).limit(1)) is not None:
        return
    for position, (code, name, english, finer) in enumerate(CATEGORIES, start=1):
        tile = None if code in NOT_A_TILE else position
        db.session.add(Category(code=code, name=name, name_en=english, tile=tile, parent_code=None))
        db.session.flush()
        for number, (sub, sub_english) in enumerate(finer, start=1):
            db.session.add(
                Category(code=f"{code}-{number}", parent_code=code, name=sub, name_en=sub_english, tile=None)
            )
    db.session.flush()
