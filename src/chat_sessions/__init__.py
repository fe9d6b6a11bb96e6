"""Chat sessions for AI products: listed, opened, extended, and deleted for good."""
