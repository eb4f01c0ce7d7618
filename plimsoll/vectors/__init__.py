"""Published test vectors, run on the contracts."""
