"""GraphQL over HTTP: what a request looks like on the wire, and everything that surrounds the engine there."""
