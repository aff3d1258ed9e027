"""Access tokens, the sessions that renew them, and what whoever comes with one may do."""
