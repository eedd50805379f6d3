/* Schema rows and validated settings: every key of an experiment file is a row, written beside the code that reads it.
 *
 * A key is a dotted path ("model.n_layers"). A *part* is a group of rows that counts always, or only while a choice
 * (`group.kind`) is `kind`: {"model.position", "rope", rows} makes `model.position.theta` valid with
 * `model.position.kind: rope`. The schema of the program is assembled in app/ from the registries.
 * Settings hold one value per row that applies, in schema order, each with the file and line it came from.
 */
#ifndef REFFRAME_BASE_SCHEMA_H
#define REFFRAME_BASE_SCHEMA_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

typedef enum { VALUE_BOOL, VALUE_INT, VALUE_NUMBER, VALUE_CHOICE, VALUE_STRING, VALUE_LIST, VALUE_FILES } ValueType;

typedef struct {
    const char *key;            /* last path component(s) below the part's group: "n_layers", "theta" */
    ValueType type;             /* VALUE_LIST: of strings or numbers, kept as their text; VALUE_FILES: of paths, made
                                 * absolute from the file that names them (or, in --set, from the working folder) */
    const char *initial;        /* default as it would stand in YAML; lists as "[]" or "[a, b]" */
    double min, max;            /* inclusive, for VALUE_INT, VALUE_NUMBER, numbers in lists; 0, 0 is no range */
    const char *const *choices; /* NULL-terminated, for VALUE_CHOICE */
    const char *help;           /* one line: meaning, unit, what 0 means */
} SchemaRow;

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

typedef struct {
    const char *key; /* full dotted path */
    const SchemaRow *row;
    const char *text;   /* canonical text: true/false, digits, choice; strings verbatim */
    double number;      /* for BOOL (0/1), INT, NUMBER */
    const char **items; /* for LIST */
    int n_items;
    const char *file; /* where it was set; NULL for a default */
    int line;
} Setting;

typedef struct {
    Setting *items;
    int n_items;
} Settings;

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

/* Validates assignments (later ones win, in order) against the schema: unknown key (with the nearest valid one), wrong
 * type, out of range, unknown choice (with the nearest). A key that belongs to a choice not taken is reported in
 * ret_unused[i] = 1 (caller's array of n, may be NULL: then it is an error). Fills in defaults. Memory from `arena`. */
int settings_resolve(Arena *arena, const Schema *schema, const Assignment *assignments, int n, Settings *ret_settings,
                     unsigned char *ret_unused, Error *err);

/* Checks one key and value as settings_resolve would, against every part of the schema regardless of choices: used for
 * sweep axes and --set before any run is resolved. */
int schema_check_assignment(const Schema *schema, const Assignment *assignment, Error *err);

/* The row of a full dotted key in any part, or NULL; ret_part may be NULL. */
const SchemaRow *schema_find(const Schema *schema, const char *key, const SchemaPart **ret_part);

/* Nearest valid full key to `key`, or NULL. Memory from arena. */
const char *schema_nearest_key(Arena *arena, const Schema *schema, const char *key);

/* Lookups; asserting that the key exists and has the type (our bug otherwise). settings_find returns NULL instead. */
const Setting *settings_find(const Settings *settings, const char *key);
int settings_bool(const Settings *settings, const char *key);
int64_t settings_int(const Settings *settings, const char *key);
double settings_number(const Settings *settings, const char *key);
const char *settings_text(const Settings *settings, const char *key); /* choice or string */

/* Error line "FILE:LINE: key: message" for a setting (its default's place is said when it was not set). */
int settings_error(const Settings *settings, const char *key, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sorted canonical JSON of all settings: keys sorted bytewise, no spaces, numbers by text_number, lists as arrays.
 * This text is what a run's id hashes. */
void settings_canonical_json(const Settings *settings, Text *ret_text);

/* The settings as block YAML in schema order, nested by path, readable by settings_resolve through plan's loader. */
void settings_yaml(const Settings *settings, Text *ret_text);

#endif
