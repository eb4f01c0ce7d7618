"""The campaign's other machine: options and portfolio accounts beside perps, surfaces that move, expiries."""
