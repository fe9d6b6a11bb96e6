"""What surrounds every request: the connection, the middleware, problems, the document."""
