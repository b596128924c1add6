"""The HTTP API of the GPU service: authentication, limits, validation, responses."""
