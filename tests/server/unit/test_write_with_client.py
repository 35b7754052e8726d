"""`write` of drivers that want to know whose put it is, and of those that never did."""

import functools
import struct
import unittest.mock

import pytest

from pcaspy import Driver, cas
from support.wire import Circuit

DOUBLE, NORMAL = 6, 1


def put(server, value, reason="A"):
    """The status of a put by joe."""
    with Circuit(("127.0.0.1", server.tcp_port), user="joe", host="desk") as circuit:
        channel = circuit.create(f"W:{reason}")
        data = struct.pack(">d", value)
        return circuit.put(channel, DOUBLE, data).p1


class Base(Driver):
    """Notes what `write` got."""

    def __init__(self):
        super().__init__()
        self.got = []

    def note(self, *what):
        self.got.append(what)
        return Driver.write(self, *what[:2])


class ByName(Base):
    def write(self, reason, value, client):
        return self.note(reason, value, client)


class ByPlace(Base):
    def write(self, reason, value, who):
        return self.note(reason, value, who)


class WithDefault(Base):
    def write(self, reason, value, client=None):
        return self.note(reason, value, client)


class KeywordOnly(Base):
    def write(self, reason, value, *, client):
        return self.note(reason, value, client)


class Further(Base):
    def write(self, reason, value, times=1, client=None):
        assert times == 1
        return self.note(reason, value, client)


class PositionalOnly(Base):
    def write(self, reason, value, client, /):
        return self.note(reason, value, client)


class Later(Base):
    async def write(self, reason, value, client):
        return self.note(reason, value, client)


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kargs):
        return function(*args, **kargs)

    return wrapper


class Decorated(Base):
    @wrapped
    def write(self, reason, value, client):
        return self.note(reason, value, client)


def by_place(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


class DecoratedByPlace(Base):
    """What is around it takes no keyword."""

    @by_place
    def write(self, reason, value, client):
        return self.note(reason, value, client)


class Specified(Base):
    """A mock with the signature of a method: its code takes anything."""

    write = unittest.mock.create_autospec(ByName.write, side_effect=ByName.write)


class Given(Base):
    """Its `write` is no method."""

    def __init__(self):
        self.write = lambda reason, value, client: self.note(reason, value, client)
        super().__init__()


WITH = [
    *(ByName, ByPlace, WithDefault, KeywordOnly, Further, PositionalOnly, Later),
    *(Decorated, DecoratedByPlace, Specified, Given),
]


@pytest.mark.parametrize("kind", WITH, ids=lambda kind: kind.__name__)
def test_it_gets_the_client(server, kind):
    server.createPV("W:", {"A": {"value": 0}})
    driver = kind()
    assert put(server, 5) == NORMAL
    ((reason, value, client),) = driver.got
    assert (reason, value) == ("A", 5)
    assert isinstance(client, cas.casClientInfo)
    assert (client.user, client.host, client.protocol) == ("joe", "desk", "ca")
    assert client.address.startswith("127.0.0.1:")
    assert driver.getParam("A") == 5


class Plain(Base):
    def write(self, reason, value):
        return self.note(reason, value)


class Variable(Base):
    def write(self, *args, **kargs):
        assert not kargs
        return self.note(*args)


class Optional(Base):
    def write(self, reason, value, force=False):
        assert force is False
        return self.note(reason, value)


class Named(Base):
    """`client` is the reason, whatever it means by that."""

    def write(self, client, value):
        return self.note(client, value)


def narrowed(function):
    @functools.wraps(function)
    def wrapper(self, reason, value):
        return function(self, reason, value, None)

    return wrapper


class Narrowed(Base):
    """What is around it knows of no client."""

    @narrowed
    def write(self, reason, value, client):
        assert client is None
        return self.note(reason, value)


class Mocked(Base):
    def __init__(self):
        super().__init__()
        self.write = unittest.mock.Mock(side_effect=self.note)


class Replaced(Base):
    """With a wrapper of the function, which still has a self."""

    def __init__(self):
        @functools.wraps(Plain.write)
        def wrapper(*args):
            return Plain.write(self, *args)

        self.write = wrapper
        super().__init__()


WITHOUT = [Plain, Variable, Optional, Named, Narrowed, Mocked, Replaced]


@pytest.mark.parametrize("kind", WITHOUT, ids=lambda kind: kind.__name__)
def test_others_are_called_as_ever(server, kind):
    server.createPV("W:", {"A": {"value": 0}})
    driver = kind()
    assert put(server, 5) == NORMAL
    assert driver.got == [("A", 5)]
    assert driver.getParam("A") == 5


def test_refusals_and_failures_are_the_same(server):
    class Moody(Driver):
        def write(self, reason, value, client):
            if value == 14:
                raise RuntimeError("no")
            return client.user != "joe"

    server.createPV("W:", {"A": {}})
    _driver = Moody()
    assert put(server, 5) == 160
    assert put(server, 14) == 160


def test_a_driver_that_comes_later_and_one_that_takes_its_place(server):
    server.createPV("W:", {"A": {}})
    first = Plain()
    assert put(server, 1) == NORMAL
    second = ByName()
    assert put(server, 2) == NORMAL
    third = Plain()
    assert put(server, 3) == NORMAL
    assert [len(driver.got[0]) for driver in (first, second, third)] == [2, 3, 2]
