"""All seeded defects: those of every `defects_….py` beside this file, by name."""

from importlib import import_module
from pathlib import Path
from typing import Final

from .defect import Defect

_MODULES = [import_module(f"{__package__}.{file.stem}") for file in sorted(Path(__file__).parent.glob("defects_*.py"))]

ALL: Final = tuple(
    defect
    for module in _MODULES
    for group in vars(module).values()
    if isinstance(group, tuple)
    for defect in group
    if isinstance(defect, Defect)
)
DEFECTS: Final[dict[str, Defect]] = {defect.name: defect for defect in ALL}
