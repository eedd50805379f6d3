/* HTTP by libmicrohttpd. It listens on 127.0.0.1 alone, takes GET and HEAD under its
 * own name, and has no more than HTTP_VIEWERS connections at a time: whoever comes then waits. Each is closed behind
 * its answer, or when nothing moved for HTTP_PATIENCE seconds, so a slow one keeps a place and nobody's attention.
 */
#ifndef REFFRAME_SERVE_HTTP_H
#define REFFRAME_SERVE_HTTP_H

#include "base/status.h"
#include "serve/site.h"

enum { HTTP_VIEWERS = 50, HTTP_PATIENCE = 10, HTTP_HEAD = 16384 /* bytes of a request's line and headers */ };

/* Serves until the process ends; returns only with an error. `port`: 0 for any that is free. `on_ready` is told which,
 * once it listens. Without libmicrohttpd, STATUS_FAILED at once, and what to install. */
int http_serve(Site *site, int port, void (*on_ready)(void *context, int port), void *context, Error *err);

#endif
