"""Let a dozen people of the sandbox use a new demo: they post, remix, like, comment, follow and collect.

    script.py (who does what) -> steps.py (how) -> the sandbox's control API, and forms of the gallery

`python -m core.demo.life` does it in the background, one creation at a time, so that a visitor's own prompt is painted
at once. `progress.py` remembers the finished steps: a restart continues, and a finished script never runs again.
"""
