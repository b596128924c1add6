"""Check generated images for sexual content."""
