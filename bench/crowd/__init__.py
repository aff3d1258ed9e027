"""A crowd: two thousand people who are signed in, each with a connection of their own, who think, look and write."""
