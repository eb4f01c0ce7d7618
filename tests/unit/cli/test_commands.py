"""What each command does, prints and returns."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from plimsoll.chain import Signer
from plimsoll.cli import app
from plimsoll.deploy import Deployment, local
from plimsoll.deploy.local_prices import LocalPrices
from plimsoll.prices import PRICE

KEY = "e5" * 32
COMMANDS = [("deploy",), ("verify",), ("status",), ("account", "show"), ("deposit",), ("withdraw",), ("trade",)]
COMMANDS += [("market", "volatility"), *(("vectors", name) for name in ("black76", "haug", "srm", "svi"))]
COMMANDS += [("lever",), ("delever",), ("close",), ("lend",), ("recall",), ("borrow",), ("repay",), ("lending", "show")]
COMMANDS += [("insurance", name) for name in ("stake", "cooldown", "unstake", "status")]


@pytest.fixture
def owner(node):
    return node.accounts[3]


@pytest.fixture
def funded(node, plimsoll, deployments, owner):
    """An account with 10,000 USDC, a pool with a million, and first prices."""
    deployment = Deployment.open(node, deployments)
    provider = node.accounts[0]
    plimsoll("deposit", f"{owner}/cross/0", "USDC", "10000", "--mint", "--from", owner)
    deployment.tokens[0].write("mint", provider, 10**12, sender=provider)
    deployment.tokens[0].write("approve", deployment.pool.address, 10**12, sender=provider)
    deployment.pool.write("requestDeposit", 10**12, provider, sender=provider)
    node.advance(3700)
    LocalPrices(deployment).post({feed.number: feed.initial for feed in local().oracle.feeds}, provider)
    deployment.pool.write("execute", [1], sender=provider)
    return plimsoll


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command):
    """With an example."""
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example: " in result.output


def test_help_is_quick_and_imports_little():
    """No EVM, no numpy for a page of text."""
    code = "import sys, plimsoll.cli; print([m for m in ('pyrevm', 'numpy', 'numba', 'brownie') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_deploy_without_a_key_is_a_dry_run(bare, node):
    """It lists what would be sent."""
    before = node.nonce(node.accounts[0])
    result = bare.json("deploy")
    assert result["dry_run"] is True
    assert "create MarginEngine as MarginEngine" in result["steps"]
    assert node.nonce(node.accounts[0]) == before
    assert "transactions would be sent" in bare("deploy").stdout


def test_deploy_with_a_key_writes_the_manifest(bare, node, tmp_path):
    """The key comes from the environment and is nowhere in output or files."""
    node.set_balance(Signer(KEY).address, 10**20)
    result = bare("deploy", "--json", env={"PLIMSOLL_KEY": KEY})
    assert json.loads(result.stdout)["contracts"]["MarginEngine"].startswith("0x")
    text = (tmp_path / "31337.json").read_text()
    assert KEY not in text + result.output
    assert bare.json("verify")["differences"] == []


def test_unsafe_parameters_exit_with_6(bare, tmp_path):
    """Each violation by name; nothing is sent."""
    raw = local().to_json()
    raw["kappa"] = 1
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(raw))
    error = bare.json("deploy", "--parameters", str(path), code=6)["error"]
    assert error["type"] == "UnsafeParameters"
    assert [item["error"] for item in error["violations"]] == ["KappaOutOfRange"]


def test_show_parameters_can_be_read_back(bare, tmp_path):
    """The way to write one's own."""
    path = tmp_path / "parameters.json"
    path.write_text(bare("deploy", "--show-parameters").stdout)
    assert bare.json("deploy", "--parameters", str(path))["dry_run"] is True


def test_no_deployment_exits_with_6(bare):
    """And says what to run."""
    assert "plimsoll deploy" in bare("status", code=6).output


def test_no_node_exits_with_4(tmp_path):
    """And names the address."""
    result = CliRunner().invoke(app, ["status", "--rpc", "http://127.0.0.1:1"])
    assert result.exit_code == 4
    assert "127.0.0.1:1" in result.output


def test_verify_exits_with_6_when_something_differs(plimsoll, node, deployments, owner):
    """With the difference in the answer."""
    node.rpc.request("anvil_setCode", Deployment.open(node, deployments).lens.address, "0x00")
    error = plimsoll.json("verify", code=6)["error"]
    assert error["type"] == "Differs"
    assert error["differences"][0]["where"] == "Lens code"


def test_liquidity_enters_through_the_queue_and_leaves_through_it(plimsoll, node, owner):
    """Shown first, then asked for, waited for, executed; nothing passes the delay."""
    assert [item["call"] for item in plimsoll.json("pool", "enter", "5", "--mint")["transactions"]] == [
        "mint",
        "approve",
        "requestDeposit",
    ]
    plimsoll("pool", "enter", "1000", "--mint", "--from", owner)
    plimsoll("pool", "execute", "1", "--from", owner)
    assert [request["waits_for"] for request in plimsoll.json("pool", "show")["requests"]] == ["DELAY"]
    node.advance(3600)
    plimsoll("pool", "execute", "1", "--price", "ETH=3000", "--from", owner)
    assert plimsoll.json("pool", "show")["assets"] == "1000"
    assert plimsoll.json("status")["pool"]["cash"] == "1000"
    plimsoll("pool", "leave", "400", "--from", owner)
    node.advance(3600)
    plimsoll("pool", "execute", "2", "--from", owner)
    shown = plimsoll.json("pool", "show")
    assert (shown["assets"], shown["shares"], shown["requests"]) == ("600", "600", [])


