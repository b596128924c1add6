"""The painter over HTTP: who asks, what is asked, what is answered. Knows no model."""
