"""Tokens that other houses have issued, and how their keys are come by."""
