"""What money costs to move: payments through our server, through the same function alone, and two bare rows."""
