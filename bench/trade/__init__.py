"""Books of trade in bulk: markets whose questions answer truly, and on which every mutation goes on working."""
