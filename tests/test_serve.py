"""`make run` for real: it prepares, serves, restarts what dies, stops cleanly, and never seeds for real use."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldapp import serve
from fieldapp.config import ROOT, BadSetting, from_environment
from tests.processes import Product


def test_a_demo_starts_says_how_to_use_it_and_stops_without_a_trace(tmp_path: Path) -> None:
    with Product(tmp_path / "instance", HOST="127.0.0.2") as product:
        product.wait_until(lambda: "Ctrl-C stops everything" in product.said())
        for words in (f"Fieldapp is at {product.url}\n", "演示", "vik", "dora", "otto", "demo"):
            assert words in product.said()
        children = product.children()
        assert len(children) == 3
    assert product.process is not None and product.process.returncode == 0
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert "stopped" in product.said()


def test_whatever_is_killed_comes_back_and_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    product = Product(tmp_path / "instance").__enter__()
    for name in ("fieldapp.worker", "fieldapp.darkroom", "granian"):
        first = product.child(name)
        os.kill(first, signal.SIGKILL)
        product.wait_until(lambda: any(name in c and p != first for p, c in product.children().items()))  # noqa: B023
        product.wait_until(lambda: product.ready()[0] == 200)
    children = product.children()
    assert product.process
    product.process.kill()
    product.process.wait()
    product.wait_until(lambda: not [pid for pid in children if _alive(pid)])


def test_a_real_instance_is_never_seeded_and_gets_its_admin_by_a_link(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with Product(instance, demo=False) as product:
        assert "create-admin" in product.said()
        with sqlite3.connect(instance / "fieldapp.sqlite3") as database:
            assert database.execute("SELECT count(*) FROM users").fetchone() == (0,)
            assert database.execute("SELECT count(*) FROM areas").fetchone() == (309,)
        made = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "create-admin", "--name", "陈管"],
            cwd=ROOT, env=product.env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert made.stdout.startswith(f"{product.url}/invite/")
        open_to_others = [path for path in (instance, *instance.rglob("*")) if path.stat().st_mode & 0o077]
        assert open_to_others == [], "nobody else on the machine reads what is kept"
    assert "UMask=0077" in (ROOT / "deploy/fieldapp.service").read_text()


def test_a_second_start_right_after_a_stop_keeps_what_is_there_and_gets_its_port_back(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with Product(instance) as first:
        keys = {name: (instance / name).read_bytes() for name in ("session.key", "vapid.pem")}
        with sqlite3.connect(instance / "fieldapp.sqlite3") as database:
            database.execute("UPDATE users SET name = '改过' WHERE username = 'vik'")
        kept = socket.create_connection(("127.0.0.1", first.port))  # closed by the server: it lingers as TIME_WAIT
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert kept.recv(4096)
        assert first.process
        first.process.terminate()
        first.process.terminate()  # one wish to stop, signalled twice, still ends in peace
        assert first.process.wait(15) == 0
        with sqlite3.connect(instance / "fieldapp.sqlite3") as database:
            assert database.execute("SELECT count(*) FROM heartbeats").fetchone() == (0,)  # the workers said goodbye
    with kept, Product(instance, PORT=str(first.port)) as again:
        assert again.ready()[0] == 200
        with sqlite3.connect(instance / "fieldapp.sqlite3") as database:
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


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Its supervisor asks the web server all the time, and ends it at the first answer that does not come."""
    hurry = {"ASK_EVERY_S": 0.05, "START_WITHIN_S": 0.0, "MOST_FAILURES": 1}
    with Product(tmp_path_factory.mktemp("impatient") / "instance", hurry=hurry) as running:
        yield running


def test_a_port_in_use_is_refused_in_one_sentence_before_anything_is_made(impatient: Product, tmp_path: Path) -> None:
    late = Product(tmp_path / "theirs", PORT=str(impatient.port))
    with late.starting() as process:
        assert process.wait(10) == 2
    assert late.said().count("\n") == 1
    assert f"PORT={impatient.port} is already in use on 127.0.0.1" in late.said() and "PORT=..." in late.said()
    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_welcome_names_the_public_address_and_the_one_listened_on(tmp_path: Path, host: str) -> None:
    with Product(tmp_path / "instance", HOST=host, FIELDAPP_BASE_URL="https://sb.example.gov.cn") as product:
        product.wait_until(lambda: "Ctrl-C stops everything" in product.said())
        assert f"Fieldapp is at https://sb.example.gov.cn (here: {product.url})\n" in product.said()


@pytest.mark.parametrize("host", ["localhost", "203.0.113.7", ""])
def test_a_host_nobody_can_listen_on_is_named(host: str) -> None:
    with pytest.raises(BadSetting, match="HOST="):
        serve.refuse_what_is_taken(host, 8000)


