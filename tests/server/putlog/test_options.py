"""Where puts are written down: arguments, text, environment."""

import logging
import pathlib
import subprocess
import sys

import pytest

from pcaspy import PutLog
from pcaspy.putlog.options import chosen
from pcaspy.testing import IsolatedServer

LOGGER = logging.getLogger("test.puts")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("YES", (True, "all", 5)),
        ("1,burst=0", (True, "all", 0)),
        ("puts.log", ("puts.log", "all", 5)),
        (
            "/a b/puts.log,which=trapwrite,burst=2.5",
            ("/a b/puts.log", "trapwrite", 2.5),
        ),
        ("tcp://log:7004,which=accepted", ("tcp://log:7004", "accepted", 5)),
    ],
)
def test_text(text, wanted, monkeypatch):
    made = chosen(text)
    assert (made.target, made.which, made.burst) == wanted
    monkeypatch.setenv("PCASPY_PUT_LOG", f" {text} ")
    made = chosen(None)
    assert (made.target, made.which, made.burst) == wanted


def test_more_options():
    made = chosen("p.log,max_bytes=5000,backups=2,prefix=ioc1 ")
    assert (made.max_bytes, made.backups, made.prefix) == (5000, 2, "ioc1")


@pytest.mark.parametrize("text", ["NO", "0"])
def test_none(text, monkeypatch):
    assert chosen(text) is None
    monkeypatch.setenv("PCASPY_PUT_LOG", text)
    assert chosen(None) is None
    monkeypatch.setenv("PCASPY_PUT_LOG", "puts.log")
    assert chosen(False) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://log.example.org", ("log.example.org", 7011)),
        ("tcp://10.0.0.5:7004", ("10.0.0.5", 7004)),
        ("TCP://[::1]:7004/", ("::1", 7004)),
    ],
)
def test_addresses(text, address):
    assert PutLog(text).address() == address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("tcp://", "tcp://host"),
        ("tcp://host:none", "host:none"),
        ("tcp://host:70000", "70000"),
        ("tcp://host/path", "tcp://host"),
        ("puts.log,which=some", "which is 'some'"),
        ("puts.log,burst=-1", "burst is -1"),
        ("puts.log,burst=soon", "burst is 'soon'"),
        ("puts.log,max_bytes=1", "max_bytes is 1"),
        ("puts.log,color=red", "'color=red'"),
        (",which=all", "is missing"),
    ],
)
def test_wrong_text(given, said, monkeypatch):
    with pytest.raises(ValueError, match=said):
        IsolatedServer(put_log=given)
    monkeypatch.setenv("PCASPY_PUT_LOG", given)
    with pytest.raises(ValueError, match="PCASPY_PUT_LOG") as caught:
        IsolatedServer()
    assert said in str(caught.value)


@pytest.mark.parametrize("given", [5, b"puts.log", ["puts.log"], object()])
def test_what_is_no_target(given):
    with pytest.raises(TypeError, match="a path, 'tcp://host:port'"):
        IsolatedServer(put_log=given)


@pytest.mark.parametrize(
    "given", [True, pathlib.Path("puts.log"), LOGGER, logging.NullHandler()]
)
def test_targets(given):
    assert chosen(given).target is given
    assert repr(given) in repr(chosen(given))


def test_who_wants_none_imports_nothing_of_it():
    code = (
        "import sys, pcaspy; pcaspy.SimpleServer(put_log=None);"
        "assert not [m for m in sys.modules if 'putlog' in m or 'put_log' in m]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
