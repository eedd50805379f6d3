/* The schema: every key of an experiment file is a row, written beside the code that reads it.
 *
 * A key is a dotted path ("model.n_layers"). A *part* is a group of rows that counts always, or only while a choice
 * (`group.kind`) is `kind`: {"model.position", "rope", rows} makes `model.position.theta` valid with
 * `model.position.kind: rope`. The schema of the program is assembled in app/ from the registries.
 * Settings hold one value per row that applies, in schema order, each with the file and line it came from.
 */
#ifndef REFFRAME_BASE_SCHEMA_H
#define REFFRAME_BASE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef enum {
    VALUE_BOOL,
    VALUE_INT,
    VALUE_NUMBER,
    VALUE_CHOICE,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_FILES,
    VALUE_FILE
} ValueType;

/* The member of a struct that holds a key's value once it is read (settings_read_rows). */
typedef enum { FIELD_NONE, FIELD_INT, FIELD_INT64, FIELD_DOUBLE } FieldKind;

typedef struct {
    FieldKind kind;
    size_t offset;
} Field;

/* An enum is as wide as an int, and holds the index of a choice. */
/* clang-format off */
#define FIELD(Struct, member) {                                                                                        \
    _Generic(((Struct *)0)->member, int: FIELD_INT, unsigned: FIELD_INT,                                               \
             int64_t: FIELD_INT64, uint64_t: FIELD_INT64, double: FIELD_DOUBLE),                                       \
    offsetof(Struct, member)}
/* clang-format on */

/* Of a key that its reader fetches by name, where a struct would not hold it as it stands. */
#define BY_HAND                                                                                                        \
    {                                                                                                                  \
        FIELD_NONE, 0                                                                                                  \
    }

typedef struct {
    const char *key;            /* last path component(s) below the part's group: "n_layers", "theta" */
    ValueType type;             /* VALUE_LIST: of strings or numbers, kept as their text; VALUE_FILES: of paths, made
                                 * absolute from the file that names them (or, in --set, from the working folder);
                                 * VALUE_FILE: one path, made so, or empty */
    const char *initial;        /* default as it would stand in YAML; lists as "[]" or "[a, b]" */
    double min, max;            /* inclusive, for VALUE_INT, VALUE_NUMBER, numbers in lists; 0, 0 is no range */
    const char *const *choices; /* NULL-terminated, for VALUE_CHOICE */
    const char *help;           /* one line: meaning, unit, what 0 means */
    Field field;                /* FIELD(Struct, member), or BY_HAND */
} SchemaRow;

/* A table of rows, as two arguments or two fields. */
#define ROWS(rows) (rows), (int)(sizeof(rows) / sizeof *(rows))

typedef struct {
    const char *group; /* "model.position", "train", "" for top level */
    const char *kind;  /* variant name, or NULL when the rows always apply */
    const SchemaRow *rows;
    int n_rows;
} SchemaPart;

typedef struct {
    const SchemaPart *parts;
    int n_parts;
} Schema;

/* One unvalidated assignment as it stands in a file or in --set. `text` is the scalar's text, or, for a list,
 * NULL with items. */
typedef struct {
    const char *key, *text;
    const char **items;
    int n_items;
    const char *file; /* "experiment.yaml", or "--set" with line 0 */
    int line;
    int is_quoted; /* a quoted YAML scalar is never a number or a boolean */
} Assignment;

/* Checks one key and value as settings_resolve would, against every part of the schema regardless of choices: used for
 * sweep axes and --set before any run is resolved. */
int schema_check_assignment(const Schema *schema, const Assignment *assignment, Error *err);

/* The row of a full dotted key in any part, or NULL; ret_part may be NULL. */
const SchemaRow *schema_find(const Schema *schema, const char *key, const SchemaPart **ret_part);

/* The row of a full key in one part, or NULL; the full key of a row. */
const SchemaRow *schema_find_in_part(const SchemaPart *part, const char *key);
const char *schema_full_key(Arena *arena, const SchemaPart *part, const SchemaRow *row);

/* The kinds of the parts that have a full key, in words: "absolute", "head or element", "a, b or c". Memory from arena.
 */
const char *schema_kinds(Arena *arena, const Schema *schema, const char *key);

/* Nearest valid full key to `key`, or NULL. Memory from arena. */
const char *schema_nearest_key(Arena *arena, const Schema *schema, const char *key);

#endif
