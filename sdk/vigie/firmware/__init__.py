"""The compiled firmware of the bracelet, as package data, one bundle a board."""

from vigie.firmware.bundle import (
    Bundle,
    BundleDamaged,
    BundleFile,
    BundleMissing,
    BundleStale,
    BundleUnfit,
    FirmwareError,
    Manifest,
    available_boards,
    load_bundle,
)

__all__ = [
    "Bundle",
    "BundleDamaged",
    "BundleFile",
    "BundleMissing",
    "BundleStale",
    "BundleUnfit",
    "FirmwareError",
    "Manifest",
    "available_boards",
    "load_bundle",
]
