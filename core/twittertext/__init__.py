"""X's text rules: lengths, links and mentions. The sandbox uses them, too, so it imports nothing else of core."""
