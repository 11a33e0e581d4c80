"""What `compare` is made of: the peers, their agreement, their turns, the report."""
