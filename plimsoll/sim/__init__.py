"""The deployed contracts under real days: prices from files, a seeded population, a keeper, and exact books."""
