"""The whole server as a process: it starts, says where it is, reloads, and stops without losing a reply."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.nursery import ran
from tests.support.server import DidNotStart, RunningServer
from tests.support.waiting import wait_until

CONTENT = b"Subject: hello\r\n\r\nHello.\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path) as running:
        yield running


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _send(port: int, content: bytes = CONTENT) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("ann@example.com", ["bob@example.com"], content)


def test_it_prints_where_to_point_an_application_and_a_sign_in_link(server: RunningServer) -> None:
    assert f"127.0.0.1:{server.smtp_port}" in server.output
    assert f"http://127.0.0.1:{server.viewer_port}/" in server.output
    assert "nothing is sent" in server.output
    assert server.sign_in_link is not None
    assert server.sign_in_link.startswith(server.viewer_url + "/sign-in/")
    assert _get(server.sign_in_link)[0] == 200


def test_mail_is_kept_and_the_vitals_tell_of_it(server: RunningServer) -> None:
    _send(server.smtp_port)
    assert _get(server.viewer_url + "/healthz") == (200, "ok\n")
    assert _get(server.viewer_url + "/readyz") == (200, "ready\n")
    wait_until(lambda: "\nmailwitness_index_lag_messages 0.0" in _get(server.viewer_url + "/metrics")[1])
    assert 'mailwitness_messages_accepted_total{application="default"} 1.0' in _get(server.viewer_url + "/metrics")[1]
    line = server.wait_for_log("accepted")
    assert line["sender"] == "ann@example.com"
    assert "hello" not in server.log_text.lower()


def test_the_archive_belongs_to_its_owner_alone(server: RunningServer) -> None:
    assert stat.S_IMODE(server.archive_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.archive_path / "control.sock").stat().st_mode) == 0o600


def test_sigterm_stops_with_exit_code_0_and_leaves_no_socket(server: RunningServer) -> None:
    assert server.stop() == 0
    assert not (server.archive_path / "control.sock").exists()


def test_sigint_stops_as_well(server: RunningServer) -> None:
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) == 0


def test_a_message_under_way_is_finished_before_the_server_stops(server: RunningServer) -> None:
    client = smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20)
    client.ehlo()
    client.mail("ann@example.com")
    client.rcpt("bob@example.com")
    assert client.docmd("DATA")[0] == 354
    client.send(b"Subject: last\r\n\r\n")
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: _is_refused(server.smtp_port))
    client.send(b"still here\r\n.\r\n")
    assert client.getreply()[0] == 250
    assert server.process.wait(20) == 0


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return True
    return False


def test_a_second_sigterm_stops_at_once(server: RunningServer) -> None:
    client = smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20)
    client.ehlo()
    client.mail("ann@example.com")
    client.rcpt("bob@example.com")
    client.docmd("DATA")
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: _is_refused(server.smtp_port))
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == -signal.SIGTERM


def test_after_a_kill_it_starts_again_on_the_same_folder(tmp_path: Path) -> None:
    with RunningServer(tmp_path, is_fresh=True) as server:
        _started_again(server)


def _started_again(server: RunningServer) -> None:
    _send(server.smtp_port)
    server.kill()
    assert (server.archive_path / "control.sock").exists()
    server.start()
    assert "messages_accepted" in _get(server.viewer_url + "/metrics")[1]
    assert _search(server, "") == 1


def _search(server: RunningServer, query: str) -> int:
    return len(ran("search", query, "-c", str(server.config_file), check=True).stdout.splitlines())


def test_a_taken_port_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(DidNotStart) as failure:
            RunningServer(tmp_path, environment={"MAILWITNESS_SMTP__PORT": str(port)})
        lines = str(failure.value).strip().splitlines()
        assert len(lines) == 1, lines
        assert f"127.0.0.1:{port}" in lines[0] or str(port) in lines[0]
        assert "in use" in lines[0]


def test_a_taken_viewer_port_is_one_line_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(DidNotStart) as failure:
            RunningServer(tmp_path, environment={"MAILWITNESS_VIEWER__PORT": str(other.getsockname()[1])})
        assert len(str(failure.value).strip().splitlines()) == 1
        assert "viewer" in str(failure.value)


def test_two_servers_cannot_share_an_archive(server: RunningServer) -> None:
    second = ran("serve", "-c", str(server.config_file))
    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1
    assert "Traceback" not in second.stderr
    _send(server.smtp_port)


def test_a_wrong_configuration_is_exit_code_78(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[smtp]\nport = 70000\nprot = 1\n")
    for command in ("serve", "check"):
        done = ran(command, "-c", str(tmp_path / "config.toml"))
        assert done.returncode == 78
        assert len(done.stderr.splitlines()) == 2


def test_sighup_takes_a_new_configuration_without_ending_sessions(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        client = smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20)
        client.ehlo()
        server.config_file.write_text(
            server.config_file.read_text().replace("[archive]", "max_recipients = 1\n[archive]")
        )
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("configuration reloaded")
        client.mail("ann@example.com")
        assert client.rcpt("bob@example.com")[0] == 250
        with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as second:
            second.ehlo()
            second.mail("ann@example.com")
            assert second.rcpt("bob@example.com")[0] == 250
            assert second.rcpt("eve@example.com")[0] == 452
        client.quit()


def test_sighup_with_a_broken_configuration_changes_nothing(server: RunningServer) -> None:
    server.config_file.write_text("[smtp]\nport = 70000\n")
    server.process.send_signal(signal.SIGHUP)
    line = server.wait_for_log("configuration not reloaded")
    assert "expected an integer from 0 to 65535" in line["problems"][0]
    _send(server.smtp_port)


def test_the_log_says_which_tables_wait_for_a_restart(server: RunningServer) -> None:
    server.config_file.write_text(server.config_file.read_text() + '\nhosts = ["mail.example.com"]\n')
    server.process.send_signal(signal.SIGHUP)
    assert server.wait_for_log("configuration reloaded")["needs_restart"] == ["viewer"]


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        with RunningServer(tmp_path, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}):
            assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"STOPPING=1"


def test_no_process_of_ours_stays_behind_after_a_kill(server: RunningServer) -> None:
    _send(server.smtp_port)
    wait_until(lambda: _children(server.process.pid))
    children = _children(server.process.pid)
    server.kill()
    wait_until(lambda: not any(os.path.exists(f"/proc/{child}/exe") for child in children))


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def test_a_port_that_a_reload_cannot_have_changes_nothing(server: RunningServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listener = f'[[smtp.listeners]]\nname = "second"\nport = {other.getsockname()[1]}\n'
        text = server.config_file.read_text().replace("port = 0\nhostname", "hostname", 1)
        server.config_file.write_text(f"{text}[[smtp.listeners]]\nport = 0\n{listener}")
        server.process.send_signal(signal.SIGHUP)
        assert "in use" in server.wait_for_log("configuration not reloaded")["problems"][0]
    _send(server.smtp_port)


def test_a_broken_promise_is_logged_without_what_was_in_memory() -> None:
    script = (
        "from relay import maillog\n"
        "def fail(password):\n    raise RuntimeError('broken')\n"
        "maillog.to_stderr(is_verbose=False, is_terminal={})\n"
        "try: fail('hunter' + '2')\n"
        "except RuntimeError as error: maillog.room_failed('test', error)\n"
    )
    for is_terminal in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", script.format(is_terminal)], capture_output=True, text=True, check=True
        )
        assert "broken" in done.stderr
        assert "hunter2" not in done.stderr
