"""`mailwitness render`: what it shows is what the copy is made of."""

from __future__ import annotations

from pathlib import Path

from tests.support.nursery import ROOT, ran
from tests.support.prompt import Prompt

LETTER = (
    "From: ann@example.com\nTo: bob@example.com\nSubject: x\nContent-Type: text/html\n\n"
    '<p><a href="https://shop.example/?a=1&amp;b=2">x</a> <a href="mailto:a@b.example">\x1b[2Jm</a></p>\n'
)


def render(folder: Path, *arguments: str, letter: str = LETTER, code: int = 0, config: str = "") -> str:
    (folder / "config.toml").write_text(config)
    (folder / "letter.eml").write_text(letter, newline="")
    prompt = Prompt(folder / "config.toml", "render", str(folder / "letter.eml"), "--to", "bob@example.com")
    return prompt(*arguments, code=code)


def test_each_edit_is_shown_with_its_step(tmp_path: Path) -> None:
    said = render(tmp_path, "--track", "opens,clicks", "-o", str(tmp_path / "copy.eml"))
    assert "1. trace, octets 0 to 0, line 1\n   + Received: by " in said
    assert '   - "https://shop.example/?a=1&amp;b=2"\n   + "https://tracking.example/c/' in said
    assert "https://shop.example/?a=1&b=2\n" in said
    copy = (tmp_path / "copy.eml").read_bytes()
    assert copy.count(b"https://tracking.example/") == 2
    assert b'href="mailto:a@b.example"' in copy
    assert b"\x1b" in copy
    assert "\x1b" not in said


def test_the_configuration_decides_where_nothing_else_is_said(tmp_path: Path) -> None:
    on = '[tracking]\nurl = "https://click.test/"\n[[application]]\nname = "shop"\naddresses = ["::1"]\nclicks = true\n'
    assert "tracking" not in render(tmp_path, config=on)
    assert "https://click.test/c/" in render(tmp_path, "--application", "shop", config=on)
    assert "click.test" not in render(tmp_path, "--application", "shop", "--track", "none", config=on)


def test_the_message_itself_may_refuse(tmp_path: Path) -> None:
    letter = LETTER.replace("Subject: x", "X-PM-TrackLinks: None")
    said = render(tmp_path, "--track", "opens,clicks", letter=letter)
    assert "/c/" not in said
    assert "/o/" in said


def test_why_something_is_left_alone_is_said(tmp_path: Path) -> None:
    signed = LETTER.replace("Subject: x", "DKIM-Signature: v=1; d=example.com")
    assert "left alone: it is already signed" in render(tmp_path, "--track", "opens", letter=signed)
    assert "no HTML in it" in render(tmp_path, "--track", "opens", letter="Subject: x\n\nplain\n")


def test_without_edits_the_copy_is_the_original(tmp_path: Path) -> None:
    said = render(tmp_path, config='[delivery]\ntrace = "none"\n', letter=LETTER.replace("\n", "\r\n"))
    assert said.startswith("No edits: the copy is the original, octet for octet.\n")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = ran("render", str(tmp_path / "none.eml"), "--to", "b@c.example", cwd=ROOT)
    assert done.returncode == 65
    assert done.stderr.endswith("none.eml: No such file or directory\n")
    said = render(tmp_path, "-o", str(tmp_path), code=1)
    assert "Is a directory" in said
