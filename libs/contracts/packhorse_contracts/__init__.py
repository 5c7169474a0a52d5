"""Everything that crosses between services, and in and out of the system."""

from packhorse_contracts import facts as facts  # so that the registry is full for whoever imports any part
