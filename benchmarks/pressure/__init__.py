"""`make bench-pressure`: one user's extremes at full size, and what everybody else notices of them."""
