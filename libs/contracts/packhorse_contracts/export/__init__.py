"""Makes the readable and machine-readable forms of the contracts: `python -m packhorse_contracts.export`."""
