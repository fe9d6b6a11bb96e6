"""`make soak`: users who verify every response for a long time, while parts of the service fail."""
