"""Documents by the thousand: hypothesis-graphql grows their selections, and we give them arguments that find rows."""
