"""Define why a user can report a creation or comment, for the gallery's form and the operator's list."""

# Stored name and text.
REASONS: dict[str, str] = {
    "unsafe": "It is not safe: sexual, or cruel",
    "hateful": "It is hateful",
    "likeness": "It shows a person who would not want that, or something private",
    "copyright": "It copies someone else's work",
    "spam": "It is advertising or spam",
    "other": "Something else",
}
MAX_WORDS_LENGTH = 1000
