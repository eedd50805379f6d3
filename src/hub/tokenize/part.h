/* A part of tokenizer.json, {"type": "Strip", ...}, read field by field: what is not asked for is refused. */
#ifndef REFFRAME_HUB_TOKENIZE_PART_H
#define REFFRAME_HUB_TOKENIZE_PART_H

#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/status.h"

typedef struct {
    Arena *arena; /* holds what is made of it */
    const char *path;
    const char *where; /* "normalizer" */
    const char *type;  /* "Strip"; NULL before it is known */
    const Json *json;
    Error *err;
} Part;

/* STATUS_INPUT: "PATH: normalizer "Strip": what" */
int part_refuse(const Part *part, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Its type, by a field of that name. */
int part_type(Part *part);

/* Whether every field is "type" or one of `names` (words with a blank between them); the first other one is refused. */
int part_has_only(const Part *part, const char *names);

/* A field; where it is absent or null the fallback, or, of the required ones, STATUS_INPUT. NULL and -1 are fallbacks
 * that nothing in the file can say. */
int part_flag(const Part *part, const char *name, int fallback, int *ret_flag);
int part_string(const Part *part, const char *name, const char *fallback, const char **ret_string);
int part_required_string(const Part *part, const char *name, const char **ret_string);
int part_count(const Part *part, const char *name, int64_t fallback, int64_t most, int64_t *ret_count);

/* A field that must be an array or an object. */
int part_items(const Part *part, const char *name, JsonType type, const Json **ret_json);

/* A field's word among n, as a number; absent: 0. */
int part_choice(const Part *part, const char *name, const char *const *words, int n, int *ret_choice);

/* STATUS_INPUT where this program was built without Unicode's tables. */
int part_needs_unicode(const Part *part);

/* A whole number from 0 on; -1: it is none, or above `most`. */
int64_t json_whole(const Json *json, int64_t most);

#endif
