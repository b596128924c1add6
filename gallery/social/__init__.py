"""What people do with pictures and with each other: like, comment, follow; and who is told of it."""

from starlette.routing import BaseRoute, Route

from gallery.social import commenting, following, liking, noticing, people

SEND = ["POST"]

PAGES: list[BaseRoute] = [
    Route("/c/{creation_id}/like", liking.like, methods=SEND),
    Route("/c/{creation_id}/unlike", liking.unlike, methods=SEND),
    Route("/c/{creation_id}/likes", liking.likers),
    Route("/c/{creation_id}/comments", commenting.comments, methods=["GET"]),
    Route("/c/{creation_id}/comments", commenting.say, methods=SEND),
    Route("/c/{creation_id}/comments/{comment_id}", commenting.comment),
    Route("/c/{creation_id}/comments/{comment_id}/delete", commenting.take_back, methods=SEND),
    Route("/me/notifications", noticing.notifications),
    Route("/me/notifications/read", noticing.mark_all_read, methods=SEND),
    Route("/@{handle}/follow", following.follow, methods=SEND),
    Route("/@{handle}/unfollow", following.unfollow, methods=SEND),
    Route("/@{handle}/followers", following.followers),
    Route("/@{handle}/following", following.following),
    Route("/@{handle}/likes", people.liked),
    Route("/@{handle}", people.person),
]
