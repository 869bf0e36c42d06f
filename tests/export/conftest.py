"""Makes `stand_in.py` beside this file importable: tests are no package (pytest's importlib mode)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
