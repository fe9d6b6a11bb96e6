"""From a bearer token to a user, or to the reason why there is none."""
