"""A warehouse system: takes pick lists, picks, packs and hands over to a carrier."""
