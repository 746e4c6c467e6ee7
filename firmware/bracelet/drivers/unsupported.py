"""What a chip cannot do."""


class Unsupported(Exception):
    """A setting that the chip lacks: the protocol's error code, and what to ask for instead."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
