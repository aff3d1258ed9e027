"""Trade: wholesale on credit."""
