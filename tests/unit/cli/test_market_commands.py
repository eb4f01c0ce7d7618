"""plimsoll market …"""

from plimsoll.deploy import Deployment, local
from plimsoll.deploy.local_prices import LocalPrices

HOUR = 3_600


def test_volatility_before_and_after_a_storm(plimsoll, node, deployments):
    """σ_ref at first; after hours of 10 % the multipliers, and the ramp of MM."""
    deployment, sender = Deployment.open(node, deployments), node.accounts[0]
    prices = LocalPrices(deployment)
    first = {feed.number: feed.initial for feed in local().oracle.feeds}
    for hour in range(4):
        node.advance(HOUR)
        prices.post(first if hour % 2 == 0 else first | {1: first[1] * 11 // 10}, sender)

    eth, btc, *_ = plimsoll.json("market", "volatility")["feeds"]
    assert (eth["symbol"], eth["markets"], eth["sigma_ref_percent"]) == ("ETH", ["ETH"], "80")
    assert (btc["im_multiplier"], btc["mm_multiplier"]) == ("1", "1")
    assert float(eth["im_multiplier"]) > 1.3
    assert 1 < float(eth["mm_multiplier"]) < float(eth["im_multiplier"])
    assert (eth["max_multiplier"], eth["half_life_hours"]) == ("3", 12)
    text = plimsoll("market", "volatility").stdout
    assert "80 %" in text
    assert "s left" in text
