"""The campaign's modules lie beside the tests; tests elsewhere use them too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
