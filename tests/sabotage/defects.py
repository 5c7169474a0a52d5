"""All seeded defects by name."""

from typing import Final

from .defect import Defect
from .defects_domain import DOMAIN
from .defects_inside import INSIDE
from .defects_outside import OUTSIDE
from .defects_parcels import PARCELS_AND_REQUESTS

ALL: Final = (*INSIDE, *OUTSIDE, *DOMAIN, *PARCELS_AND_REQUESTS)
DEFECTS: Final[dict[str, Defect]] = {defect.name: defect for defect in ALL}
