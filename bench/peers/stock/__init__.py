"""The server of stock Strawberry: what its documentation would have one write over the same database."""
