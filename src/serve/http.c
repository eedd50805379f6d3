/* See http.h. */
#include "serve/http.h"

#include "serve/library.h"

#ifndef REFFRAME_MICROHTTPD

int http_serve(Site *site, int port, void (*on_ready)(void *context, int port), void *context, Error *err)
{
    (void)site, (void)port, (void)on_ready, (void)context;
    return library_missing(NULL, err);
}

#else

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    Library library;
    Site *site;
    int port;
} Server;

/* The report's own policy, with questions to this server; no frame of others may hold a page. */
static const char policy[] =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* ---- answers ---- */

static void free_body(void *body)
{
    body_free(body);
}

/* NULL without memory. The answer's body or file is the response's from here on, or closed. */
static struct MHD_Response *response_of(const Library *library, const Answer *answer)
{
    struct MHD_Response *response;
    if (answer->file >= 0) {
        response = library->create_response_from_fd64(answer->file_size, answer->file);
        if (!response)
            close(answer->file);
        return response;
    }
    const Text empty = {0}, *text = answer->body ? &answer->body->text : &empty;
    response =
        library->create_response_from_buffer_with_free_callback_cls(text->size, text->data, free_body, answer->body);
    if (!response)
        body_free(answer->body);
    return response;
}

static void add_headers(const Library *library, struct MHD_Response *response, const Answer *answer)
{
    static const struct {
        const char *name, *value;
    } always[] = {
        {MHD_HTTP_HEADER_CONNECTION, "close"},           {"Content-Security-Policy", policy},
        {"X-Content-Type-Options", "nosniff"},           {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        library->add_response_header(response, always[i].name, always[i].value);
    library->add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    library->add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, answer->etag[0] ? "no-cache" : "no-store");
    if (answer->etag[0])
        library->add_response_header(response, MHD_HTTP_HEADER_ETAG, answer->etag);
    if (answer->location[0])
        library->add_response_header(response, MHD_HTTP_HEADER_LOCATION, answer->location);
    if (answer->code == MHD_HTTP_METHOD_NOT_ALLOWED)
        library->add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (answer->attachment) {
        Text value = {0};
        text_addf(&value, "attachment; filename=\"%s\"", answer->attachment);
        library->add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, text_string(&value));
        text_free(&value);
    }
}

static enum MHD_Result send_answer(const Library *library, struct MHD_Connection *connection, const Answer *answer)
{
    struct MHD_Response *response = response_of(library, answer);
    if (!response)
        return MHD_NO; /* which closes the connection */
    add_headers(library, response, answer);
    const enum MHD_Result result = library->queue_response(connection, (unsigned)answer->code, response);
    library->destroy_response(response);
    return result;
}

/* ---- requests ---- */

static const char *header(const Server *server, struct MHD_Connection *connection, const char *name)
{
    return server->library.lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static int has_body(const Server *server, struct MHD_Connection *connection)
{
    const char *length = header(server, connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return header(server, connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) || (length && strcmp(length, "0") != 0);
}

static Answer answer_to(const Server *server, struct MHD_Connection *connection, const char *path, const char *method)
{
    if (!request_is_for_us(header(server, connection, MHD_HTTP_HEADER_HOST), server->port))
        return answer_words(403, "refframe: this server answers by the names 127.0.0.1 and localhost, with its port");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_words(405, "refframe: only GET and HEAD are answered: nothing here can be changed");
    if (has_body(server, connection))
        return answer_words(413, "refframe: a request with a body is not answered");
    const Request request = request_parse(path);
    return site_answer(server->site, &request, header(server, connection, MHD_HTTP_HEADER_IF_NONE_MATCH));
}

/* Called once its headers are there, which is all that a request of ours has. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload, size_t *upload_size,
                                  void **ret_state)
{
    (void)version, (void)upload, (void)upload_size, (void)ret_state;
    const Server *server = context;
    const Answer answer = answer_to(server, connection, path, method);
    return send_answer(&server->library, connection, &answer);
}

/* Paths are taken as they came: request_parse decodes them, part by part. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *path)
{
    (void)context, (void)connection;
    return strlen(path);
}

/* ---- the server ---- */

static int port_taken(int port, int reason, Error *err)
{
    if (reason == EADDRINUSE)
        return error_set(err, STATUS_FAILED,
                         "refframe serve: port %d is in use; --port N takes another, --port 0 any that is free", port);
    return error_set(err, STATUS_FAILED, "refframe serve: cannot listen on port %d: %s", port, strerror(reason));
}

/* A socket of this machine alone. */
static int listen_on(int port, int *ret_socket, int *ret_port, Error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        return port_taken(port, errno, err);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); /* of a server that has just ended */
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        const int reason = errno;
        close(listener);
        return port_taken(port, reason, err);
    }
    *ret_socket = listener;
    *ret_port = ntohs(address.sin_port);
    return STATUS_OK;
}

int http_serve(Site *site, int port, void (*on_ready)(void *context, int port), void *context, Error *err)
{
    Server server = {.site = site};
    int listener = -1;
    int status = library_load(&server.library, err);
    if (status == STATUS_OK)
        status = listen_on(port, &listener, &server.port, err);
    if (status != STATUS_OK)
        return status;
    struct MHD_Daemon *daemon = server.library.start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, &server, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_VIEWERS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_PATIENCE,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_END);
    if (!daemon) {
        close(listener);
        return error_set(err, STATUS_FAILED, "refframe serve: the server can't start: %s", strerror(errno));
    }
    on_ready(context, server.port);
    for (;;) /* this thread builds, the daemon's answers; a signal ends both */
        site_build(site, 1);
}

#endif
