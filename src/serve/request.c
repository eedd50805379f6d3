/* See request.h. */
#include "serve/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *at = lower ? strchr(digits, lower) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* n bytes of a path as a name; 0, or -1 where they are no name that a folder shows. */
static int decode_name(const char *bytes, size_t n, char ret_name[REQUEST_NAME])
{
    char name[REQUEST_NAME] = "";
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        int byte = (unsigned char)bytes[i];
        if (byte == '%') {
            const int high = i + 2 < n ? hex_digit(bytes[i + 1]) : -1, low = high >= 0 ? hex_digit(bytes[i + 2]) : -1;
            if (low < 0)
                return -1;
            byte = 16 * high + low;
            i += 2;
        }
        if (byte < ' ' || byte == 127 || byte == '/' || size + 1 == sizeof name)
            return -1;
        name[size++] = (char)byte;
    }
    if (size == 0 || name[0] == '.')
        return -1;
    memcpy(ret_name, name, sizeof name);
    return 0;
}

/* What is asked of an experiment: `rest` is what stands behind "/NAME/". */
static RequestKind kind_of_rest(const char *rest, char ret_file[REQUEST_NAME])
{
    static const char files[] = "files/";
    if (*rest == '\0')
        return ASKS_PAGE;
    if (strcmp(rest, "state.json") == 0)
        return ASKS_STATE;
    if (strncmp(rest, files, sizeof files - 1) != 0)
        return ASKS_NOTHING;
    const char *name = rest + sizeof files - 1;
    return decode_name(name, strlen(name), ret_file) == 0 ? ASKS_FILE : ASKS_NOTHING;
}

Request request_parse(const char *path)
{
    static const struct {
        const char *path;
        RequestKind kind;
    } whole[] = {{"/", ASKS_ROOT}, {"/state.json", ASKS_LIST}, {"/favicon.ico", ASKS_ICON}};
    Request request = {.kind = ASKS_NOTHING};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(path, whole[i].path) == 0)
            return (Request){.kind = whole[i].kind};
    if (*path != '/')
        return request;
    const char *name = path + 1, *slash = strchr(name, '/');
    const size_t n = slash ? (size_t)(slash - name) : strlen(name);
    if (decode_name(name, n, request.name) == 0)
        request.kind = slash ? kind_of_rest(slash + 1, request.file) : ASKS_UNENDED;
    return request.kind == ASKS_NOTHING ? (Request){.kind = ASKS_NOTHING} : request;
}

void request_add_address(Text *address, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    text_add(address, "/");
    for (const char *c = name; *c; c++)
        text_addf(address, strchr(plain, *c) ? "%c" : "%%%02X", (unsigned char)*c);
    text_add(address, "/");
}

int request_is_name(const char *name)
{
    Text address = {0};
    request_add_address(&address, name);
    const int is = request_parse(text_string(&address)).kind == ASKS_PAGE;
    text_free(&address);
    return is;
}

int request_is_for_us(const char *host, int port)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    char ours[64];
    for (size_t i = 0; host && i < sizeof names / sizeof *names; i++) {
        snprintf(ours, sizeof ours, "%s:%d", names[i], port);
        if (strcasecmp(host, ours) == 0 || (port == 80 && strcasecmp(host, names[i]) == 0))
            return 1;
    }
    return 0;
}
