"""Everything that crosses between services, and in and out of the system."""
