"""Run the RQ jobs that paint and reply, and the loops that recover stuck work and purge deleted data."""
