"""Describe a browser in a few words, such as "Firefox on Linux". A guess, shown only to its owner."""

from core.text import mark
from gallery.translations import gettext

# In order of precedence: many browsers name several of these.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
UNKNOWN = mark("A browser")


def describe(user_agent: str) -> str:
    """Return browser and system of a User-Agent header, which may contain anything."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), UNKNOWN)
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    browser = gettext(browser) if browser == UNKNOWN else browser
    return gettext("%(browser)s on %(system)s", browser=browser, system=system) if system else browser
