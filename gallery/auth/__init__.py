"""Sign users in with X: OAuth client, its configuration, encryption and the state cookie."""
