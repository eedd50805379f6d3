/* config.json and the index: read whole, and so not without a limit, as their size is whoever's who wrote them. */
#include "hub/document.h"

#include "base/file.h"

enum { MOST_BYTES = 16 << 20 };

int document_read(Arena *arena, const char *path, Json **ret_document, Error *err)
{
    char *bytes;
    size_t n = 0;
    Json *document = NULL;
    int status = file_read_start(arena, path, MOST_BYTES + 1, &bytes, &n, err);
    if (status == STATUS_OK && n > MOST_BYTES)
        status = error_set(err, STATUS_INPUT, "%s: is larger than 16 MiB, which no such file is", path);
    if (status == STATUS_OK)
        status = json_parse(arena, path, bytes, n, &document, err);
    if (status != STATUS_OK)
        return status;
    if (document->type != JSON_OBJECT)
        return error_set(err, STATUS_INPUT, "%s: is no object", path);
    *ret_document = document;
    return STATUS_OK;
}
