"""All seeded defects by name."""

from typing import Final

from .defect import Defect
from .defects_domain import DOMAIN
from .defects_inside import INSIDE
from .defects_outside import OUTSIDE
from .defects_reading import READ

ALL: Final = (*INSIDE, *OUTSIDE, *DOMAIN, *READ)
DEFECTS: Final[dict[str, Defect]] = {defect.name: defect for defect in ALL}
