"""Who plays and with what: units, assets, markets, people and their accounts."""

WAD, SIZE, BPS = 10**18, 10**8, 10**4
UNIT = 10**12  # WAD per unit of the quote token
DUST = 1000  # wei: floors of valuing balances and shares in the books, never a token unit
ASSETS = (0, 1, 2, 3)  # USDC, WETH, WBTC, and a token with hooks
MARKETS = (0, 1, 2)
FEEDS = (1, 2, 3, 4, 5)
PEOPLE = ("alice", "bob", "carol", "keeper", "lender", "lp", "provider", "sponsor", "mallory", "mallet", "operator")
ATTACKERS = frozenset(("mallory", "mallet"))
ORDINARY = ("alice", "bob", "carol")
TRADERS = (*ORDINARY, "mallory", "mallet")
PAIR = 0x8000 | 1 << 6  # WETH as collateral, USDC as debt
PAIRS = (PAIR,)
#: owner, index, market or pair (None: cross)
BOOKED = (
    ("alice", 0, None),
    ("alice", 1, None),
    ("alice", 0, 0),
    ("alice", 3, PAIR),
    ("bob", 0, None),
    ("bob", 0, 1),
    ("carol", 0, None),
    ("carol", 1, None),
    ("keeper", 0, None),
    ("keeper", 1, None),
    ("lender", 0, None),
    ("mallory", 0, None),
    ("mallory", 1, None),
    ("mallory", 2, 0),
    ("mallory", 3, None),
    ("mallory", 4, PAIR),
    ("mallet", 0, None),
    ("operator", 0, None),  # neither lends nor owes: it can take anything
    ("mallet", 1, 2),
)
