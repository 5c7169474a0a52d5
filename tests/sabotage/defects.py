"""All seeded defects by name."""

from typing import Final

from .defect import Defect
from .defects_beside import BESIDE
from .defects_domain import DOMAIN
from .defects_inside import INSIDE
from .defects_outside import OUTSIDE

ALL: Final = (*INSIDE, *BESIDE, *OUTSIDE, *DOMAIN)
DEFECTS: Final[dict[str, Defect]] = {defect.name: defect for defect in ALL}
