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
#include "base/seal.h"

typedef enum { IS_TEXT, IS_INT, IS_INT64, IS_NUMBER } FieldType;

#define MEMBER(name)     #name, offsetof(Manifest, name)
#define OF_MACHINE(name) #name, offsetof(Manifest, machine.name)
static const struct {
    const char *key;
    size_t offset;
    FieldType type;
    int is_later; /* runs of earlier versions lack it: "" or 0 */
} fields[] = {
    {MEMBER(reason), IS_TEXT, 0},
    {MEMBER(id), IS_TEXT, 0},
    {MEMBER(version), IS_TEXT, 0},
    {MEMBER(numerics_version), IS_INT, 0},
    {OF_MACHINE(compiler), IS_TEXT, 0},
    {OF_MACHINE(cpu), IS_TEXT, 0},
    {OF_MACHINE(kernels), IS_TEXT, 0},
    {OF_MACHINE(libm), IS_TEXT, 1},
    {OF_MACHINE(zlib), IS_TEXT, 1},
    {OF_MACHINE(kernels_bits), IS_TEXT, 1},
    {OF_MACHINE(libm_bits), IS_TEXT, 1},
    {OF_MACHINE(zlib_bits), IS_TEXT, 1},
    {MEMBER(n_other_machines), IS_INT, 1},
    {"kernels_note", offsetof(Manifest, machine.products), IS_TEXT, 0},
    {MEMBER(seed), IS_INT64, 0},
    {MEMBER(threads), IS_INT, 0},
    {MEMBER(lanes), IS_INT, 0},
    {MEMBER(input_sha256), IS_TEXT, 0},
    {MEMBER(step), IS_INT64, 0},
    {MEMBER(steps), IS_INT64, 0},
    {MEMBER(tokens), IS_INT64, 0},
    {MEMBER(targets), IS_INT64, 0},
    {MEMBER(n_parameters), IS_INT64, 0},
    {MEMBER(newline_share), IS_NUMBER, 0},
    {MEMBER(oracle_loss), IS_NUMBER, 0},
    {MEMBER(oracle_loss_measured), IS_NUMBER, 0},
    {MEMBER(final_loss), IS_NUMBER, 0},
    {MEMBER(wall_seconds), IS_NUMBER, 0},
    {MEMBER(measure_seconds), IS_NUMBER, 0},
    {MEMBER(started), IS_TEXT, 0},
    {MEMBER(ended), IS_TEXT, 0},
    {MEMBER(n_resumes), IS_INT, 0},
};
#define N_FIELDS  (sizeof fields / sizeof fields[0])
#define WHOLE_MAX 9007199254740992.0 /* 2^53: a JSON number is a double to most readers */

/* Its last member is its own SHA-256. */
static const Seal seal = {",\n  \"sha256\": \"", "\"\n}\n"};

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
    case IS_TEXT: {
        const char *text = *(const char *const *)field;
        json_put_string(json, key, text ? text : "");
        break;
    }
    case IS_INT:
        json_put_number(json, key, *(const int *)field);
        break;
    case IS_INT64:
        assert((double)*(const int64_t *)field <= WHOLE_MAX);
        json_put_number(json, key, (double)*(const int64_t *)field);
        break;
    case IS_NUMBER:
        json_put_number(json, key, *(const double *)field);
        break;
    }
}

static void write_hashes(JsonWriter *json, const char *key, const char *const *names, const char *const *hashes, int n)
{
    json_key(json, key);
    json_open_object(json);
    for (int i = 0; i < n; i++)
        json_put_string(json, names[i], hashes[i]);
    json_close_object(json);
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
    write_hashes(&json, "files", manifest->files, manifest->files_sha256, manifest->n_files);
    if (manifest->n_rows > 0)
        write_hashes(&json, "rows", manifest->rows, manifest->rows_sha256, manifest->n_rows);
    if (manifest->n_times > 0)
        write_hashes(&json, "times", manifest->times, manifest->times_sha256, manifest->n_times);
    seal_add(&seal, &text); /* which closes the object */
    const int status = file_write(file_join(arena, run_folder, RUN_MANIFEST), text.data, text.size, err);
    arena_free(arena);
    text_free(&text);
    return status;
}

/* A null is a number that isn't there. */
static int read_field(const Json *value, FieldType type, void *ret_field)
{
    const double number = value->type == JSON_NULL ? NAN : value->number;
    if (type == IS_TEXT) {
        if (value->type != JSON_STRING)
            return -1;
        *(const char **)ret_field = value->string;
        return 0;
    }
    if (value->type != JSON_NUMBER && (value->type != JSON_NULL || type != IS_NUMBER))
        return -1;
    if (type == IS_NUMBER) {
        *(double *)ret_field = number;
        return 0;
    }
    const double max = type == IS_INT ? 2147483647.0 : WHOLE_MAX;
    if (!(number >= 0 && number <= max) || number != floor(number))
        return -1;
    if (type == IS_INT)
        *(int *)ret_field = (int)number;
    else
        *(int64_t *)ret_field = (int64_t)number;
    return 0;
}

