"""The campaign: random sequences of people and attackers, and every invariant asked after each transaction."""
