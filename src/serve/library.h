/* libmicrohttpd, loaded when something is served and not before: it brings a TLS library along, whose start would cost
 * every run of a sweep time, memory and opened files. So the program is linked to none of it.
 */
#ifndef REFFRAME_SERVE_LIBRARY_H
#define REFFRAME_SERVE_LIBRARY_H

#include "base/status.h"

#ifdef REFFRAME_MICROHTTPD /* its header was there when this was built */

#include <microhttpd.h>

/* Its functions that are used, as they are declared there: X(name behind MHD_). */
#define LIBRARY_FUNCTIONS(X)                                                                                           \
    X(start_daemon)                                                                                                    \
    X(create_response_from_buffer_with_free_callback_cls)                                                              \
    X(create_response_from_fd64)                                                                                       \
    X(add_response_header)                                                                                             \
    X(queue_response)                                                                                                  \
    X(destroy_response)                                                                                                \
    X(lookup_connection_value)

#define LIBRARY_MEMBER(name) __typeof__(&MHD_##name) name;
typedef struct {
    LIBRARY_FUNCTIONS(LIBRARY_MEMBER)
} Library;

/* STATUS_FAILED, and what to install, where it is not there. It stays loaded. */
int library_load(Library *ret_library, Error *err);

#endif

/* What is said where it is missing: when the program is built, or when it runs (`reason`, NULL for the former). */
int library_missing(const char *reason, Error *err);

#endif
