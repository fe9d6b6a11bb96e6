"""What the service is held against, each written as a good engineer would on a good day."""
