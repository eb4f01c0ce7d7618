"""The margin model again: exact integers, equal to the contracts to the wei, and a vectorised screen."""
