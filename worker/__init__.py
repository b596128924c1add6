"""Does: RQ jobs that paint and reply, and sweeps that lose nothing."""
