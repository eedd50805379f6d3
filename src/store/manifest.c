/* One table of fields serves writer and reader. Invariants: the file is always whole (atomic writes), and a manifest
 * that is read has every field, with its type; what earlier versions did not write is empty.
 */
#include "store/manifest.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

typedef enum { FIELD_TEXT, FIELD_INT, FIELD_INT64, FIELD_NUMBER } FieldType;

#define MEMBER(name)     #name, offsetof(Manifest, name)
#define OF_MACHINE(name) #name, offsetof(Manifest, machine.name)
static const struct {
    const char *key;
    size_t offset;
    FieldType type;
    int is_later; /* runs of earlier versions lack it: "" or 0 */
} fields[] = {
    {MEMBER(reason), FIELD_TEXT, 0},
    {MEMBER(id), FIELD_TEXT, 0},
    {MEMBER(version), FIELD_TEXT, 0},
    {MEMBER(numerics_version), FIELD_INT, 0},
    {OF_MACHINE(compiler), FIELD_TEXT, 0},
    {OF_MACHINE(cpu), FIELD_TEXT, 0},
    {OF_MACHINE(kernels), FIELD_TEXT, 0},
    {OF_MACHINE(libm), FIELD_TEXT, 1},
    {OF_MACHINE(zlib), FIELD_TEXT, 1},
    {OF_MACHINE(kernels_bits), FIELD_TEXT, 1},
    {OF_MACHINE(libm_bits), FIELD_TEXT, 1},
    {OF_MACHINE(zlib_bits), FIELD_TEXT, 1},
    {MEMBER(n_other_machines), FIELD_INT, 1},
    {MEMBER(kernels_note), FIELD_TEXT, 0},
    {MEMBER(seed), FIELD_INT64, 0},
    {MEMBER(threads), FIELD_INT, 0},
    {MEMBER(lanes), FIELD_INT, 0},
    {MEMBER(input_sha256), FIELD_TEXT, 0},
    {MEMBER(step), FIELD_INT64, 0},
    {MEMBER(steps), FIELD_INT64, 0},
    {MEMBER(tokens), FIELD_INT64, 0},
    {MEMBER(targets), FIELD_INT64, 0},
    {MEMBER(n_parameters), FIELD_INT64, 0},
    {MEMBER(newline_share), FIELD_NUMBER, 0},
    {MEMBER(oracle_loss), FIELD_NUMBER, 0},
    {MEMBER(oracle_loss_measured), FIELD_NUMBER, 0},
    {MEMBER(final_loss), FIELD_NUMBER, 0},
    {MEMBER(wall_seconds), FIELD_NUMBER, 0},
    {MEMBER(measure_seconds), FIELD_NUMBER, 0},
    {MEMBER(started), FIELD_TEXT, 0},
    {MEMBER(ended), FIELD_TEXT, 0},
    {MEMBER(n_resumes), FIELD_INT, 0},
};
#define N_FIELDS  (sizeof fields / sizeof fields[0])
#define WHOLE_MAX 9007199254740992.0 /* 2^53: a JSON number is a double to most readers */

static const char *const status_names[] = {
    [RUN_ABSENT] = "absent",     [RUN_PENDING] = "pending", [RUN_RUNNING] = "running",
    [RUN_FINISHED] = "finished", [RUN_FAILED] = "failed",   [RUN_INTERRUPTED] = "interrupted",
};

const char *run_status_name(RunStatus status)
{
    return status_names[status];
}

static void write_field(JsonWriter *json, const char *key, FieldType type, const void *field)
{
    switch (type) {
    case FIELD_TEXT: {
        const char *text = *(const char *const *)field;
        json_put_string(json, key, text ? text : "");
        break;
    }
    case FIELD_INT:
        json_put_number(json, key, *(const int *)field);
        break;
    case FIELD_INT64:
        assert((double)*(const int64_t *)field <= WHOLE_MAX);
        json_put_number(json, key, (double)*(const int64_t *)field);
        break;
    case FIELD_NUMBER:
        json_put_number(json, key, *(const double *)field);
        break;
    }
}

int manifest_write(const char *run_folder, const Manifest *manifest, Error *err)
{
    Text text = {0};
    JsonWriter json;
    Arena *arena = arena_new();
    assert(manifest->status >= RUN_RUNNING);
    json_start(&json, &text, 2);
    json_open_object(&json);
    json_put_string(&json, "status", run_status_name(manifest->status));
    for (size_t i = 0; i < N_FIELDS; i++)
        write_field(&json, fields[i].key, fields[i].type, (const char *)manifest + fields[i].offset);
    json_key(&json, "files");
    json_open_object(&json);
    for (int i = 0; i < manifest->n_files; i++)
        json_put_string(&json, manifest->files[i], manifest->files_sha256[i]);
    json_close_object(&json);
    json_close_object(&json);
    text_add(&text, "\n");
    const int status = file_write(file_join(arena, run_folder, RUN_MANIFEST), text.data, text.size, err);
    arena_free(arena);
    text_free(&text);
    return status;
}

