"""The package `campaign` lies beside the tests; tests elsewhere use it too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
