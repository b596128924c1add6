"""What painting costs: prices of rented cards, and how many containers may run by day and by night."""
