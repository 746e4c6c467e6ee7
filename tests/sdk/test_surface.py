"""What the package shows: its names, its addresses and one tree of errors."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types

import click
import pytest

import vigie
from vigie import errors
from vigie.transports import open_transport
from vigie.transports.serial import SerialTransport
from vigie.transports.tcp import SocketTransport


def test_all_is_what_is_there() -> None:
    public = {
        name
        for name, value in vars(vigie).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(vigie.__all__)
    assert vigie.__all__ == sorted(vigie.__all__)


def test_every_error_of_the_package_stands_under_one_root() -> None:
    for module in pkgutil.walk_packages(vigie.__path__, "vigie."):
        if module.name.startswith("vigie.firmware.") or module.name.endswith("__main__"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            # Those of click end a command, and never leave it.
            if (
                issubclass(kind, Exception)
                and not issubclass(kind, click.ClickException)
                and kind.__module__.startswith("vigie.")
                and not kind.__name__.startswith("_")
            ):
                assert issubclass(kind, vigie.VigieError), f"{module.name}.{kind.__name__}"


def test_the_tree_in_the_docstring_names_every_error() -> None:
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.VigieError):
            assert name in (errors.__doc__ or "")
            assert name in vigie.__all__


def test_an_error_is_also_what_python_calls_it() -> None:
    assert issubclass(vigie.Disconnected, ConnectionError)
    assert issubclass(vigie.ConnectFailed, ConnectionError)
    assert issubclass(vigie.RequestTimeout, TimeoutError)
    assert issubclass(vigie.StreamStalled, TimeoutError)
    assert issubclass(vigie.AddressError, ValueError)
    for kind in (vigie.Disconnected, vigie.ConnectFailed, vigie.RequestTimeout, vigie.StreamStalled):
        assert issubclass(kind, vigie.LinkError)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("serial:/dev/ttyACM0", SerialTransport),
        ("serial:/dev/ttyUSB0?baud=115200", SerialTransport),
        ("serial:COM3", SerialTransport),
        ("/dev/ttyACM0", SerialTransport),
        ("socket://localhost:8000", SocketTransport),
        ("socket://[::1]:8000", SocketTransport),
    ],
)
def test_addresses_lead_to_their_transport(address: str, kind: type) -> None:
    transport = open_transport(address)
    assert isinstance(transport, kind)
    assert transport.address == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "serial:",
        "serial:?baud=115200",
        "serial:/dev/ttyACM0?baud=fast",
        "serial:/dev/ttyACM0?parity=odd",
        "serial:/dev/ttyACM0?baud",
        "socket:",
        "socket://localhost",
        "socket://:8000",
        "socket://localhost:port",
        "socket://localhost:70000",
        "socket://localhost:8000/path",
        "ftp://localhost",
        "bracelet",
    ],
)
def test_what_is_no_address_is_refused_with_what_to_write(address: str) -> None:
    with pytest.raises(
        vigie.AddressError, match=r"Write serial:/dev/ttyACM0, serial:COM3 or socket://host:port"
    ) as caught:
        open_transport(address)
    assert caught.value.address == address