/* A null is a number that isn't there. */
static int read_field(const Json *value, FieldType type, void *ret_field)
{
    const double number = value->type == JSON_NULL ? NAN : value->number;
    if (type == FIELD_TEXT) {
        if (value->type != JSON_STRING)
            return -1;
        *(const char **)ret_field = value->string;
        return 0;
    }
    if (value->type != JSON_NUMBER && (value->type != JSON_NULL || type != FIELD_NUMBER))
        return -1;
    if (type == FIELD_NUMBER) {
        *(double *)ret_field = number;
        return 0;
    }
    const double max = type == FIELD_INT ? 2147483647.0 : WHOLE_MAX;
    if (!(number >= 0 && number <= max) || number != floor(number))
        return -1;
    if (type == FIELD_INT)
        *(int *)ret_field = (int)number;
    else
        *(int64_t *)ret_field = (int64_t)number;
    return 0;
}

static int read_files(Arena *arena, const Json *files, Manifest *manifest)
{
    if (!files || files->type != JSON_OBJECT)
        return -1;
    manifest->files = ARENA_ARRAY(arena, const char *, files->n_items);
    manifest->files_sha256 = ARENA_ARRAY(arena, const char *, files->n_items);
    manifest->n_files = files->n_items;
    for (int i = 0; i < files->n_items; i++) {
        if (files->items[i]->type != JSON_STRING)
            return -1;
        manifest->files[i] = files->items[i]->key;
        manifest->files_sha256[i] = files->items[i]->string;
    }
    return 0;
}

int manifest_read(Arena *arena, const char *run_folder, Manifest *ret_manifest, Error *err)
{
    const char *path = file_join(arena, run_folder, RUN_MANIFEST);
    Manifest manifest = {0};
    char *bytes;
    size_t n;
    Json *json;
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = json_parse(arena, path, bytes, n, &json, err);
    if (status != STATUS_OK)
        return status;
    const char *name = json_get_string(json, "status", "");
    for (int i = RUN_RUNNING; i <= RUN_INTERRUPTED; i++)
        if (strcmp(name, run_status_name((RunStatus)i)) == 0)
            manifest.status = (RunStatus)i;
    if (manifest.status == RUN_ABSENT)
        return error_set(err, STATUS_INPUT, "%s: status: must be running, finished, failed or interrupted", path);
    for (size_t i = 0; i < N_FIELDS; i++) {
        const Json *value = json_get(json, fields[i].key);
        if (!value && fields[i].is_later) {
            if (fields[i].type == FIELD_TEXT)
                *(const char **)((char *)&manifest + fields[i].offset) = "";
            continue;
        }
        if (!value || read_field(value, fields[i].type, (char *)&manifest + fields[i].offset) != 0)
            return error_set(err, STATUS_INPUT, "%s: %s: missing, or not what a manifest has there", path,
                             fields[i].key);
    }
    if (read_files(arena, json_get(json, "files"), &manifest) != 0)
        return error_set(err, STATUS_INPUT, "%s: files: must map paths to SHA-256 digests", path);
    *ret_manifest = manifest;
    return STATUS_OK;
}

int manifest_hash_files(Arena *arena, const char *run_folder, Manifest *manifest, Error *err)
{
    static const char *const folders[] = {RUN_SNAPSHOTS, RUN_CHECKPOINTS};
    enum { N_FOLDERS = 2 };
    char **names[N_FOLDERS];
    int n_names[N_FOLDERS], n = 0, status = STATUS_OK, most = 2;
    for (int f = 0; f < N_FOLDERS && status == STATUS_OK; f++) {
        status = file_list(arena, file_join(arena, run_folder, folders[f]), &names[f], &n_names[f], err);
        most += status == STATUS_OK ? n_names[f] : 0;
    }
    if (status != STATUS_OK)
        return status;

    const char **files = ARENA_ARRAY(arena, const char *, most), **hashes = ARENA_ARRAY(arena, const char *, most);
    if (file_exists(file_join(arena, run_folder, RUN_TOKENIZER)))
        files[n++] = RUN_TOKENIZER;
    files[n++] = RUN_SERIES;
    for (int f = 0; f < N_FOLDERS; f++)
        for (int i = 0; i < n_names[f]; i++)
            files[n++] = file_join(arena, folders[f], names[f][i]);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        char hex[65];
        status = file_sha256(file_join(arena, run_folder, files[i]), hex, err);
        hashes[i] = status == STATUS_OK ? arena_strdup(arena, hex) : NULL;
    }
    if (status == STATUS_OK)
        manifest->files = files, manifest->files_sha256 = hashes, manifest->n_files = n;
    return status;
}

const char *manifest_hash(const Manifest *manifest, const char *run_folder, const char *path)
{
    const char *name = path + strlen(run_folder);
    while (*name == '/')
        name++;
    for (int i = 0; i < manifest->n_files; i++)
        if (strcmp(manifest->files[i], name) == 0)
            return manifest->files_sha256[i];
    return NULL;
}

int manifest_lost(const Manifest *manifest, const char *run_folder, const char *prefix, const char **ret_first)
{
    Arena *arena = arena_new();
    int n = 0;
    for (int i = 0; i < manifest->n_files; i++) {
        const char *name = manifest->files[i];
        if (strncmp(name, prefix, strlen(prefix)) != 0 || file_exists(file_join(arena, run_folder, name)))
            continue;
        if (n++ == 0)
            *ret_first = name;
    }
    arena_free(arena);
    return n;
}
