"""The ways in, for whoever stands outside: each checks what is shown and opens a session."""
