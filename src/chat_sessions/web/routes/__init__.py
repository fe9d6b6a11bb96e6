"""HTTP in, HTTP out: each handler is one call of the model."""