static int read_hashes(Arena *arena, const Json *json, const char ***ret_names, const char ***ret_hashes, int *ret_n)
{
    if (!json || json->type != JSON_OBJECT)
        return -1;
    const char **names = ARENA_ARRAY(arena, const char *, json->n_items);
    const char **hashes = ARENA_ARRAY(arena, const char *, json->n_items);
    for (int i = 0; i < json->n_items; i++) {
        if (json->items[i]->type != JSON_STRING)
            return -1;
        names[i] = json->items[i]->key;
        hashes[i] = json->items[i]->string;
    }
    *ret_names = names, *ret_hashes = hashes, *ret_n = json->n_items;
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
        status = seal_check(&seal, path, bytes, n, "", err);
    if (status == STATUS_OK)
        status = json_parse(arena, path, bytes, n, &json, err);
    if (status != STATUS_OK)
        return status;
    manifest.is_sealed = seal_state(&seal, bytes, n) == SEAL_WHOLE;
    const char *name = json_get_string(json, "status", "");
    for (int i = RUN_RUNNING; i <= RUN_INTERRUPTED; i++)
        if (strcmp(name, run_status_name((RunStatus)i)) == 0)
            manifest.status = (RunStatus)i;
    if (manifest.status == RUN_ABSENT)
        return error_set(err, STATUS_INPUT, "%s: status: must be running, finished, failed or interrupted", path);
    for (size_t i = 0; i < N_FIELDS; i++) {
        const Json *value = json_get(json, fields[i].key);
        if (!value && fields[i].is_later) {
            if (fields[i].type == IS_TEXT)
                *(const char **)((char *)&manifest + fields[i].offset) = "";
            continue;
        }
        if (!value || read_field(value, fields[i].type, (char *)&manifest + fields[i].offset) != 0)
            return error_set(err, STATUS_INPUT, "%s: %s: missing, or not what a manifest has there", path,
                             fields[i].key);
    }
    if (read_hashes(arena, json_get(json, "files"), &manifest.files, &manifest.files_sha256, &manifest.n_files) != 0)
        return error_set(err, STATUS_INPUT, "%s: files: must map paths to SHA-256 digests", path);
    const Json *rows = json_get(json, "rows");
    if (rows && read_hashes(arena, rows, &manifest.rows, &manifest.rows_sha256, &manifest.n_rows) != 0)
        return error_set(err, STATUS_INPUT, "%s: rows: must map steps to SHA-256 digests", path);
    const Json *times = json_get(json, "times");
    if (times && read_hashes(arena, times, &manifest.times, &manifest.times_sha256, &manifest.n_times) != 0)
        return error_set(err, STATUS_INPUT, "%s: times: must map paths to SHA-256 digests", path);
    *ret_manifest = manifest;
    return STATUS_OK;
}

int manifest_check_files(const char *run_folder, const Manifest *manifest, Error *ret_reason)
{
    Arena *arena = arena_new();
    int status = STATUS_OK;
    for (int i = 0; i < manifest->n_files && status == STATUS_OK; i++) {
        const char *path = file_join(arena, run_folder, manifest->files[i]);
        char hex[65];
        if (strncmp(manifest->files[i], RUN_CHECKPOINTS "/", strlen(RUN_CHECKPOINTS "/")) == 0)
            continue;
        if (!file_exists(path))
            status = error_set(ret_reason, STATUS_INPUT, "%s is gone", manifest->files[i]);
        else if ((status = file_sha256(path, hex, ret_reason)) == STATUS_OK &&
                 strcmp(hex, manifest->files_sha256[i]) != 0)
            status = error_set(ret_reason, STATUS_INPUT, "%s is not what was written", manifest->files[i]);
    }
    arena_free(arena);
    return status;
}

static int hash_all(Arena *arena, const char *run_folder, const char *const *names, int n, const char **ret_hashes,
                    Error *err)
{
    char hex[65];
    int status = STATUS_OK;
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        status = file_sha256(file_join(arena, run_folder, names[i]), hex, err);
        ret_hashes[i] = status == STATUS_OK ? arena_strdup(arena, hex) : NULL;
    }
    return status;
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
    status = hash_all(arena, run_folder, files, n, hashes, err);
    if (status == STATUS_OK)
        manifest->files = files, manifest->files_sha256 = hashes, manifest->n_files = n;
    return status;
}

int manifest_hash_times(Arena *arena, const char *run_folder, Manifest *manifest, Error *err)
{
    static const char *const names[] = {RUN_LOG, RUN_TIMING};
    enum { N_NAMES = 2 };
    const char **times = ARENA_ARRAY(arena, const char *, N_NAMES),
               **hashes = ARENA_ARRAY(arena, const char *, N_NAMES);
    int n = 0;
    for (int i = 0; i < N_NAMES; i++)
        if (file_exists(file_join(arena, run_folder, names[i]))) /* no result: a run does without */
            times[n++] = names[i];
    const int status = hash_all(arena, run_folder, times, n, hashes, err);
    if (status == STATUS_OK)
        manifest->times = times, manifest->times_sha256 = hashes, manifest->n_times = n;
    return status;
}

int manifest_hash_again(Arena *arena, const char *run_folder, Manifest *manifest, const char *name, Error *err)
{
    for (int i = 0; i < manifest->n_files; i++) {
        char hex[65];
        if (strcmp(manifest->files[i], name) != 0)
            continue;
        const int status = file_sha256(file_join(arena, run_folder, name), hex, err);
        if (status == STATUS_OK)
            manifest->files_sha256[i] = arena_strdup(arena, hex);
        return status;
    }
    return STATUS_OK;
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
