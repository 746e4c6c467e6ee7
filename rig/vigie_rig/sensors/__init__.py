"""Register-level models of the bracelet's sensors, with a ledger of every sample that they ever produced."""

from ._bracelet import bracelet_sensors
from .ledger import Ledger, Run, Tally
from .lsm6dso import Lsm6dso
from .max30101 import Max30101

__all__ = ["Ledger", "Lsm6dso", "Max30101", "Run", "Tally", "bracelet_sensors"]
