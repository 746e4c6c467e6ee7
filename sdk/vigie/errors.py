"""Errors of the SDK, all under one root."""


class VigieError(Exception):
    """Root of everything that this package raises on purpose."""
