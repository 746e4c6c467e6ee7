"""The private package source is the machine's own, with another suite: mirror, keyring and options stay."""

import pytest

from vigie._debian import source_for_suite

DEB822 = """\
# See the manual for how this file is written.
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Architectures: amd64
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""

EMBEDDED_KEY = """\
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
"""


def fields(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def test_a_deb822_source_keeps_its_mirror_and_keyring() -> None:
    source = source_for_suite({"debian.sources": DEB822}, codename="bookworm", suite="trixie")
    assert source is not None
    assert source.style == "sources"
    assert fields(source.text) == {
        "types": "deb",
        "uris": "http://mirror.example/debian",
        "suites": "trixie",
        "components": "main",
        "signed-by": "/usr/share/keyrings/debian-archive-keyring.gpg",
    }


def test_a_key_written_inside_the_source_survives_whole() -> None:
    source = source_for_suite({"debian.sources": EMBEDDED_KEY}, codename="bookworm", suite="trixie")
    assert source is not None
    key = EMBEDDED_KEY.partition("Signed-By:")[2].rstrip()
    assert key in source.text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("deb http://mirror.example/debian bookworm main", "deb http://mirror.example/debian trixie main\n"),
        (
            "deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian/ bookworm main non-free # ours",
            "deb [signed-by=/k.gpg] http://m.example/debian/ trixie main\n",
        ),
        ("  deb\thttp://m.example/debian   stable main", "deb http://m.example/debian trixie main\n"),
    ],
)
def test_a_one_line_source_keeps_its_options(line: str, expected: str) -> None:
    source = source_for_suite({"sources.list": line}, codename="bookworm", suite="trixie")
    assert source is not None
    assert (source.style, source.text) == ("list", expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# deb http://mirror.example/debian bookworm main",
        "deb-src http://mirror.example/debian bookworm main",
        "deb cdrom:[Debian 12]/ bookworm main",
        "deb http://mirror.example/debian-security bookworm-security main",
        "deb http://mirror.example/debian bookworm contrib",
        "deb http://other.example/apt noble main",
        "deb",
    ],
)
def test_what_does_not_serve_this_release_is_not_used(text: str) -> None:
    assert source_for_suite({"sources.list": text}, codename="bookworm", suite="trixie") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Types: deb", "Types: deb-src"),
        ("Components: main", "Components: contrib"),
        ("Suites: bookworm", "Suites: nodistro"),
        ("Types: deb", "Enabled: no\nTypes: deb"),
    ],
)
def test_a_stanza_that_does_not_serve_is_not_used(old: str, new: str) -> None:
    text = EMBEDDED_KEY.replace(old, new)
    assert source_for_suite({"debian.sources": text}, codename="bookworm", suite="trixie") is None


def test_files_are_searched_in_order() -> None:
    files = {
        "sources.list": "# empty here\n",
        "vendor.list": "deb http://vendor.example/tools vendor main\n",
        "debian.sources": DEB822,
    }
    source = source_for_suite(files, codename="bookworm", suite="trixie")
    assert source is not None
    assert "mirror.example" in source.text
