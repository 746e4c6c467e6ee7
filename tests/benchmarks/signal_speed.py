"""How fast heart rate is tracked, against heartpy, neurokit2 and biosppy, and memory over a day.

    python tests/benchmarks/signal_speed.py [FOLDER]

All sides read the same recordings with the settings of the accuracy tables: 8 s windows every 2 s, every PPG channel;
ours reads the acceleration too. They take turns within one run on one core, and medians of the processor time
are compared. FOLDER holds the recordings (default: ``VIGIE_TRACES``, then ``../shared/traces``); without them
signals are constructed. A library that is not installed is left out and named. Exits with 1 if a goal is missed.
"""

import os
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from evaluation.peers import peers  # noqa: E402 - NumPy reads the variables when it is imported
from evaluation.speed_page import (  # noqa: E402
    LEAST_BATCH,
    LEAST_STREAM,
    LEAST_TIMES,
    heart_rate_table,
    measure,
    memory_line,
    missed,
    others_table,
    signals,
)


def main() -> int:
    """Print the tables and the goals missed."""
    default = os.environ.get("VIGIE_TRACES", Path(__file__).parents[2] / ".." / "shared" / "traces")
    given = signals(Path(sys.argv[1] if len(sys.argv) > 1 else default))
    ways, absent = peers()
    print("seconds of signal per second of processor time (in brackets: how many times slower than ours)\n")
    for line in absent:
        print(line)
    measured = measure(given, ways)
    print(heart_rate_table(measured))
    print(f"\nOn {given[1].title}:\n\n{others_table(measured)}\n\n{memory_line(measured)}\n")
    goals = [f"batch >= {LEAST_BATCH}", f"streaming >= {LEAST_STREAM}"]
    print("goals: " + ", ".join(goals + [f">= {least}x {peer}" for peer, least in LEAST_TIMES.items()]))
    out = missed(measured)
    print("\n".join(out) or "all reached")
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main())
