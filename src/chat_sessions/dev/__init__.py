"""`make dev`: embedded servers and demo data. Production code never imports it, and the image leaves it out."""
