import sys
from pathlib import Path

import pytest

# For the modules that several tests share; the log's harness is the firmware's.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "firmware"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--repeat", metavar="LIFE:STEPS", help="lead the life that a failure of test_life.py told of"
    )
