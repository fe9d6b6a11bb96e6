"""`make soak`: users who know what must be true, for a long time, while parts of the service are taken away."""
