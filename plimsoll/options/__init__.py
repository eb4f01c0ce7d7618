"""Options as people meet them: series as text, recorded chains on a local clock, prices of an expiry, orders, what an
account gains and loses over spot and volatility, settlement. What decides about money: plimsoll.margin, and the engine.
"""
