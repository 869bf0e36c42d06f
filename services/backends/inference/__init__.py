"""Where networks run: one Protocol, and a real Triton, OpenVINO in the process, or a fake behind it."""
