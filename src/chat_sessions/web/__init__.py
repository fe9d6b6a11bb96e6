"""Speaks HTTP: connections, middleware, authentication, routes, problems, the OpenAPI document."""
