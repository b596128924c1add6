"""Poll X for mentions, store them and decide which to answer."""
