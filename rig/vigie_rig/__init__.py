"""Hardware-in-the-loop rig: boards, sensor models, clock, faults, traces, benches and reports."""
