"""The help page: how to ask on X and here, every style and shape by example, and the limits."""

from fastapi import Request
from starlette.responses import Response

from core.generation_limits import MAX_IMAGES, MAX_STEPS
from core.styles import STYLES
from gallery.routers.composer_page import ASPECT_RATIO_CHOICES, STYLE_LABELS
from gallery.services.init_images import MAX_FILE_BYTES
from gallery.web.dependencies import ContextDep
from gallery.web.pages import page_router, render_page

router = page_router()


@router.get("/help")
async def help_page(request: Request, context: ContextDep) -> Response:
    """Explain everything that people can ask for."""
    config = context.creation_config
    return await render_page(
        request,
        "help.html",
        styles=STYLES,
        style_labels=STYLE_LABELS,
        aspect_ratios=[choice for choice in ASPECT_RATIO_CHOICES if choice.name],
        max_count=MAX_IMAGES,
        max_steps=MAX_STEPS,
        max_megabytes=MAX_FILE_BYTES // 2**20,
        prompt_limit=config.prompt_limit,
        daily_limit=config.rules.user_daily_limit,
    )
