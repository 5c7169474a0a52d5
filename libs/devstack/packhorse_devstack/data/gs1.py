"""GS1's check digit, for GTIN, SSCC and tracking numbers."""


def with_check_digit(digits: str) -> str:
    """The digits and their check digit: weights 3, 1, 3 … from the right."""
    weighted = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return digits + str(-weighted % 10)
