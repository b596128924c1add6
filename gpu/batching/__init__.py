"""Orders become batches: fair turns, one thread that owns the engine, one that checks, and whose seconds it were."""
