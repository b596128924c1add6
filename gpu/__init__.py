"""The GPU service: generates pictures with diffusers or the sketch engine, on Modal or on any machine."""
