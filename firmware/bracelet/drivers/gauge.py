"""MAX17048 battery gauge, after its datasheet: charge, voltage and rate, ready whenever they are read."""

from micropython import const

_VCELL = const(0x02)
_SOC = const(0x04)
_VERSION = const(0x08)
_CRATE = const(0x16)
_VERSION_HIGH = const(0x001)
_CHARGES = const(4)  # 0.208 % an hour each: under that it is the noise of a cell at rest

_TYPING = const(0)
if _TYPING:
    from roles import Bus


class Max17048:
    """The chip on its bus; every method but `probe` raises OSError when it does not answer."""

    def __init__(self, i2c: "Bus", address: int = 0x36) -> None:
        self._i2c = i2c
        self._address = address
        self._word = bytearray(2)

    def _read(self, register: int) -> int:
        self._i2c.readfrom_mem_into(self._address, register, self._word)
        return self._word[0] << 8 | self._word[1]

    def probe(self) -> bool:
        """Whether the chip is there, and is one."""
        try:
            return self._read(_VERSION) >> 4 == _VERSION_HIGH
        except OSError:
            return False

    def percent(self) -> int:
        """Charge, 0 to 100."""
        return min(100, (self._read(_SOC) + 128) >> 8)

    def millivolts(self) -> int:
        """Voltage of the cell: the register counts 78.125 uV, which is 5/64 mV."""
        return self._read(_VCELL) * 5 >> 6

    def charging(self) -> bool:
        """Whether the charge grows."""
        return _CHARGES <= self._read(_CRATE) < 0x8000
