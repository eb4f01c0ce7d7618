"""Options as people meet them: series as text, recorded chains on a local clock, prices of an expiry, an account's gains
and losses over spot and volatility, settlement. What decides about money is elsewhere: plimsoll.margin, the engine.
"""