def test_insurance_is_staked_waits_and_is_unstaked(plimsoll, node, owner):
    """Shown first; then staked, and out again after the wait, not before."""
    assert [item["call"] for item in plimsoll.json("insurance", "stake", "5", "--mint")["transactions"]] == [
        "mint",
        "approve",
        "deposit",
    ]
    plimsoll("insurance", "stake", "1000", "--mint", "--from", owner)
    shown = plimsoll.json("insurance", "status", owner)
    assert (shown["assets"], shown["share_price"], shown["staker"]["worth"]) == ("1000", "1", "1000")
    plimsoll("insurance", "cooldown", "400", "--from", owner)
    assert plimsoll.json("insurance", "status", owner)["staker"]["redeemable_now"] == "0"
    assert "ERC4626ExceededMaxRedeem" in plimsoll("insurance", "unstake", "400", "--from", owner, code=5).output
    node.advance(shown["period"])
    assert "400 from" in plimsoll("insurance", "status", owner).stdout
    plimsoll("insurance", "unstake", "400", "--from", owner)
    assert plimsoll.json("insurance", "status", owner)["staker"]["shares"] == "600"
    assert "not an address" in plimsoll("insurance", "status", "bob", code=2).output


def test_a_deposit_is_shown_then_made(plimsoll, owner):
    """Dry run first: mint, approval and deposit; then for real."""
    account = f"{owner}/cross/0"
    shown = plimsoll.json("deposit", account, "USDC", "12.5", "--mint")
    assert [item["call"] for item in shown["transactions"]] == ["mint", "approve", "execute"]
    assert plimsoll.json("account", "show", account)["balances"] == []
    assert len(plimsoll.json("deposit", account, "USDC", "12.5", "--mint", "--from", owner)["transactions"]) == 3
    held = {"symbol": "USDC", "held": "12.5", "lent": "0", "owed": "0"}
    assert plimsoll.json("account", "show", account)["balances"] == [held]


def test_trade_and_withdraw(funded, owner):
    """The life of a small account."""
    account = f"{owner}/cross/0"
    funded("trade", "--price", "ETH=3001", "--limit", "3100", "--from", owner, "--", account, "ETH", "1.5")
    shown = funded.json("account", "show", account)
    assert shown["state"] == "HEALTHY"
    assert shown["positions"][0]["size"] == "1.5"
    assert funded.json("status")["markets"][0]["long"] == "1.5"
    funded("withdraw", account, "USDC", "1000", "--price", "ETH=3001", "--from", owner)
    assert funded.json("account", "show", account)["balances"][0]["held"] == "9000"


def test_a_refused_trade_exits_with_5(funded, owner):
    """With the contract's error and its values."""
    account = f"{owner}/cross/0"
    arguments = ["--price", "ETH=3000", "--limit", "2900", "--json", "--from", owner, "--", account, "ETH", "1"]
    error = json.loads(funded("trade", *arguments, code=5).stdout)["error"]
    assert (error["type"], error["error"]) == ("Reverted", "LimitPriceExceeded")


