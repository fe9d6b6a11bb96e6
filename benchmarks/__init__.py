"""Compares the service with alternatives. Run by hand with `make bench`."""
