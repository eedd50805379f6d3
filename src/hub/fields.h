/* config.json as settings of ours, and what settings can't say of the files. */
#ifndef REFFRAME_HUB_FIELDS_H
#define REFFRAME_HUB_FIELDS_H

#include "base/resolve.h"
#include "hub/architecture/architecture.h"

enum { MOST_FIELDS = 64, MOST_POSITIONS = 16384 /* of a model of ours */ };

typedef struct {
    const Architecture *architecture;
    const char *path, *said_by; /* for messages: the file, and what says all this: "config.json" */
    int vocab_size;
    int n_positions;    /* that config.json says, or that its table has ... */
    int first_position; /* ... of which a sequence begins with this one */
    int n_types;        /* rows of the table of token types; its first is every place's */
    int window;         /* keys that a query sees; 0: all before it */
    int padding;        /* an id that would stand at no position; -1: none */
    int has_no_rope;    /* though its architecture has */
    Assignment assignments[MOST_FIELDS];
    int n_assignments;
} Fields;

struct FieldReader {
    Arena *arena;
    const char *path;
    const Json *config;
    Fields *fields;
    Error *err;
};

/* STATUS_INPUT names the field that is missing, is not what a model of ours has, or is not known. */
int fields_read(Arena *arena, const char *path, Fields *ret_fields, Error *err);

/* The same of an object that is no config.json, and of what its fields do not say. */
typedef struct {
    const Architecture *architecture;
    const char *said_by;
    double vocab_size;
    int is_tied;
} FieldSource;

int fields_of(Arena *arena, const char *path, const Json *object, const FieldSource *source, Fields *ret_fields,
              Error *err);

/* Settings of a model of ours for sequences of up to `length`; 0: of as many positions as there are. */
int fields_resolve(Arena *arena, const Fields *fields, const Schema *schema, int length, Settings *ret_settings,
                   Error *err);

/* Positions that a sequence may have. */
int fields_most_positions(const Fields *fields);

/* ---- for fields of an architecture's own (Architecture.describe), and of rope ---- */

/* A value as a setting's text; NULL where there is none, or null. */
const char *field_text(Arena *arena, const Json *value);

/* "FILE: FIELD: "TEXT" is not what is read here: WANTED". */
int field_refuse(const FieldReader *r, const char *field, const char *text, const char *wanted);

void field_assign(const FieldReader *r, const char *key, const char *text);

void field_assign_list(const FieldReader *r, const char *key, const char **items, int n);

/* A whole number from `low` to `high`; `initial` where it is not said, or null. */
int field_whole(const FieldReader *r, const char *field, int initial, int low, int high, int *ret_value);

/* rope_parameters, or rope_scaling and rope_theta of before. */
int field_read_rope(const FieldReader *r);
int field_is_rope(const char *name);

#endif
