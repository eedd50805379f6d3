/* A JSON file of theirs, whole. */
#ifndef REFFRAME_HUB_DOCUMENT_H
#define REFFRAME_HUB_DOCUMENT_H

#include "base/json.h"

/* An object. STATUS_INPUT of anything else, and of a file that is larger than any of them is. */
int document_read(Arena *arena, const char *path, Json **ret_document, Error *err);

#endif
