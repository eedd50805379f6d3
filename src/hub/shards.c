/* model.safetensors.index.json: {"metadata": {...}, "weight_map": {TENSOR: FILE, ...}}.
 *
 * It must say of every tensor just the file that has it: neither a tensor that it leaves out nor one that it has twice
 * may decide by the order of files what the model computes. A FILE is a name in the folder, and no path.
 */
#include "hub/shards.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hub/document.h"
#include "hub/names.h"

/* Members of weight_map by name, and the files by first mention. */
typedef struct {
    const char *path, *folder;
    const Json **members;
    int n;
    const char **files;
    int n_files;
} Index;

static int compare(const void *a, const void *b)
{
    const Json *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static int is_plain_name(const char *name)
{
    static const char end[] = ".safetensors";
    const size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0 && !strchr(name, '/') && *name != '.';
}

static int read_index(Arena *arena, const char *folder, const char *path, Index *ret_index, Error *err)
{
    Json *document;
    const int status = document_read(arena, path, &document, err);
    if (status != STATUS_OK)
        return status;
    const Json *map = json_get(document, "weight_map");
    if (!map || map->type != JSON_OBJECT || map->n_items == 0)
        return error_set(err, STATUS_INPUT, "%s: weight_map must be an object that names files", path);
    Index index = {path,
                   folder,
                   ARENA_ARRAY(arena, const Json *, map->n_items),
                   map->n_items,
                   ARENA_ARRAY(arena, const char *, map->n_items),
                   0};
    for (int i = 0; i < index.n; i++) {
        const Json *member = index.members[i] = map->items[i];
        if (member->type != JSON_STRING || !is_plain_name(member->string))
            return error_set(
                err, STATUS_INPUT,
                "%s: weight_map: \"%.60s\": \"%.60s\" is not the name of a .safetensors file in the folder", path,
                member->key, member->type == JSON_STRING ? member->string : "");
        index.files[i] = member->string;
    }
    qsort(index.members, (size_t)index.n, sizeof *index.members, compare);
    qsort(index.files, (size_t)index.n, sizeof *index.files, compare_texts);
    for (int i = 0; i < index.n; i++)
        if (i == 0 || strcmp(index.files[index.n_files - 1], index.files[i]) != 0)
            index.files[index.n_files++] = index.files[i];
    *ret_index = index;
    return STATUS_OK;
}

/* What a file has must be there by the index. */
static int check_file(const Index *index, const char *name, const char *path, const SafeTensors *file, Error *err)
{
    for (int t = 0; t < file->n; t++) {
        const Json wanted = {.key = file->tensors[t].name}, *key = &wanted;
        const Json *const *found = bsearch(&key, index->members, (size_t)index->n, sizeof *index->members, compare);
        if (!found)
            return error_set(err, STATUS_INPUT, "%s: " HUB_INDEX " does not name its tensor %.200s", path, wanted.key);
        if (strcmp((*found)->string, name) != 0)
            return error_set(err, STATUS_INPUT, "%s: has tensor %.200s, which by " HUB_INDEX " is in %.200s", path,
                             wanted.key, (*found)->string);
    }
    return STATUS_OK;
}

/* As the files have no tensor that it does not name, and none twice, fewer of them are missing ones. */
static int check_missing(const Index *index, const Weights *weights, Error *err)
{
    for (int i = 0; i < index->n; i++)
        if (!weights_find(weights, index->members[i]->key))
            return error_set(err, STATUS_INPUT, "%s: weight_map: %.200s is not in %.200s", index->path,
                             index->members[i]->key, index->members[i]->string);
    return STATUS_OK;
}

int shards_open(Arena *arena, const char *folder, const char *path, Weights *ret_weights, Error *err)
{
    Index index = {0};
    int status = read_index(arena, folder, path, &index, err);
    if (status != STATUS_OK)
        return status;
    SafeTensors *files = ARENA_ARRAY(arena, SafeTensors, index.n_files);
    Weights weights = {path, ARENA_ARRAY(arena, Weight, index.n), 0};
    for (int f = 0; f < index.n_files && status == STATUS_OK; f++) {
        const char *shard = file_join(arena, folder, index.files[f]);
        status = safetensors_read_header(arena, shard, &files[f], err);
        if (status == STATUS_OK)
            status = check_file(&index, index.files[f], shard, &files[f], err);
        if (status == STATUS_OK) { /* all are the index's, each in its own file: no more than it has */
            weights_add_file(shard, &files[f], weights.items + weights.n);
            weights.n += files[f].n;
        }
    }
    if (status == STATUS_OK)
        status = weights_sort(&weights, err);
    if (status == STATUS_OK)
        status = check_missing(&index, &weights, err);
    if (status == STATUS_OK)
        *ret_weights = weights;
    return status;
}
