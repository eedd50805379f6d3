/* Settings: one value per row of the schema that applies, in schema order, each with the file and line it came from;
 * how they are read, and their two texts.
 */
#ifndef REFFRAME_BASE_SETTINGS_H
#define REFFRAME_BASE_SETTINGS_H

#include "base/schema.h"
#include "base/text.h"

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

/* The same with another value of a whole number that they have; a copy, but for the texts. */
Settings settings_with_int(Arena *arena, const Settings *settings, const char *key, int64_t value);

/* Lookups; asserting that the key exists and has the type (our bug otherwise). settings_find returns NULL instead. */
const Setting *settings_find(const Settings *settings, const char *key);
int settings_bool(const Settings *settings, const char *key);
int64_t settings_int(const Settings *settings, const char *key);
double settings_number(const Settings *settings, const char *key);
const char *settings_text(const Settings *settings, const char *key); /* choice, string or file */
int settings_choice(const Settings *settings, const char *key);       /* a choice's index in its row's list */

/* Reads every row that has a field, as GROUP.KEY, into the struct that its FIELD names: a choice as its index. */
void settings_read_rows(const Settings *settings, const char *group, const SchemaRow *rows, int n, void *ret_struct);

/* The same into a new struct of `size` bytes from arena: all that many a variant's `prepare` has to do. */
void *settings_read_new(Arena *arena, const Settings *settings, const char *group, const SchemaRow *rows, int n,
                        size_t size);

/* Error line "FILE:LINE: key: message" for a setting (its default's place is said when it was not set). */
int settings_error(const Settings *settings, const char *key, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sorted canonical JSON of all settings: keys sorted bytewise, no spaces, numbers by text_number, lists as arrays.
 * This text is what a run's id hashes. */
void settings_canonical_json(const Settings *settings, Text *ret_text);

/* The settings as block YAML in schema order, nested by path, readable by settings_resolve through plan's loader. */
void settings_yaml(const Settings *settings, Text *ret_text);

#endif
