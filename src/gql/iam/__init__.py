"""Identity and access: organisations, people, and who may do what."""
