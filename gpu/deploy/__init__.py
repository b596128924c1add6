"""Deployment on Modal: settings, autoscaling by day and night, and prices."""
