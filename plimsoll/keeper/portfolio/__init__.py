"""The keeper's portfolio account: what comes into it, what it is exposed to, and what goes out of it.

estate                     the account as a plan would leave it: its exact twin
takeover                   which accounts with options come in, and how much of each
hedge ─ deltas, room       its delta within a band, by perps, as far as a market has room
seller ─ bids              out again, to signed orders
settler ─ expiry           through the last half hour, and paid
steward                    calls them, block by block
"""
