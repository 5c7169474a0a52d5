"""Products, locations and stock for the orders: enough of nearly everything, too little of a few."""

from collections import Counter, defaultdict
from hashlib import blake2b
from random import Random

from packhorse_devstack.data.gs1 import with_check_digit
from packhorse_devstack.data.invoices import Invoice
from packhorse_devstack.data.records import Json, Record, fact

PRODUCT_CHANGED = "packhorse.catalogue.product_changed.v1"
LOCATION_CHANGED = "packhorse.catalogue.location_changed.v1"
STOCK_RECEIVED = "packhorse.warehouse.stock_received.v1"

BRITISH, GERMAN = "WH-GB", "WH-DE"
LOCATIONS: tuple[dict[str, Json], ...] = (
    {
        "location": BRITISH,
        "kind": "warehouse",
        "name": "Leicester",
        "country": "GB",
        "postal_code": "LE1 5YA",
        "latitude": 52.6369,
        "longitude": -1.1398,
        "timezone": "Europe/London",
        "active": True,
    },
    {
        "location": GERMAN,
        "kind": "warehouse",
        "name": "Leipzig",
        "country": "DE",
        "postal_code": "04109",
        "latitude": 51.3397,
        "longitude": 12.3731,
        "timezone": "Europe/Berlin",
        "active": True,
    },
)

SHORT_SKUS = 8
"""How many articles have only half of what the orders ask for, so that some orders are refused."""

GERMAN_ONLY_SHARE = 0.008
"""Articles that lie in Leipzig alone, so that some orders are sent from two places."""


RECEIPT_LINES = 50
"""Lines of a delivery note."""


def catalogue(placed: list[Invoice], seed: int) -> tuple[list[Record], list[str]]:
    """The facts to load before the orders, and the SKUs that are short."""
    titles: dict[str, Counter[str]] = defaultdict(Counter)
    demand: Counter[str] = Counter()
    buyers: Counter[str] = Counter()
    for invoice in placed:
        buyers.update({line.sku for line in invoice.goods})
        for line in invoice.goods:
            titles[line.sku][line.title] += 1
            demand[line.sku] += line.quantity
    popular = sorted(sku for sku, count in buyers.items() if 8 <= count <= 25)
    short = sorted(Random(f"{seed}/short").sample(popular, min(SHORT_SKUS, len(popular))))
    records = [fact(LOCATION_CHANGED, f"location-{place['location']}", place) for place in LOCATIONS]
    for sku in sorted(demand):
        best = min(titles[sku], key=lambda title: (-titles[sku][title], title))
        records.append(fact(PRODUCT_CHANGED, f"product-{sku}", _product(sku, best, seed)))
    arrived: dict[str, list[Json]] = defaultdict(list)
    for sku in sorted(demand):
        for place, quantity in _stock(sku, demand[sku], sku in short, seed).items():
            arrived[place].append({"sku": sku, "quantity": quantity})
    for place, lines in arrived.items():
        for number, start in enumerate(range(0, len(lines), RECEIPT_LINES), 1):
            receipt = f"RC-{place}-{number:03}"
            data: dict[str, Json] = {
                "receipt_id": receipt,
                "location": place,
                "lines": lines[start : start + RECEIPT_LINES],
            }
            records.append(fact(STOCK_RECEIVED, f"receipt-{receipt}", data))
    return records, short


def _stock(sku: str, demand: int, short: bool, seed: int) -> dict[str, int]:
    random = Random(f"{seed}/stock/{sku}")
    if short:
        return {BRITISH: max(demand // 2, 1)}
    if random.random() < GERMAN_ONLY_SHARE:
        return {GERMAN: demand + demand // 10 + 10}
    return {BRITISH: demand + demand // 10 + 10, GERMAN: demand // 5 + 5}


def _product(sku: str, title: str, seed: int) -> dict[str, Json]:
    """Weight in grams, sides in millimetres: a gift shop's things, mostly small and light."""
    random = Random(f"{seed}/product/{sku}")
    weight = min(max(int(random.lognormvariate(5.0, 0.8)), 15), 4_000)
    volume = weight * random.uniform(3_000, 7_000)  # mm³: 3 to 7 cm³ a gram, packaging included
    side = volume ** (1 / 3)
    stretch, flatten = random.uniform(1.0, 1.8), random.uniform(0.5, 1.0)
    return {
        "sku": sku,
        "title": title or f"Article {sku}",
        "gtin": _gtin(sku),
        "weight": weight,
        "length": round(side * stretch),
        "width": round(side / stretch / flatten),
        "height": max(round(side * flatten), 2),
        "fragile": any(word in title.upper() for word in ("GLASS", "CERAMIC", "MIRROR", "PORCELAIN", "T-LIGHT")),
    }


def _gtin(sku: str) -> str:
    """A GTIN-13 for use inside a company (prefix 2), derived from the SKU, with its check digit."""
    digits = "2" + str(int.from_bytes(blake2b(sku.encode(), digest_size=8).digest()) % 10**11).zfill(11)
    return with_check_digit(digits)
