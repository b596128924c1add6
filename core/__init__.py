"""What two or more of the others need; imports none of them."""
