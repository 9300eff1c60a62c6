"""`make run` for real: it prepares, serves, restarts what dies, stops cleanly, and never seeds for real use."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fieldapp.config import ROOT, BadSetting, from_environment
from tests.processes import Product


def test_a_demo_starts_says_how_to_use_it_and_stops_without_a_trace(tmp_path: Path) -> None:
    with Product(tmp_path / "instance") as product:
        said = product.log.read_text()
        for words in (product.url, "演示", "vik", "dora", "otto", "demo"):
            assert words in said
        children = product.children()
        assert len(children) == 3
    assert product.process is not None and product.process.returncode == 0
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert "stopped" in product.log.read_text()


@pytest.mark.parametrize("worker", ["fieldapp.worker", "fieldapp.darkroom", "granian"])
def test_a_worker_that_is_killed_comes_back(tmp_path: Path, worker: str) -> None:
    with Product(tmp_path / "instance") as product:
        first = product.child(worker)
        os.kill(first, signal.SIGKILL)
        product.wait_until(lambda: any(worker in c and p != first for p, c in product.children().items()))
        product.wait_until(lambda: product.ready()[0] == 200)


def test_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    product = Product(tmp_path / "instance").__enter__()
    children = product.children()
    assert product.process
    product.process.kill()
    product.process.wait()
    product.wait_until(lambda: not [pid for pid in children if _alive(pid)])


def test_a_real_instance_is_never_seeded_and_gets_its_admin_by_a_link(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with Product(instance, demo=False) as product:
        assert "create-admin" in product.log.read_text()
        with sqlite3.connect(instance / "fieldapp.sqlite3") as database:
            assert database.execute("SELECT count(*) FROM users").fetchone() == (0,)
            assert database.execute("SELECT count(*) FROM areas").fetchone() == (309,)
        made = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "create-admin", "--name", "陈管"],
            cwd=ROOT, env=product.env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert made.stdout.startswith(f"{product.url}/invite/")


def test_a_second_start_keeps_what_is_there(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with Product(instance):
        keys = {name: (instance / name).read_bytes() for name in ("session.key", "vapid.pem")}
        with sqlite3.connect(instance / "fieldapp.sqlite3") as database:
            database.execute("UPDATE users SET name = '改过' WHERE username = 'vik'")
    with Product(instance), sqlite3.connect(instance / "fieldapp.sqlite3") as database:
        assert database.execute("SELECT name FROM users WHERE username = 'vik'").fetchone() == ("改过",)
        assert {name: (instance / name).read_bytes() for name in keys} == keys


@pytest.mark.parametrize(
    "env",
    [{"PORT": "eighty"}, {"PORT": "0"}, {"DATABASE_URL": "mysql://x"}, {"FIELDAPP_BASE_URL": "town"},
     {"FIELDAPP_PUSH_CONTACT": "me"}, {"FIELDAPP_WEB_THREADS": "-1"}],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_named(env: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=next(iter(env))):
        from_environment(env)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
