"""`verify.py`: made the same each time, runs alone, and says what the modules say that it is made from."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path

import pytest

from relay.ledger.checking import Trust
from relay.ledger.note import Signer
from relay.ledger.standalone import join, standalone
from relay.ledger.verifier import verify_stream
from tests.support.evidence import FOLDER, ORIGIN, OTHER_SEED, SEED, a_bundle, forged
from tests.support.stamping import Authority

KEY = Signer.from_seed(ORIGIN, SEED).verifier
OTHER_KEY = Signer.from_seed(ORIGIN, OTHER_SEED).verifier


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("standalone") / "verify.py"
    path.write_bytes(standalone())
    return path


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In an interpreter that sees nothing of us: no folder of ours, no variables, no user's packages."""
    command = [sys.executable, "-I", str(program), *arguments]
    return subprocess.run(command, cwd=program.parent, capture_output=True, text=True, timeout=120, check=False)


def test_it_says_the_same_words_as_the_modules(program: Path) -> None:
    sound = a_bundle(Authority())
    bundles = {
        "sound": sound,
        "flipped": sound[:9_000] + bytes([sound[9_000] ^ 4]) + sound[9_001:],
        "cut off": sound[:-1],
        "changed": forged(sound, lambda members: members.update({f"{FOLDER}original.eml": b"other"})),
    }
    for name, octets in bundles.items():
        path = program.parent / "evidence.zip"
        path.write_bytes(octets)
        for key in (KEY, OTHER_KEY):
            done = run(program, str(path), "--key", key.vkey)
            report = verify_stream(io.BytesIO(octets), Trust((key,)))
            assert (done.returncode, done.stdout, done.stderr) == (report.exit_status, report.text(), "")
            assert done.returncode == (0 if name == "sound" and key == KEY else 65)


def test_called_wrongly_it_says_so(program: Path) -> None:
    assert run(program).returncode == 64
    assert run(program, "none.zip").returncode == 64
    assert run(program, "--help").returncode == 0


def test_it_is_the_same_each_time() -> None:
    assert standalone() == standalone()


def test_it_needs_the_standard_library_and_cryptography_alone() -> None:
    packages = set()
    for node in ast.walk(ast.parse(standalone())):
        if isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            packages.add((node.module or "").split(".")[0])
    assert packages - set(sys.stdlib_module_names) == {"cryptography"}
    assert not packages & {"socket", "ssl", "urllib", "http", "subprocess", "os"}


def test_modules_stand_after_those_they_need_and_private_names_do_not_meet() -> None:
    text = join(
        {
            "relay.a": '"""A."""\n\nimport sys\n\n_one = 1\n\n\ndef first() -> int:\n    return _one\n',
            "relay.b": '"""B."""\n\nfrom relay.a import (\n    first,\n)\n\n_one: int = 2\n\n\ndef main() -> int:\n'
            '    print(f"{_one}", first(), file=sys.stderr)\n    return 0\n',
        }
    )
    done = subprocess.run([sys.executable, "-I", "-c", text], capture_output=True, text=True, check=True)
    assert done.stderr == "2 1\n"
    assert text.index("---- relay.a") < text.index("---- relay.b")
    assert "relay.a import" not in text


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({"relay.a": "def f(): ...\n", "relay.b": "f = 1\n"}, "f of relay.b is also of relay.a"),
        ({"relay.a": "from json import loads\n", "relay.b": "loads = 1\n"}, "is also of from json import loads"),
        ({"relay.a": "import json as j\n"}, "under another name"),
        ({"relay.a": "_x = 1\nf._x = 2\n"}, "_x of relay.a"),
        ({"relay.a": "_x = 1\nf(_x=2)\n"}, "_x of relay.a"),
        ({"relay.a": "_x = 1\ny = 'the _x'\n"}, "_x of relay.a"),
    ],
)
def test_where_a_name_would_mean_two_things_nothing_is_made(sources: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        join(sources)