def test_status_shows_prices_and_pool(funded):
    """As text and as JSON."""
    data = funded.json("status")
    assert data["prices"][0]["price"] == "3000"
    assert data["pool"]["cash"] == "1000000"
    assert "price  ETH" in funded("status").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deposit", "0x12", "USDC", "1"], "0x12"),
        (["deposit", "{owner}/cross/0", "DOGE", "1"], "0 USDC, 1 WETH, 2 WBTC"),
        (["deposit", "{owner}/cross/0", "USDC", "1.1234567"], "6 decimals at most"),
        (["deposit", "{owner}/cross/0", "USDC", "many"], "decimal number"),
        (["trade", "{owner}/cross/0", "EUR", "1"], "0 ETH"),
        (["trade", "--price", "EUR=1", "{owner}/cross/0", "ETH", "1"], "SYMBOL=VALUE"),
        (["trade", "--report", "nowhere.hex", "{owner}/cross/0", "ETH", "1"], "nowhere.hex"),
        (["deploy", "--parameters", "nowhere.json"], "nowhere.json"),
        (["deploy", "--from", "0x" + "12" * 20], "no such unlocked account"),
        (["deploy", "--from", "me"], "not an address"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_exits_with_2_and_is_named(plimsoll, owner, arguments, message):
    """Value and remedy, and nothing sent."""
    result = plimsoll(*(item.format(owner=owner) for item in arguments), code=2)
    assert message in result.output


def test_a_bad_key_exits_with_7_and_is_not_shown(plimsoll):
    """Whatever was in the variable stays there."""
    result = plimsoll("deploy", code=7, env={"PLIMSOLL_KEY": "0xsecretsecret"})
    assert "secretsecret" not in result.output


def test_prices_in_units_are_exact():
    """Text to integers without floats."""
    from plimsoll import units

    assert units.parse("0.1", 18, "x") == 10**17
    assert units.parse("-3000.0000000001", 10, "x") == -(3000 * PRICE + 1)
    assert units.show(-(10**17), 18) == "-0.1"
    assert units.show(0, 6) == "0"


# ---------------------------------------------------------------- lending and leverage


def lent(plimsoll, lender):
    """A million USDC, lent."""
    plimsoll("deposit", f"{lender}/cross/0", "USDC", "1000000", "--mint", "--from", lender)
    plimsoll("lend", f"{lender}/cross/0", "USDC", "1000000", "--from", lender)
    return f"{lender}/cross/0"


@pytest.fixture
def ether(node, funded):
    """An account with 10 WETH beside lenders of USDC."""
    lent(funded, node.accounts[4])
    account = f"{node.accounts[5]}/cross/0"
    funded("deposit", account, "WETH", "10", "--mint", "--from", node.accounts[5])
    return account


def test_lever_without_a_key_is_a_preview(funded, ether):
    """Everything that would come of it, and nothing sent."""
    result = funded.json("lever", ether, "--to", "3", "--price", "ETH=3000")
    assert result["dry_run"] is True
    assert result["refusal"] is None
    assert 2.99 <= float(result["after"]["leverage"]) <= 3
    assert 2200 < float(result["after"]["liquidation_price"]["below"]) < 2300
    assert float(result["borrow_rate_after"]) > float(result["borrow_rate"])
    assert float(result["break_even"]) > 0 and result["swap"]["impact_bps"] > 5
    text = funded("lever", ether, "--to", "3", "--price", "ETH=3000").stdout
    assert "break-even move" in text and "set PLIMSOLL_KEY" in text
    assert funded.json("account", "show", ether)["leverage"] == "1"


def test_lever_delever_close(funded, ether, node):
    """There and back, each as one transaction."""
    sender = ether.split("/")[0]
    options = ("--price", "ETH=3000", "--from", sender)
    done = funded.json("lever", ether, "--to", "3", *options)
    assert done["dry_run"] is False and done["gas"] > 300_000
    shown = funded.json("account", "show", ether)
    assert 2.99 <= float(shown["leverage"]) <= 3
    assert [item["symbol"] for item in shown["liquidation_prices"]] == ["ETH"]
    owed = [float(item["owed"]) for item in shown["balances"] if item["symbol"] == "USDC"]
    assert 59_000 < owed[0] < 60_000
    node.advance(30)
    funded.json("delever", ether, "--to", "2", *options)
    node.advance(30)
    funded.json("close", ether, *options)
    assert all(item["owed"] == "0" for item in funded.json("account", "show", ether)["balances"])


def test_what_is_refused_ends_with_5_and_sends_nothing(funded, ether, node):
    """With the error of the chain, its values and what to do."""
    sender = ether.split("/")[0]
    before = node.nonce(sender)
    result = funded.json("lever", ether, "--to", "7", "--price", "ETH=3000", "--from", sender, code=5)
    assert result["error"]["error"] == "BelowInitialMargin"
    assert "deposit more" in result["error"]["remedy"]
    assert node.nonce(sender) == before
    assert funded.json("lever", ether, "--to", "0.2", code=2)["error"]["type"] == "CannotLever"


def test_lend_recall_borrow_repay(funded, ether, node):
    """And the table says so."""
    lender, sender = node.accounts[4], ether.split("/")[0]
    funded("borrow", ether, "USDC", "5000", "--price", "ETH=3000", "--from", sender)
    (row,) = [row for row in funded.json("lending", "show")["assets"] if row["symbol"] == "USDC"]
    assert float(row["lent"]) == pytest.approx(1_000_000)
    assert float(row["utilisation"]) == pytest.approx(0.005, abs=1e-6)
    assert float(row["borrow_rate"]) > float(row["lend_rate"]) > 0
    assert "USDC" in funded("lending", "show").stdout
    error = funded.json("recall", f"{lender}/cross/0", "USDC", "999000", "--from", lender, code=5)["error"]
    assert error["error"] in ("LentCashMissing", "ExitWaits")
    funded("deposit", ether, "USDC", "1", "--mint", "--from", sender)
    funded("repay", ether, "USDC", "all", "--from", sender)


def test_lending_commands_refuse_with_reasons(funded, ether, node):
    sender = ether.split("/")[0]
    error = funded.json("borrow", ether, "USDC", "2000000", "--price", "ETH=3000", "--from", sender, code=5)["error"]
    assert error["error"] == "LentCashMissing"
    assert error["remedy"] in error["message"]
    error = funded.json("repay", ether, "USDC", "all", "--from", sender, code=5)["error"]
    assert error["error"] == "NothingOwed"
    assert funded.json("borrow", ether, "DAI", "1", code=2)["error"]["what"] == "asset"
