"""The unix board: MicroPython's unix port as a process, with modelled sensors, clock and serial line."""

from vigie_rig.boards.unix.board import UnixBoard

__all__ = ["UnixBoard"]
