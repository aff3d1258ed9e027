"""The worker: what is due by itself, done for each organisation in its own role."""
