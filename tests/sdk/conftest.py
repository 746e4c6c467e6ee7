import sys
from pathlib import Path

# For the modules that several tests share: the fake bracelet here, the bad link there.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "protocol"))
