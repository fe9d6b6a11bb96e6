"""Side by side: the service and what else could have been picked. Run by hand: `make bench`."""
