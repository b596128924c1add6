"""Define why a user can report a creation or comment, for the gallery's form and the operator's list."""

# Stored name and text.
from core.text import mark

REASONS: dict[str, str] = {
    "unsafe": mark("It is not safe: sexual, or cruel"),
    "hateful": mark("It is hateful"),
    "likeness": mark("It shows a person who would not want that, or something private"),
    "copyright": mark("It copies someone else's work"),
    "spam": mark("It is advertising or spam"),
    "other": mark("Something else"),
}
MAX_WORDS_LENGTH = 1000
