"""Files from elsewhere, brought in through the public mutations."""
