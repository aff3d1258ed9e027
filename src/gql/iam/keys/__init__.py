"""The keys of the house: files that nobody else reads, followed while they change."""
