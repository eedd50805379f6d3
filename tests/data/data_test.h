/* What the data tests share: settings as the program would resolve them, text files in a scratch folder, statistics. */
#ifndef REFFRAME_TESTS_DATA_TEST_H
#define REFFRAME_TESTS_DATA_TEST_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/resolve.h"
#include "data/data.h"
#include "tools.h"

/* A state of most tests: an arena, and a folder that is removed with what is in it. */
typedef struct {
    Arena *arena;
    char folder[4096];
} Bench;

static inline int bench_open(void **state)
{
    Bench *bench = calloc(1, sizeof *bench);
    setenv("REFFRAME_CACHE", "off", 1); /* a test that wants one says where */
    bench->arena = arena_new();
    const char *root = getenv("TMPDIR");
    snprintf(bench->folder, sizeof bench->folder, "%s/data-XXXXXX", root ? root : "/tmp");
    *state = bench;
    return mkdtemp(bench->folder) ? 0 : -1;
}

static inline int bench_close(void **state)
{
    Bench *bench = *state;
    int status = remove_tree(bench->folder);
    arena_free(bench->arena);
    free(bench);
    return status;
}

/* Writes folder/name and returns its path. */
static inline const char *bench_file(Bench *bench, const char *name, const void *bytes, size_t n)
{
    const char *path = file_join(bench->arena, bench->folder, name);
    assert_int_equal(file_write(path, bytes, n, NULL), 0);
    return path;
}

static inline const char *bench_text(Bench *bench, const char *name, const char *text)
{
    return bench_file(bench, name, text, strlen(text));
}

/* The names of a registry as the choices of its `kind` row. */
#define KIND_NAMES(arena, Type, registry, ret_names)                                                                   \
    const char **ret_names = ARENA_ARRAY(arena, const char *, 32);                                                     \
    for (int kind_index_ = 0; registry[kind_index_]; kind_index_++)                                                    \
        ret_names[kind_index_] = registry[kind_index_]->variant.name;

/* Settings from "key=value" lines, NULL-ended; a value in brackets is a list of words apart by ", ". All stand in
 * folder/experiment.yaml, on lines counted from 1. `extra` (may be NULL) is a source that is not in the registry. */
static inline Settings *bench_settings_with(Bench *bench, const Source *extra, const char *const *lines)
{
    Arena *arena = bench->arena;
    KIND_NAMES(arena, Source, source_registry, sources)
    KIND_NAMES(arena, Tokenizer, tokenizer_registry, tokenizers)
    int n_sources = 0;
    while (sources[n_sources])
        n_sources++;
    if (extra)
        sources[n_sources] = extra->variant.name;
    SchemaRow *rows = ARENA_ARRAY(arena, SchemaRow, 3);
    rows[0] = (SchemaRow){"kind", VALUE_CHOICE, "text", 0, 0, sources, "source", BY_HAND};
    rows[1] = (SchemaRow){"kind", VALUE_CHOICE, "character", 0, 0, tokenizers, "tokenizer", BY_HAND};
    rows[2] = (SchemaRow){"context_length", VALUE_INT, "64", 1, 1e6, NULL, "T", BY_HAND};

    SchemaPart *parts = ARENA_ARRAY(arena, SchemaPart, 64);
    int n_parts = 0;
    parts[n_parts++] = (SchemaPart){"model", NULL, &rows[2], 1};
    parts[n_parts++] = (SchemaPart){"data", NULL, data_rows, data_n_rows};
    parts[n_parts++] = (SchemaPart){"data.source", NULL, &rows[0], 1};
    for (const Source *const *s = source_registry; *s; s++)
        parts[n_parts++] =
            (SchemaPart){"data.source", (*s)->variant.name, (*s)->variant.params, (*s)->variant.n_params};
    if (extra)
        parts[n_parts++] =
            (SchemaPart){"data.source", extra->variant.name, extra->variant.params, extra->variant.n_params};
    parts[n_parts++] = (SchemaPart){"data.tokenizer", NULL, &rows[1], 1};
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++)
        parts[n_parts++] =
            (SchemaPart){"data.tokenizer", (*t)->variant.name, (*t)->variant.params, (*t)->variant.n_params};

    Assignment *assignments = ARENA_ARRAY(arena, Assignment, 64);
    const char *file = file_join(arena, bench->folder, "experiment.yaml");
    int n = 0;
    for (; lines[n]; n++) {
        char *key = arena_strdup(arena, lines[n]), *value = strchr(key, '=');
        *value++ = '\0';
        assignments[n] = (Assignment){.key = key, .text = value, .file = file, .line = n + 1};
        if (*value != '[')
            continue;
        assignments[n].text = NULL;
        assignments[n].items = ARENA_ARRAY(arena, const char *, 64);
        for (char *item = strtok(value, "[], "); item; item = strtok(NULL, "[], "))
            assignments[n].items[assignments[n].n_items++] = item;
    }
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    Schema schema = {.parts = parts, .n_parts = n_parts};
    Error err = {{0}};
    if (settings_resolve(arena, &schema, assignments, n, settings, NULL, &err) != 0)
        fail_msg("%s", err.text);
    return settings;
}

#define bench_settings(bench, ...) bench_settings_with((bench), NULL, (const char *const[]){__VA_ARGS__, NULL})

/* "data.source.files=[PATH]" */
static inline const char *files_line(Bench *bench, const char *path)
{
    return arena_format(bench->arena, "data.source.files=[%s]", path);
}

static inline Data *bench_data(Bench *bench, const Settings *settings, int length)
{
    Data *data = NULL;
    Error err = {{0}};
    if (data_open(bench->arena, settings, length, &data, &err) != 0)
        fail_msg("%s", err.text);
    return data;
}

/* A sequence of ids, and of vectors where the source gives them. */
static inline Sequence bench_sequence(Bench *bench, const Data *data, int length)
{
    Sequence seq = sequence_new(bench->arena, length);
    Batch room = {.n = 1, .length = length};
    batch_add_vectors(bench->arena, data_widths(data), &room);
    sequence_write_to(&seq, &room, data_widths(data), 0);
    return seq;
}

static inline Corpus bench_corpus(Bench *bench, const Settings *settings)
{
    Corpus corpus;
    Error err = {{0}};
    if (corpus_open(bench->arena, settings, &corpus, &err) != 0)
        fail_msg("%s", err.text);
    return corpus;
}

#define assert_contains(text, part)                                                                                    \
    do {                                                                                                               \
        if (!strstr(text, part))                                                                                       \
            fail_msg("\"%s\" does not contain \"%s\"", text, part);                                                    \
    } while (0)

/* How many standard deviations Pearson's chi-square of the counts (n) lies above its mean; expected counts should be 5
 * or more. Under the null about a standard normal. */
static inline double chi_square_z(const double *counts, const double *expected, int n)
{
    double chi = 0;
    for (int i = 0; i < n; i++)
        chi += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
    return (chi - (n - 1)) / sqrt(2.0 * (n - 1));
}

#endif
