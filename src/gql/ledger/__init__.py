"""The double-entry ledger: what stands where, and why."""
