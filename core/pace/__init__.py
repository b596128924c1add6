"""When a call to X may go, shared by all processes and taught by X's headers; and the gate that every call passes."""

from core.pace.pace import ANSWER, STOPS, UPLOAD, Pace, Told, Window, read_told

__all__ = ["ANSWER", "STOPS", "UPLOAD", "Pace", "Told", "Window", "read_told"]
