/*
 * url_text: a URL as it may be shown: without what may be secret in it.
 *
 * Threads: a plain value.
 */
#ifndef DERPKIT_URL_TEXT_H
#define DERPKIT_URL_TEXT_H

#define URL_TEXT_MAX 512

struct url_text {
	char text[URL_TEXT_MAX]; /* cut if it is too long */
};

/* The URL without user name, password and query. What has no "://" is shown as
 * it is. */
struct url_text url_text_of(const char *url);

/* Its scheme, host and port alone: "https://relay.example:8443". */
struct url_text url_text_origin(const char *url);

/* The same, and the path if it is this one, which tells nobody anything; any
 * other may hold a token. */
struct url_text url_text_with_path(const char *url, const char *path);

/* The same of what should be a URL and may not be one: its scheme may be
 * missing, and the rest is no less secret for that. */
struct url_text url_text_unchecked(const char *url, const char *path);

#endif
