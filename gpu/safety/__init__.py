"""Looks at painted pictures before anybody else does: which of them people should not be shown."""
