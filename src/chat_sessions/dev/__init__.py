"""`make dev`: embedded servers and demo data. Production code imports nothing of it, and the image leaves it out."""
