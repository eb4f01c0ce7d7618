"""Option prices in float64, vectorised: to screen, draw, import and measure risk, never to decide about money.

black76   prices and Greeks        implied   volatility from prices
svi       one expiry's smile       fit       smiles from quotes, without arbitrage
chain     recorded option chains   surfaces  one smile per expiry from a chain

What decides is plimsoll.margin, in exact integers.
"""
