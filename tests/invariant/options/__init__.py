"""The campaign's other machine: options and portfolio accounts beside perps, on surfaces that move, through expiries."""
