"""Tell crawlers what they may do: robots.txt, and the reservation of rights against training (TDMRep).

Crawlers that collect training data are excluded unless GALLERY_AI_CRAWLERS=allow: the site holds the words and names
of people who asked a bot for a picture. Search engines, and assistants that look something up, are always welcome.
"""

from fastapi import Request
from starlette.responses import JSONResponse, PlainTextResponse

from gallery.web.dependencies import ContextDep
from gallery.web.pages import page_router

router = page_router()
# From their operators' documentation, November 2026. Left out: OAI-SearchBot, ChatGPT-User, Claude-User,
# Claude-SearchBot, PerplexityBot and similar ones, which bring people to the page.
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
# Pages of members, endless streams, and pages that cost work without new content.
DISALLOWED_PATHS = (
    "/me",
    "/auth",
    "/sign-in",
    "/sign-out",
    "/live",
    "/following",
    "/paint",
    "/share",
    "/search",
    "/api/",
    "/c/*/report",
    "/c/*/download/",
    "/c/*/next",
    "/c/*/previous",
    "/random",
)
CACHE_ONE_DAY = {"Cache-Control": "public, max-age=86400"}
# `noai` is a convention of art sites. TDM-Reservation is for the European rules on text and data mining.
RESERVED_HEADERS = {"X-Robots-Tag": "noai, noimageai", "TDM-Reservation": "1"}


@router.get("/robots.txt")
async def robots(request: Request, context: ContextDep) -> PlainTextResponse:
    """Return robots.txt (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in DISALLOWED_PATHS)]
    if denies_ai_crawlers(request):
        lines += ["", *(f"User-agent: {name}" for name in AI_CRAWLERS), "Disallow: /"]
    if context.public_url:
        lines += ["", f"Sitemap: {context.address('/sitemap.xml')}"]
    return PlainTextResponse("\n".join(lines) + "\n", headers=CACHE_ONE_DAY)


@router.get("/.well-known/tdmrep.json")
async def tdm_reservation(request: Request) -> JSONResponse:
    """Return the reservation at its well-known path (W3C TDMRep)."""
    body = [{"location": "/", "tdm-reservation": 1 if denies_ai_crawlers(request) else 0}]
    return JSONResponse(body, headers=CACHE_ONE_DAY)


def denies_ai_crawlers(request: Request) -> bool:
    """Return whether crawlers that collect training data are excluded."""
    return bool(request.app.state.denies_ai_crawlers)
