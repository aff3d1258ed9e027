"""The peers: each starts a server on the benchmark's database and says how it is asked for a work."""
