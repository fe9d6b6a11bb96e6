"""Sizes in the words that people use."""

_UNITS = ("bytes", "KiB", "MiB", "GiB")


def size_in_words(count: int) -> str:
    """Return a number of bytes as `4 MiB`; what is no whole number of units is said in smaller ones."""
    unit = 0
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return f"{count:,} {_UNITS[unit]}"
