"""The HTTP connection: parsing, framing, limits, coalesced writes."""
