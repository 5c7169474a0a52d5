"""The checks that hunt defects, each with its normal budget, and how to read from their output what went red."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_FAILED: Final = re.compile(r"^FAILED (\S+(?:\[.*?\])?)", re.MULTILINE)
_BROKEN: Final = re.compile(r"^SEED=(\d+) breaks: (.*?)\. Shortening", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Check:
    """A command of the project's own. `kind` says to people what it is; `arguments` follow the interpreter."""

    name: str
    kind: str
    arguments: Sequence[str]
    seconds: float = 420.0
    """After so long it hangs, and proves nothing."""

    def red(self, output: str) -> str | None:
        """What exactly failed, by its id; None where nothing did.

        An error in a fixture is not a failed test: a server that didn't start has caught nobody.
        """
        if failed := _FAILED.search(output):
            return failed[1]
        if broken := _BROKEN.search(output):
            return f"seed {broken[1]}: {broken[2]}"
        return None


def simulation(lives: int) -> Check:
    """So many order lives in virtual time, the same ones every time."""
    arguments = ("-m", "packhorse_simulation", "--seed", "1", "--lives", str(lives), "--patience", "0")
    return Check("simulation", "simulation", arguments)


def _pytest(name: str, kind: str, *paths: str) -> Check:
    options = ("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "--timeout", "120")
    return Check(name, kind, ("-m", "pytest", *options, *paths))


def _chassis(name: str) -> Check:
    return _pytest(f"chassis: {name}", "chassis, real servers", f"libs/chassis/tests/test_{name}.py")


SIMULATION: Final = simulation(20_000)
SEEDS: Final = _pytest("simulation: seeds", "simulation", "tests/simulation/test_simulation_regressions.py")
MODEL: Final = _pytest("model", "model", "libs/chassis/tests/test_model.py")
CONTRACT: Final = _pytest(
    "contract",
    "contract, both worlds",
    "tests/simulation/test_simulation_contract.py",
    "tests/simulation/test_simulation_contract_failing.py",
    "tests/simulation/test_simulation_contract_names.py",
)
ORDER: Final = _pytest(
    "order stories",
    "service, in memory",
    "services/order/tests/test_order_stories.py",
    "services/order/tests/test_order_cancelling.py",
    "services/order/tests/test_order_plan.py",
)
PROMISE: Final = _pytest("promises", "service, in memory", "services/order/tests/test_order_promise.py")
MAILS: Final = _pytest("mails", "service, in memory", "services/notification/tests/test_stories.py")
WORDS: Final = _pytest("words", "service, in memory", "services/notification/tests/test_rendering.py")
HOSTILE_GATEWAY: Final = _pytest(
    "hostile gateway", "service, real HTTP", "services/payment/tests/test_hostile_gateway.py"
)
PARCELS: Final = _pytest("order parcels", "service, in memory", "services/order/tests/test_order_parcels.py")
REQUESTS: Final = _pytest("order requests", "service, in memory", "services/order/tests/test_order_requests.py")
TRACKING: Final = _pytest("tracking", "service, in memory", "services/shipping/tests/test_shipping_tracking.py")
PICKING: Final = _pytest("picking", "service, in memory", "services/shipping/tests/test_shipping_main_way.py")
WAREHOUSE: Final = _pytest("warehouse", "service, in memory", "services/shipping/tests/test_shipping_warehouse.py")
TOLD_TWICE: Final = _pytest("told twice", "audit", "libs/audit/tests/test_told_twice.py")
REJECTIONS: Final = _pytest("rejections", "service, in memory", "services/order/tests/test_order_rejections.py")
ADDRESSES: Final = _pytest("addresses", "service, in memory", "services/order/tests/test_order_addresses.py")
AGAIN: Final = _pytest("orders again", "service, in memory", "services/order/tests/test_order_again.py")
SCREEN: Final = _pytest("what is taken out", "chassis, in memory", "libs/chassis/tests/test_screen.py")
LENIENT: Final = _pytest("broken contracts", "contracts", "libs/contracts/tests/test_lenient_reading.py")
MONEY: Final = _pytest("payment, any life", "service, in memory", "services/payment/tests/test_money.py")
NOTHING: Final = _pytest("lines of nothing", "service, in memory", "services/inventory/tests/test_inventory_nothing.py")
GATEWAY: Final = _pytest("gateway", "service, real gateway", "services/payment/tests/test_gateway.py")
SHIPPING: Final = _pytest("shipping stories", "service, in memory", "services/shipping/tests/test_shipping_main_way.py")
PAYMENT: Final = _pytest("payment stories", "service, in memory", "services/payment/tests/test_way_back.py")
COUNTS: Final = _pytest("counts", "service, in memory", "services/inventory/tests/test_inventory_counts.py")
FACTS: Final = _pytest("facts", "contracts", "libs/contracts/tests/test_facts.py")
TELLING: Final = _pytest("telling", "service, in memory", "services/notification/tests/test_stories.py")
STOCK: Final = _pytest(
    "stock stories",
    "service, in memory",
    "services/inventory/tests/test_inventory_stock.py",
    "services/inventory/tests/test_inventory_conserved.py",
)
READER: Final = _pytest("reader", "chassis, without servers", "libs/chassis/tests/test_reader.py")
ATTACKS: Final = _pytest("attacks", "contracts", "libs/contracts/tests/test_attacks.py")
SCHEMAS: Final = _pytest(
    "schema and reader", "contracts", "libs/contracts/tests/test_schema_is_the_reader.py", "-k", "not admit"
)
VALUES: Final = _pytest("values", "contracts", "libs/contracts/tests/test_values.py")
NO_NUL: Final = _pytest("facts without NUL", "contracts", "libs/contracts/tests/test_no_nul.py")
TABLES: Final = _pytest("tables", "command line", "libs/cli/tests/test_table.py")
SENTENCES: Final = _pytest("sentences", "command line", "libs/cli/tests/test_sentences.py")
STORY: Final = _pytest("story", "command line", "libs/cli/tests/test_story.py")
TIMELINE: Final = _pytest("time line", "command line", "libs/cli/tests/test_timeline.py")
READING: Final = _pytest("fuzz: reading", "fuzz", "tests/fuzz/test_fuzz_reading.py")
REACTING: Final = _pytest("fuzz: reacting", "fuzz", "tests/fuzz/test_fuzz_reacting.py")
BATCH, COMMIT, SEQUENCE = _chassis("batch"), _chassis("commit"), _chassis("sequence")
CLAIMS, PARKING, HANDED_BACK = _chassis("claims"), _chassis("parking"), _chassis("handed_back")
BOMBS, PROGRESS, LETTERS, LOG = (_chassis(name) for name in ("bombs", "progress", "letters", "log"))
RELAY, EXECUTOR, PROCESS = _chassis("relay"), _chassis("executor"), _chassis("process")
BLAME, IDENTITY, RELEASES = _chassis("blame"), _chassis("identity"), _chassis("releases")
DRY_RUNS, DRY_RECORDS = _chassis("dry_runs"), _chassis("dry_records")
DEAD_RECORD, STUCK, KEEP, DAMAGED = _chassis("dead_record"), _chassis("stuck"), _chassis("keep"), _chassis("damaged")
LEAD_LOST: Final = _pytest(
    "chassis: lead lost",
    "chassis, real servers",
    "libs/chassis/tests/test_outages.py::test_who_loses_the_lead_while_the_broker_is_away_says_nothing_more",
)
RACE: Final = _pytest("stock race", "service, real servers", "services/inventory/tests/test_inventory_race.py")
