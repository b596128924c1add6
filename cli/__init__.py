"""The console script `threadpaint`: every command of an instance under one name."""
