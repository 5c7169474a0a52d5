"""Check digits of GS1 keys (GTIN, SSCC). Source: GS1 General Specifications, section 7.9."""


def check_digit(digits: str) -> str:
    """The check digit that belongs behind `digits`: weights 3, 1, 3, … from the right, up to the next ten."""
    total = sum(int(digit) * (1 if position % 2 else 3) for position, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def check_gtin(value: str) -> str:
    """The GTIN itself; ValueError where its check digit is wrong."""
    return _checked("GTIN", value)


def check_sscc(value: str) -> str:
    """The SSCC itself; ValueError where its check digit is wrong."""
    return _checked("SSCC", value)


def _checked(name: str, value: str) -> str:
    expected = check_digit(value[:-1])
    if value[-1:] != expected:
        raise ValueError(f"{name} {value} has the wrong check digit: {expected} would be right")
    return value
