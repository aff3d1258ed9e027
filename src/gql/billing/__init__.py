"""Billing: clients, their invoices, and what is owed."""
