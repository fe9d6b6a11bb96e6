"""Types shared by the layers, and the bodies of requests and responses."""
