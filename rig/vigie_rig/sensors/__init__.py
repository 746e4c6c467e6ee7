"""Register-level models of the bracelet's sensors, with a ledger of every sample that they ever produced."""

from ._bracelet import bracelet_sensors
from .handling import Button, Vibration
from .ledger import Ledger, Run, Tally
from .lsm6dso import Lsm6dso
from .max17048 import Max17048
from .max30101 import Max30101

__all__ = [
    "Button",
    "Ledger",
    "Lsm6dso",
    "Max17048",
    "Max30101",
    "Run",
    "Tally",
    "Vibration",
    "bracelet_sensors",
]
