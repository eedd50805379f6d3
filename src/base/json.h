/* JSON (RFC 8259): a writer into Text with stable layout, and a reader into a tree. */
#ifndef REFFRAME_BASE_JSON_H
#define REFFRAME_BASE_JSON_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

enum { JSON_DEPTH = 64 }; /* levels of arrays and objects that are read, and can be written */

/* ---- writing. Commas, indentation (2 spaces; 0 = compact) and escapes are the writer's business. ---- */
typedef struct {
    Text *text;
    int indent; /* spaces per level; 0 writes everything on one line */
    int depth;
    unsigned char has_items[JSON_DEPTH + 1];
    int after_key;
} JsonWriter;

void json_start(JsonWriter *json, Text *text, int indent);
void json_open_object(JsonWriter *json);
void json_close_object(JsonWriter *json);
void json_open_array(JsonWriter *json);
void json_close_array(JsonWriter *json);
void json_key(JsonWriter *json, const char *key);
void json_string(JsonWriter *json, const char *value); /* NULL writes null; bytes that are not UTF-8 become U+FFFD */
void json_number(JsonWriter *json, double value);      /* NaN and infinities write null */
void json_bool(JsonWriter *json, int value);
void json_null(JsonWriter *json);
/* key + value in one call */
void json_put_string(JsonWriter *json, const char *key, const char *value);
void json_put_number(JsonWriter *json, const char *key, double value);
void json_put_bool(JsonWriter *json, const char *key, int value);
/* arrays of n */
void json_numbers(JsonWriter *json, int n, const double *values);
void json_put_numbers(JsonWriter *json, const char *key, int n, const double *values);
void json_put_strings(JsonWriter *json, const char *key, int n, const char *const *values);

/* ---- reading ---- */
typedef enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonType;

typedef struct Json Json;
struct Json {
    JsonType type;
    const char *key; /* in an object */
    double number;   /* JSON_NUMBER, JSON_BOOL */
    const char *string;
    int n_items;
    Json **items; /* elements or members, in order */
};

/* Parses a whole document; depth at most JSON_DEPTH; duplicate keys are errors. `path` is for messages ("path:line:
 * ..."). */
int json_parse(Arena *arena, const char *path, const char *text, size_t n, Json **ret_json, Error *err);

const Json *json_get(const Json *object, const char *key); /* NULL if absent, or if object is NULL or no object */
const char *json_get_string(const Json *object, const char *key, const char *fallback);
double json_get_number(const Json *object, const char *key, double fallback);

#endif
