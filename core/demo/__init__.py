"""Run all processes on one machine, with an embedded queue server: `make demo`."""
