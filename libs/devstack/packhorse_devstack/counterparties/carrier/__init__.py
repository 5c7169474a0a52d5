"""A carrier: moves parcels on until they are delivered."""
