"""Run the operator's commands."""
