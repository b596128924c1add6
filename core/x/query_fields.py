"""Fields and expansions that the client requests from X."""

POST_FIELDS = {
    "tweet.fields": "attachments,author_id,conversation_id,created_at,display_text_range,edit_history_tweet_ids,"
    "entities,in_reply_to_user_id,lang,note_tweet,referenced_tweets,reply_settings",
    "user.fields": "connection_status,created_at,description,protected,verified",
    "media.fields": "alt_text,height,type,url,width",
    "expansions": "attachments.media_keys,author_id,referenced_tweets.id,referenced_tweets.id.attachments.media_keys,"
    "referenced_tweets.id.author_id",
}
# For finding the bot's own reply. Entities show whether it has a link, which costs more.
REPLY_SEARCH_FIELDS = {"tweet.fields": "author_id,entities,in_reply_to_user_id,referenced_tweets"}
# For reading own posts again. Media show what was charged for them.
OWN_POST_FIELDS = {
    "tweet.fields": "attachments,author_id,entities,in_reply_to_user_id,note_tweet,referenced_tweets",
    "media.fields": "alt_text,type",
    "expansions": "attachments.media_keys",
}
OWN_ACCOUNT_FIELDS = "created_at,description,pinned_tweet_id,protected,verified,verified_type"
