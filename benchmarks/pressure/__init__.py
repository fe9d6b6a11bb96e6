"""`make bench-pressure`: extreme use by single users, and its effect on others."""
