/* run.yaml, the resolved settings of one run: reading it back, and asking whether the one that stands is still ours. */
#include <string.h>

#include "base/file.h"
#include "base/resolve.h"
#include "base/seal.h"
#include "plan/draft.h"

void plan_run_text(const Settings *settings, Text *text)
{
    settings_yaml(settings, text);
    seal_add(&seal_of_settings, text);
}

/* Its bytes, if they are what was written. */
static int read_whole(Arena *arena, const char *path, char **ret_bytes, size_t *ret_n, Error *err)
{
    const int status = file_read(arena, path, ret_bytes, ret_n, err);
    return status == STATUS_OK ? seal_check(&seal_of_settings, path, *ret_bytes, *ret_n,
                                            "; remove it, and `refframe run` writes it again", err)
                               : status;
}

int plan_load_run(Arena *arena, const char *path, const Program *program, Settings *ret_settings, Error *err)
{
    Node *file;
    Assignments list = {0};
    char *bytes;
    size_t n;
    int status = read_whole(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = node_parse(arena, arena_strdup(arena, path), 1, bytes, n, &file, err);
    if (status == STATUS_OK && file->type != NODE_MAPPING)
        status = plan_refuse(err, file->file, file->line, "the top of the file is a mapping: key: value");
    for (int i = 0; status == STATUS_OK && i < file->n_items; i++)
        status = assign_member(arena, &program->schema, file->items[i], "", KEYS_OF_RUN, &list, err);
    return status == STATUS_OK ? settings_resolve(arena, &program->schema, list.items, list.n, ret_settings, NULL, err)
                               : status;
}

int plan_run_has_hash(const char *path)
{
    Arena *arena = arena_new();
    char *bytes;
    size_t n;
    const int has_hash =
        file_read(arena, path, &bytes, &n, NULL) == STATUS_OK && seal_state(&seal_of_settings, bytes, n) != SEAL_NONE;
    arena_free(arena);
    return has_hash;
}

/* ---- comparing ---- */

/* The leaf at a dotted key in nested maps. */
static const Node *find_leaf(const Node *mapping, const char *key)
{
    for (int i = 0; i < mapping->n_items; i++) {
        const Node *item = mapping->items[i];
        const size_t n = strlen(item->key);
        if (strncmp(item->key, key, n) != 0)
            continue;
        if (key[n] == '\0')
            return item->type == NODE_MAPPING ? NULL : item;
        const Node *leaf = key[n] == '.' && item->type == NODE_MAPPING ? find_leaf(item, key + n + 1) : NULL;
        if (leaf)
            return leaf;
    }
    return NULL;
}

static int equal_leaves(const Node *a, const Node *b)
{
    if (!b || a->type != b->type || a->n_items != b->n_items)
        return 0;
    for (int i = 0; i < a->n_items; i++)
        if (a->items[i]->type != NODE_SCALAR || !equal_leaves(a->items[i], b->items[i]))
            return 0;
    return a->type != NODE_SCALAR || (strcmp(a->text, b->text) == 0 && a->is_quoted == b->is_quoted);
}

/* The first counted key below `a` that `b` has not, or has otherwise; NULL if there is none. */
static const char *first_difference(Arena *arena, const Node *a, const Node *b, const char *prefix)
{
    for (int i = 0; i < a->n_items; i++) {
        const Node *item = a->items[i];
        const char *key = arena_format(arena, "%s%s%s", prefix, prefix[0] ? "." : "", item->key);
        const char *deeper = item->type == NODE_MAPPING ? first_difference(arena, item, b, key) : NULL;
        if (deeper)
            return deeper;
        if (item->type == NODE_MAPPING || !id_counts_key(key))
            continue;
        int is_later = 0; /* a file from before the key existed has the same id */
        for (const LaterKey *later = id_later_keys; later->key; later++)
            is_later |= strcmp(later->key, key) == 0;
        const Node *other = find_leaf(b, key);
        if (!(is_later && !other) && !equal_leaves(item, other))
            return key;
    }
    return NULL;
}

/* The same of a file's bytes and the settings' text. */
static int difference(Arena *arena, const char *path, const char *bytes, size_t n, const Text *text,
                      const char **ret_key, Error *err)
{
    Node *stands, *wanted;
    int status = node_parse(arena, path, 1, bytes, n, &stands, err);
    if (status == STATUS_OK)
        status = node_parse(arena, "settings", 1, text_string(text), text->size, &wanted, err);
    if (status != STATUS_OK)
        return status;
    const char *key = first_difference(arena, wanted, stands, "");
    *ret_key = key ? key : first_difference(arena, stands, wanted, "");
    return STATUS_OK;
}

int plan_run_difference(Arena *arena, const char *path, const Settings *settings, const char **ret_key, Error *err)
{
    Text text = {0};
    char *bytes;
    size_t n;
    int status = read_whole(arena, path, &bytes, &n, err);
    settings_yaml(settings, &text);
    if (status == STATUS_OK)
        status = difference(arena, path, bytes, n, &text, ret_key, err);
    text_free(&text);
    return status;
}

int plan_compare_run(const char *path, const Settings *settings, RunFile *ret_state, Error *err)
{
    Arena *arena = arena_new();
    Text text = {0};
    char *bytes;
    const char *key = NULL;
    size_t n;
    int status = STATUS_OK;
    plan_run_text(settings, &text);
    if (!file_exists(path)) {
        *ret_state = RUN_FILE_ABSENT;
        goto done;
    }
    status = read_whole(arena, path, &bytes, &n, err);
    if (status != STATUS_OK)
        goto done;
    if (n == text.size && memcmp(bytes, text_string(&text), n) == 0) {
        *ret_state = RUN_FILE_EQUAL;
        goto done;
    }
    status = difference(arena, path, bytes, n, &text, &key, err);
    if (status == STATUS_OK && key)
        status = error_set(err, STATUS_INPUT,
                           "%s: %s: is not what this run's id stands for; move the folder away, nothing else is reused",
                           path, key);
    else if (status == STATUS_OK)
        *ret_state = RUN_FILE_STALE;

done:
    text_free(&text);
    arena_free(arena);
    return status;
}
