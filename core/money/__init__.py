"""What things cost, what they have cost, and what may still be spent."""
