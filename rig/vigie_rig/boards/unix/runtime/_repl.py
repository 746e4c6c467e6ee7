"""The board's prompt: friendly, raw and raw-paste, as every MicroPython board serves it over its serial line.

The unix port has only its own line editor, which tools such as mpremote cannot use. Exit statuses tell the rig
what to do next: 75 restarts at the raw prompt, 76 is a soft reset, 77 a hard one.
"""

import sys

import _channel
import _events  # noqa: F401

_received = bytearray(255)
_view = memoryview(_received)
_at = 0
_count = 0
_out = sys.stdout.buffer
_WINDOW = 128


def _read():
    """The next byte of the serial line, and KeyboardInterrupt as the ctrl-C that it is."""
    global _at, _count
    while True:
        try:
            if _at < _count:
                _at += 1
                return _received[_at - 1]
            _at = _count = 0
            _channel.body.u16 = len(_received)
            count = _channel.request(_channel.SERIAL_READ, 0, 2)
            if count:
                _channel.answer_into(_view[:count], count)
                _count = count
            else:
                _channel.sleep_until_us(1 << 62, 1)
        except KeyboardInterrupt:
            return 3


def _interrupts(on):
    _channel.request(_channel.INTERRUPTS, on, 0)


def _execute(source, space):
    """Run what a tool sent; output and error each end with 0x04."""
    try:
        code = compile(source, "<stdin>", "exec")
        del source
        _interrupts(1)
        exec(code, space)
        _out.write(b"\x04")
    except SystemExit:
        raise
    except BaseException as error:
        _out.write(b"\x04")
        sys.print_exception(error)
    _interrupts(0)
    _out.write(b"\x04>")


def _paste():
    """Raw-paste mode: source in windows of 128 bytes, so that no buffer overflows."""
    _read()
    _read()
    _out.write(b"R\x01\x80\x00\x01")
    source = bytearray()
    while True:
        byte = _read()
        if byte == 3:
            _out.write(b"\x04\x04\x04>")
            return None
        if byte == 4:
            _out.write(b"\x04")
            return source
        source.append(byte)
        if len(source) % _WINDOW == 0:
            _out.write(b"\x01")


def _raw(space):
    """Raw prompt; return True for a soft reset."""
    _out.write(b"raw REPL; CTRL-B to exit\r\n>")
    line = bytearray()
    while True:
        byte = _read()
        if byte == 1:
            line = bytearray()
            _out.write(b"raw REPL; CTRL-B to exit\r\n>")
        elif byte == 2:
            _out.write(b"\r\n")
            return False
        elif byte == 3:
            line = bytearray()
        elif byte == 4:
            if not line:
                return True
            _out.write(b"OK")
            _execute(str(line, "utf-8"), space)
            line = bytearray()
        elif byte == 5 and not line:
            source = _paste()
            if source is not None:
                _execute(str(source, "utf-8"), space)
        else:
            line.append(byte)


def _line(text, space):
    """One line of the friendly prompt."""
    _interrupts(1)
    try:
        try:
            value = eval(text, space)
            if value is not None:
                print(repr(value))
        except SyntaxError:
            exec(text, space)
    except SystemExit:
        raise
    except BaseException as error:
        sys.print_exception(error)
    _interrupts(0)


def _friendly(space):
    """Friendly prompt, until ctrl-A; ctrl-D is a soft reset."""
    _out.write(b"\r\nMicroPython on a virtual Vigie bracelet\r\n>>> ")
    line = bytearray()
    while True:
        byte = _read()
        if byte == 1:
            return
        if byte == 4:
            _out.write(b"\r\nMPY: soft reboot\r\n")
            sys.exit(76)
        if byte == 3:
            line = bytearray()
            _out.write(b"\r\n>>> ")
        elif byte in (13, 10):
            _out.write(b"\r\n")
            if line:
                _line(str(line, "utf-8"), space)
            line = bytearray()
            _out.write(b">>> ")
        elif byte in (8, 127):
            if line:
                line.pop()
                _out.write(b"\b \b")
        elif byte >= 32:
            line.append(byte)
            _out.write(bytes((byte,)))


def _start_files(space):
    for name in ("boot.py", "main.py"):
        try:
            with open(name) as file:
                source = file.read()
        except OSError:
            continue
        try:
            exec(compile(source, name, "exec"), space)
        except SystemExit:
            raise
        except BaseException as error:
            sys.print_exception(error)
        _interrupts(0)


def _main():
    space = {"__name__": "__main__"}
    raw = "-r" in sys.argv
    _interrupts(0)
    if not raw:
        _start_files(space)
    while True:
        if raw and _raw(space):
            _out.write(b"OK\r\nMPY: soft reboot\r\n")
            sys.exit(75)
        raw = True
        _friendly(space)


_main()
