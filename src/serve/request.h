/* What a request asks for, from its bytes alone: nothing is looked up, so every refusal can be tested without a server.
 *
 *     /                     what is served: an experiment, or the list of several
 *     /state.json           that list as JSON
 *     /NAME/                an experiment's page
 *     /NAME/state.json      how far its runs are
 *     /NAME/files/FILE      a file that its report wrote
 */
#ifndef REFFRAME_SERVE_REQUEST_H
#define REFFRAME_SERVE_REQUEST_H

#include "base/text.h"

typedef enum {
    ASKS_NOTHING, /* of the above */
    ASKS_ROOT,
    ASKS_LIST,
    ASKS_ICON,    /* browsers do, unasked */
    ASKS_UNENDED, /* /NAME, which lacks its slash */
    ASKS_PAGE,
    ASKS_STATE,
    ASKS_FILE,
} RequestKind;

enum { REQUEST_NAME = 256 }; /* bytes of a file's name, as file systems have it, and a NUL */

typedef struct {
    RequestKind kind;
    char name[REQUEST_NAME]; /* an experiment's folder; "" where none is asked for */
    char file[REQUEST_NAME];
} Request;

/* The path of a request, its %XX as they came, without a query. Parts of it are names that a folder can have and shows:
 * never "", ".", "..", hidden, of a slash, or with control characters; else it asks for nothing. */
Request request_parse(const char *path);

/* Adds /NAME/, by which an experiment's page is asked for: every byte that is no letter, digit or one of -._ as %XX. */
void request_add_address(Text *address, const char *name);

/* Whether a page can be asked for by that name: not for a hidden one, or "..". */
int request_is_name(const char *name);

/* Whether a Host header names this server on `port`. Any other name that leads here is not ours: a foreign page could
 * have given it to this address, to read what is served (DNS rebinding). NULL: there was none. */
int request_is_for_us(const char *host, int port);

#endif
