"""The table of scripts/mutants.py: name, file, exact old text, new text, expected killer, reason of a survivor."""

from . import models, options, orders, protocol
from .row import DEPLOYED, Mutant

MUTANTS: tuple[Mutant, ...] = protocol.ROWS + options.ROWS + orders.ROWS + models.ROWS

__all__ = ["DEPLOYED", "MUTANTS", "Mutant"]
