"""Organisations as wholes, for the operator of the house: what belongs to one, taken out, and taken away."""
