"""What the layers hand each other, and what crosses the wire."""
