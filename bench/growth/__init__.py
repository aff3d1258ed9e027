"""What grows with use, and whether the answer's time grows with it: rows, tenants, documents and memory."""
