"""Firmware goes only onto a board that it is wired for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import vigie
from vigie.firmware import Bundle, BundleUnfit, load_bundle
from vigie.firmware.build import BuildError, build
from vigie.flash import flash
from vigie.micropython import MicroPythonMissing, find
from vigie.prompt import Prompt
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.line_transport import LineTransport


@pytest.fixture
def board(tmp_path: Path) -> UnixBoard:
    """A board with the firmware on it."""
    try:
        micropython = find()
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))
    for path, content in load_bundle().files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return UnixBoard(micropython, tmp_path)


def test_a_board_of_another_kind_is_left_as_it_was_and_runs_on(board: UnixBoard) -> None:
    ours = load_bundle()
    manifest = dataclasses.replace(ours.manifest, board="pico", platforms=("rp2", "rp3"))
    other = Bundle(manifest, {path: content + b"\n" for path, content in ours.files.items()})

    async def scene() -> tuple[str, str]:
        async with board:
            with pytest.raises(BundleUnfit, match="nothing was written") as caught:
                await flash(LineTransport(board.line), other)
            assert isinstance(caught.value, vigie.VigieError)
            assert (caught.value.board, caught.value.platforms) == ("pico", ("rp2", "rp3"))
            for named in ("pico", "rp2", "rp3", caught.value.found):
                assert named in str(caught.value)
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                version = bracelet.firmware_version
            async with Prompt(LineTransport(board.line)) as prompt:
                assert caught.value.found == (await prompt.run("import sys; print(sys.platform)")).strip()
            return caught.value.found, version

    found, version = virtual_clock.run(scene())
    assert found in ours.manifest.platforms
    assert version == ours.manifest.version
    for path, content in ours.files.items():
        assert (board.files / path).read_bytes() == content


def test_a_board_whose_platform_nobody_named_is_not_compiled_for(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"moon.*PLATFORMS"):
        build(tmp_path, tmp_path, board="moon")
