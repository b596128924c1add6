"""Tells crawlers what they may do here: robots.txt, and the reservation of rights for those who train machines.

Crawlers that gather material for training are kept out unless the host lets them in (GALLERY_AI_CRAWLERS=allow): what
hangs here are the words and names of people who asked a bot for a picture, not to be learned from, and what was once
learned cannot be taken back. Search engines, and assistants that look something up for somebody, are welcome always.
"""

from fastapi import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from gallery.house import house_of

# By what their makers say of them, November 2026. Not here: OAI-SearchBot, ChatGPT-User, Claude-User,
# Claude-SearchBot, PerplexityBot and their like, which bring people to the page.
AI_CRAWLERS = (
    "AI2Bot",
    "Amazonbot",
    "anthropic-ai",
    "Applebot-Extended",
    "Bytespider",
    "CCBot",
    "Claude-Web",
    "ClaudeBot",
    "cohere-ai",
    "cohere-training-data-crawler",
    "Diffbot",
    "FacebookBot",
    "Google-Extended",
    "GPTBot",
    "ImagesiftBot",
    "img2dataset",
    "meta-externalagent",
    "omgili",
    "omgilibot",
    "PanguBot",
    "Timpibot",
    "webzio-extended",
)
# The pages of members, what never ends, and what costs work without telling anything new.
NOT_FOR_ROBOTS = ("/me", "/sign-in", "/sign-out", "/live", "/following", "/paint", "/search", "/api/", "/c/*/report")
A_DAY = {"Cache-Control": "public, max-age=86400"}
# `noai` is what many art sites say, TDM-Reservation what the European rules on text and data mining go by.
RESERVED = {"X-Robots-Tag": "noai, noimageai", "TDM-Reservation": "1"}


async def robots(request: Request) -> Response:
    """robots.txt (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_ROBOTS)]
    if keeps_out_ai(request):
        lines += ["", *(f"User-agent: {name}" for name in AI_CRAWLERS), "Disallow: /"]
    if house_of(request).public_url:
        lines += ["", f"Sitemap: {house_of(request).address('/sitemap.xml')}"]
    return PlainTextResponse("\n".join(lines) + "\n", headers=A_DAY)


async def reservation(request: Request) -> Response:
    """The same for machines that look for it at the known place (W3C TDMRep)."""
    body = [{"location": "/", "tdm-reservation": 1 if keeps_out_ai(request) else 0}]
    return JSONResponse(body, headers=A_DAY)


def keeps_out_ai(request: Request) -> bool:
    """Whether crawlers for training are to stay out."""
    return bool(request.app.state.keeps_out_ai)
