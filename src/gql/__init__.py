"""Countinghouse: a financial back office for many organisations, spoken to in GraphQL."""