def test_preparing_alone_keeps_it_private_too(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    env = os.environ | {"FIELDAPP_INSTANCE": str(instance)}
    subprocess.run([sys.executable, "-m", "fieldapp.prepare"], cwd=ROOT, env=env, check=True, umask=0o022)
    assert [path for path in (instance, *instance.rglob("*")) if path.stat().st_mode & 0o077] == []


def test_a_web_server_that_hangs_is_replaced_while_the_workers_are_looked_after(tmp_path: Path) -> None:
    hurry = {"ASK_EVERY_S": 0.2, "START_WITHIN_S": 8.0, "MOST_FAILURES": 2}  # but 5 s for every answer
    with Product(tmp_path / "instance", hurry=hurry) as product:
        hanging, worker = product.child("granian"), product.child("fieldapp.worker")
        os.killpg(hanging, signal.SIGSTOP)
        os.kill(worker, signal.SIGKILL)
        product.wait_until(lambda: any("fieldapp.worker" in c for p, c in product.children().items() if p != worker), 4)
        product.wait_until(lambda: product.ready()[0] == 200)
        assert product.child("granian") != hanging
        assert "web server has not answered 2 times in a row" in product.said()


def test_a_web_server_that_answers_is_left_alone(impatient: Product) -> None:
    server = impatient.child("granian")
    time.sleep(2)
    assert impatient.child("granian") == server and "not answered" not in impatient.said()


def test_a_question_never_waits_and_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        question = serve.Question("127.0.0.1", silent.getsockname()[1], until=time.monotonic() + 0.3)
        asked = time.monotonic()
        assert question.answer() is None
        assert time.monotonic() - asked < 0.2
        time.sleep(0.4)
        assert question.answer() is False
        question.close()


def test_a_child_that_ends_at_once_is_started_less_and_less_often(capsys: pytest.CaptureFixture[str]) -> None:
    child, now, pauses = serve.Child("worker", [sys.executable, "-c", ""]), 0.0, []
    for _ in range(7):
        now = _one_life(child, now, lasting=0.1)
        pauses.append(child.pause)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert "worker ended with 0: starting again in 30 s" in capsys.readouterr().out
    _one_life(child, now, lasting=60)
    assert child.pause == 1


def test_a_child_that_cannot_be_started_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    child = serve.Child("worker", ["/nowhere/python"])
    child.keep_alive(100.0)
    child.keep_alive(100.5)
    assert capsys.readouterr().out.count("worker did not start") == 1
    child.keep_alive(101.0)
    assert "starting again in 2 s" in capsys.readouterr().out


def test_ctrl_c_while_preparing_ends_it_without_a_trace(tmp_path: Path) -> None:
    product = Product(tmp_path / "instance")
    (tmp_path / "instance").mkdir()
    database = sqlite3.connect(tmp_path / "instance" / "fieldapp.sqlite3", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")  # preparing waits for us, up to ten seconds
    with contextlib.closing(database), product.starting() as process:
        product.wait_until(lambda: any("fieldapp.prepare" in command for command in product.children().values()))
        time.sleep(1)
        (preparing,) = product.children()
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to everybody in the foreground
        assert process.wait(5) == 0
    assert product.said().endswith("stopped\n") and "Traceback" not in product.said()
    assert not _alive(preparing)


def test_preparing_that_fails_is_said_and_starts_nothing(tmp_path: Path) -> None:
    product = Product(tmp_path / "instance", database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with product.starting() as process:
        assert process.wait(20) == 1
    assert product.said().endswith("Preparing failed, nothing was started. What went wrong is said above.\n")


def test_a_stop_during_the_start_does_not_take_long(tmp_path: Path) -> None:
    product = Product(tmp_path / "instance")
    with product.starting() as process:
        product.wait_until(lambda: any("granian" in command for command in product.children().values()))
        granian = product.child("granian")
        product.wait_until(lambda: product.children(granian))
        started = [granian, *product.children(granian)]
        process.terminate()
        assert process.wait(4) == 0
    assert not [pid for pid in started if _alive(pid)]


def test_a_second_ctrl_c_does_not_wait_for_who_hangs(tmp_path: Path) -> None:
    with Product(tmp_path / "instance") as product:
        os.kill(hanging := product.child("fieldapp.worker"), signal.SIGSTOP)
        assert product.process
        product.process.send_signal(signal.SIGINT)
        time.sleep(serve.SAME_PRESS_S + 0.2)
        assert product.process.poll() is None
        product.process.send_signal(signal.SIGINT)
        assert product.process.wait(3) == 0
    assert not _alive(hanging)


def _one_life(child: serve.Child, now: float, lasting: float) -> float:
    """Start the child, let it end `lasting` seconds later, and say when it may start again."""
    child.keep_alive(now)
    assert child.process
    child.process.wait()
    child.keep_alive(now + lasting)
    return child.restart_at


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
