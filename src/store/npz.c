/* NPZ: a ZIP archive (PKWARE's APPNOTE 6.3.3, sections 4.3.7, 4.3.12, 4.3.16) whose members are .npy files.
 *
 *   [local header, name, bytes, deflated unless few] per member, [central header, name] per member, end record
 *
 * The central directory is what counts; local headers must agree with it. No ZIP64: an archive of 4 GiB is refused on
 * both sides. Invariants: the bytes written depend only on names, order and contents (and on zlib's version); bytes
 * read have the CRC they were written with.
 */
#include "store/npz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/deflate.h"
#include "base/file.h"

#define LOCAL_MARK    0x04034b50u
#define CENTRAL_MARK  0x02014b50u
#define END_MARK      0x06054b50u
#define LOCAL_BYTES   30
#define CENTRAL_BYTES 46
#define END_BYTES     22
#define VERSION       20     /* 2.0: deflate */
#define DATE          0x0021 /* 1980-01-01, the epoch of ZIP */
#define FLAG_UTF8     0x0800
#define FLAGS_HARMLESS                                                                                                 \
    0x080e /* deflate's options, sizes behind the data, UTF-8 names; others change the bytes' meaning */
#define METHOD_STORED     0
#define METHOD_DEFLATED   8
#define DEFLATE_RATIO_MAX 1032 /* of any deflate stream: no corrupt size makes us take more memory than that */
#define STORED_UP_TO      512  /* bytes: a metric's few numbers cost more to deflate than to keep */
#define LEVEL             4    /* attention maps: zeros shrink at any level, mantissas at none; 1 % from level 9 */

/* ---- writing ---- */

typedef struct Member Member;
struct Member {
    Member *next;
    const char *name; /* with ".npy" */
    uint32_t crc;
    int method;
    size_t n_raw, n_kept;
    const unsigned char *kept; /* deflated or as it is */
};

struct NpzWriter {
    Arena *arena;
    Member *first, **end;
    int n, status;
    Error err; /* of the first npz_add that failed; npz_write hands it on */
};

NpzWriter *npz_new(Arena *arena)
{
    NpzWriter *npz = ARENA_ARRAY(arena, NpzWriter, 1);
    npz->arena = arena;
    npz->end = &npz->first;
    return npz;
}

static int keep(NpzWriter *npz, Member *member, int method, const void *bytes, size_t n)
{
    unsigned char *kept = arena_alloc(npz->arena, n);
    memcpy(kept, bytes, n);
    member->method = method, member->kept = kept, member->n_kept = n;
    return STATUS_OK;
}

static int keep_deflated(NpzWriter *npz, Member *member, const void *bytes, size_t n)
{
    Arena *scratch = arena_new(); /* zlib's worst case is more than what it leaves */
    unsigned char *deflated;
    size_t n_deflated;
    int status =
        deflate_bytes(scratch, LEVEL, bytes, n, &deflated, &n_deflated, npz->status == STATUS_OK ? &npz->err : NULL);
    if (status == STATUS_OK)
        status = keep(npz, member, METHOD_DEFLATED, deflated, n_deflated);
    arena_free(scratch);
    return status;
}

static void add_array(NpzWriter *npz, const NpyArray *array)
{
    Member *member = ARENA_ARRAY(npz->arena, Member, 1);
    member->name = arena_format(npz->arena, "%s.npy", array->name);
    Text raw = {0};
    npy_add(&raw, array);
    member->n_raw = raw.size;
    member->crc = crc32_bytes(raw.data, raw.size);
    const int status = raw.size <= STORED_UP_TO ? keep(npz, member, METHOD_STORED, raw.data, raw.size)
                                                : keep_deflated(npz, member, raw.data, raw.size);
    if (status == STATUS_OK) {
        *npz->end = member;
        npz->end = &member->next;
        npz->n++;
    } else if (npz->status == STATUS_OK) {
        npz->status = status;
    }
    text_free(&raw);
}

void npz_add(NpzWriter *npz, const char *name, NpyType type, int n_dims, const int64_t *shape, const void *data)
{
    NpyArray array = {.name = name, .type = type, .n_dims = n_dims, .data = data};
    assert(type != NPY_STRING && n_dims <= NPY_MAX_DIMS);
    for (int d = 0; d < n_dims; d++)
        array.shape[d] = shape[d];
    add_array(npz, &array);
}

void npz_add_strings(NpzWriter *npz, const char *name, int64_t n, const char *const *strings)
{
    size_t longest = 1;
    for (int64_t i = 0; i < n; i++) {
        const size_t length = strlen(strings[i]);
        longest = length > longest ? length : longest;
    }
    Arena *scratch = arena_new();
    char *items = arena_alloc(scratch, (size_t)n * longest);
    for (int64_t i = 0; i < n; i++)
        memcpy(items + (size_t)i * longest, strings[i], strlen(strings[i]));
    const NpyArray array = {
        .name = name, .type = NPY_STRING, .n_dims = 1, .shape = {n}, .item_bytes = (int)longest, .data = items};
    add_array(npz, &array);
    arena_free(scratch);
}

static void add_little(Text *text, uint64_t value, int n_bytes)
{
    unsigned char bytes[8];
    for (int i = 0; i < n_bytes; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
    text_add_bytes(text, bytes, (size_t)n_bytes);
}

/* The 26 bytes that local and central headers share, from "version needed" to "extra length". */
static void add_common(Text *text, const Member *member)
{
    add_little(text, VERSION, 2);
    add_little(text, FLAG_UTF8, 2);
    add_little(text, (uint64_t)member->method, 2);
    add_little(text, 0, 2); /* midnight */
    add_little(text, DATE, 2);
    add_little(text, member->crc, 4);
    add_little(text, member->n_kept, 4);
    add_little(text, member->n_raw, 4);
    add_little(text, strlen(member->name), 2);
    add_little(text, 0, 2);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A name that stands twice is a mistake of ours. */
static void check_names(const NpzWriter *npz)
{
    Arena *scratch = arena_new();
    const char **names = ARENA_ARRAY(scratch, const char *, npz->n + 1);
    int n = 0;
    for (const Member *member = npz->first; member; member = member->next)
        names[n++] = member->name;
    qsort(names, (size_t)n, sizeof *names, compare_names);
    for (int i = 1; i < n; i++)
        assert(strcmp(names[i - 1], names[i]) != 0);
    arena_free(scratch);
}

/* Whether 32 bits can say every size and offset, and 16 the number of members. */
static int is_too_large(const NpzWriter *npz)
{
    uint64_t total = 0;
    for (const Member *member = npz->first; member; member = member->next) {
        if (member->n_raw >= UINT32_MAX)
            return 1;
        total += LOCAL_BYTES + strlen(member->name) + member->n_kept;
    }
    return total >= UINT32_MAX || npz->n >= UINT16_MAX;
}

/* Piece by piece: an archive never stands in memory twice. */
int npz_write(NpzWriter *npz, const char *path, Error *err)
{
    check_names(npz);
    if (npz->status != STATUS_OK)
        return error_set(err, npz->status, "%s: %s", path, npz->err.text);
    if (is_too_large(npz))
        return error_set(err, STATUS_FAILED, "cannot write %s: an NPZ is limited to 4 GiB and 65534 members", path);
    enum { AT_ONCE = 1 << 16 };
    Text local = {0}, directory = {0}; /* local headers and members not yet written */
    size_t offset = 0;
    FileWriter file;
    file_begin(&file, path);
    for (const Member *member = npz->first; member; member = member->next) {
        const size_t n_name = strlen(member->name);
        assert(n_name <= UINT16_MAX);
        add_little(&local, LOCAL_MARK, 4);
        add_common(&local, member);
        text_add_bytes(&local, member->name, n_name);
        text_add_bytes(&local, member->kept, member->n_kept);
        if (local.size >= AT_ONCE) {
            file_add(&file, local.data, local.size);
            text_clear(&local);
        }
        add_little(&directory, CENTRAL_MARK, 4);
        add_little(&directory, VERSION, 2);
        add_common(&directory, member);
        add_little(&directory, 0, 2 + 2 + 2); /* comment, disk, internal attributes */
        add_little(&directory, 0, 4);         /* external attributes */
        add_little(&directory, offset, 4);
        text_add_bytes(&directory, member->name, n_name);
        offset += LOCAL_BYTES + n_name + member->n_kept;
    }
    const size_t n_directory = directory.size;
    add_little(&directory, END_MARK, 4);
    add_little(&directory, 0, 4);
    add_little(&directory, (uint64_t)npz->n, 2);
    add_little(&directory, (uint64_t)npz->n, 2);
    add_little(&directory, n_directory, 4);
    add_little(&directory, offset, 4);
    add_little(&directory, 0, 2);
    file_add(&file, local.data, local.size);
    file_add(&file, directory.data, directory.size);
    text_free(&local);
    text_free(&directory);
    return file_end(&file, err);
}

/* ---- reading ---- */

static uint32_t little(const unsigned char *bytes, int n_bytes)
{
    uint32_t value = 0;
    for (int i = n_bytes; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static int damaged(const char *path, const char *reason, Error *err)
{
    return error_set(err, STATUS_INPUT, "%s: damaged NPZ: %s", path, reason);
}

/* The end record stands at the end, before a comment of at most 64 KiB. */
static const unsigned char *find_end(const unsigned char *zip, size_t n)
{
    for (size_t comment = 0; comment <= UINT16_MAX && comment + END_BYTES <= n; comment++) {
        const unsigned char *end = zip + n - END_BYTES - comment;
        if (little(end, 4) == END_MARK && little(end + 20, 2) == comment)
            return end;
    }
    return NULL;
}

/* A member that is found: its bytes are zip[start, start + n_in), behind the local header at `from`. */
typedef struct {
    const char *name, *where; /* with ".npy"; the message's start */
    uint32_t method, crc;
    size_t n_in, n_raw, from, start;
} Entry;

/* From its central header `at`; the directory starts at byte `directory` of the file. */
static int find_member(Arena *arena, const char *path, const unsigned char *zip, size_t directory,
                       const unsigned char *at, Entry *ret_entry, Error *err)
{
    const uint32_t flags = little(at + 8, 2), method = little(at + 10, 2), crc = little(at + 16, 4);
    const size_t n_in = little(at + 20, 4), n_raw = little(at + 24, 4), n_name = little(at + 28, 2);
    const size_t offset = little(at + 42, 4);
    const char *name = arena_strndup(arena, (const char *)at + CENTRAL_BYTES, n_name);
    if (n_name < 5 || strlen(name) != n_name || strcmp(name + n_name - 4, ".npy") != 0)
        return error_set(err, STATUS_INPUT, "%s: member \"%s\" is not an .npy file", path, name);
    const char *where = arena_format(arena, "%s: member \"%.*s\"", path, (int)n_name - 4, name);
    if (n_in == UINT32_MAX || n_raw == UINT32_MAX || offset == UINT32_MAX)
        return error_set(err, STATUS_INPUT, "%s: over 4 GiB (ZIP64), which is not read", where);
    if (flags & ~(uint32_t)FLAGS_HARMLESS || (method != METHOD_STORED && method != METHOD_DEFLATED))
        return error_set(err, STATUS_INPUT, "%s: encrypted, or not compressed with deflate", where);
    if (offset > directory || directory - offset < LOCAL_BYTES)
        return damaged(where, "it lies outside of the file", err);

    const unsigned char *local = zip + offset;
    const size_t start = offset + LOCAL_BYTES + little(local + 26, 2) + little(local + 28, 2);
    if (little(local, 4) != LOCAL_MARK || little(local + 8, 2) != method || little(local + 26, 2) != n_name ||
        start > directory || directory - start < n_in || memcmp(local + LOCAL_BYTES, name, n_name) != 0)
        return damaged(where, "its header differs from the directory, or its end is missing", err);
    if (method == METHOD_STORED ? n_raw != n_in : n_raw / DEFLATE_RATIO_MAX > n_in)
        return damaged(where, "its size is impossible", err);
    *ret_entry = (Entry){name, where, method, crc, n_in, n_raw, offset, start};
    return STATUS_OK;
}

static int read_member(Arena *arena, const unsigned char *zip, const Entry *entry, NpyArray *ret_array, Error *err)
{
    const unsigned char *raw = zip + entry->start;
    if (entry->method == METHOD_DEFLATED) {
        unsigned char *inflated = arena_alloc(arena, entry->n_raw);
        const int status = inflate_bytes(raw, entry->n_in, inflated, entry->n_raw, NULL);
        if (status == STATUS_FAILED)
            return error_set(err, status, "%s: out of memory: zlib could not go on", entry->where);
        if (status != STATUS_OK)
            return damaged(entry->where, "its compressed bytes are wrong", err);
        raw = inflated;
    }
    if (crc32_bytes(raw, entry->n_raw) != entry->crc)
        return damaged(entry->where, "its bytes are wrong (CRC)", err);
    NpyArray array;
    if (npy_parse(arena, entry->where, raw, entry->n_raw, &array, err) != STATUS_OK)
        return STATUS_INPUT;
    array.name = arena_strndup(arena, entry->name, strlen(entry->name) - 4);
    *ret_array = array;
    return STATUS_OK;
}

static int compare_places(const void *left, const void *right)
{
    const Entry *a = *(const Entry *const *)left, *b = *(const Entry *const *)right;
    return (a->from > b->from) - (a->from < b->from);
}

/* Members that share bytes would make a small file as large as one likes: refused before any is inflated. */
static int check_apart(Arena *arena, const Entry *entries, size_t n, Error *err)
{
    const Entry **by_place = ARENA_ARRAY(arena, const Entry *, n + 1);
    for (size_t i = 0; i < n; i++)
        by_place[i] = &entries[i];
    qsort(by_place, n, sizeof *by_place, compare_places);
    for (size_t i = 1; i < n; i++)
        if (by_place[i]->from < by_place[i - 1]->start + by_place[i - 1]->n_in)
            return damaged(by_place[i]->where, "it shares bytes with another member", err);
    return STATUS_OK;
}

static int compare_arrays(const void *left, const void *right)
{
    return strcmp((*(const NpyArray *const *)left)->name, (*(const NpyArray *const *)right)->name);
}

/* The arrays by name; a name that stands twice is none. */
static int index_names(Arena *arena, const char *path, Npz *npz, Error *err)
{
    const NpyArray **by_name = ARENA_ARRAY(arena, const NpyArray *, npz->n + 1);
    for (int i = 0; i < npz->n; i++)
        by_name[i] = &npz->arrays[i];
    qsort(by_name, (size_t)npz->n, sizeof *by_name, compare_arrays);
    for (int i = 1; i < npz->n; i++)
        if (strcmp(by_name[i - 1]->name, by_name[i]->name) == 0)
            return error_set(err, STATUS_INPUT, "%s: member \"%s\" appears twice", path, by_name[i]->name);
    npz->by_name = by_name;
    return STATUS_OK;
}

int npz_read(Arena *arena, const char *path, Npz *ret_npz, Error *err)
{
    char *bytes;
    size_t n_bytes;
    const int status = file_read(arena, path, &bytes, &n_bytes, err);
    return status != STATUS_OK ? status : npz_parse(arena, path, bytes, n_bytes, ret_npz, err);
}

int npz_parse(Arena *arena, const char *path, const void *bytes, size_t n_bytes, Npz *ret_npz, Error *err)
{
    const unsigned char *zip = bytes, *end = find_end(zip, n_bytes);
    if (!end)
        return error_set(err, STATUS_INPUT, "%s: not an NPZ file, or its end is missing (no ZIP directory)", path);
    const size_t n = little(end + 10, 2), n_directory = little(end + 12, 4), directory = little(end + 16, 4);
    if (little(end + 4, 4) != 0 || little(end + 8, 2) != n || directory + n_directory != (size_t)(end - zip))
        return damaged(path, "its directory is not where it should be", err);
    Entry *entries = ARENA_ARRAY(arena, Entry, n + 1);
    size_t n_found = 0;
    for (const unsigned char *at = zip + directory; at < end; n_found++) {
        if (end - at < CENTRAL_BYTES || little(at, 4) != CENTRAL_MARK || n_found == n)
            return damaged(path, "its directory is wrong", err);
        const size_t n_entry = CENTRAL_BYTES + little(at + 28, 2) + little(at + 30, 2) + little(at + 32, 2);
        if ((size_t)(end - at) < n_entry)
            return damaged(path, "its directory is wrong", err);
        if (find_member(arena, path, zip, directory, at, &entries[n_found], err) != STATUS_OK)
            return STATUS_INPUT;
        at += n_entry;
    }
    if (n_found != n)
        return damaged(path, "its directory is wrong", err);
    int status = check_apart(arena, entries, n, err);
    Npz npz = {.arrays = ARENA_ARRAY(arena, NpyArray, n + 1), .n = (int)n};
    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        status = read_member(arena, zip, &entries[i], &npz.arrays[i], err);
    if (status == STATUS_OK)
        status = index_names(arena, path, &npz, err);
    if (status == STATUS_OK)
        *ret_npz = npz;
    return status;
}

const NpyArray *npz_get(const Npz *npz, const char *name)
{
    int low = 0, high = npz->n; /* it stands at or behind `low`, before `high` */
    while (low < high) {
        const int middle = low + (high - low) / 2, order = strcmp(npz->by_name[middle]->name, name);
        if (order == 0)
            return npz->by_name[middle];
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

const void *npz_data(const Npz *npz, const char *name, NpyType type, int n_dims, const int64_t *shape)
{
    const NpyArray *array = npz_get(npz, name);
    if (!array || array->type != type || array->n_dims != n_dims)
        return NULL;
    for (int d = 0; d < n_dims; d++)
        if (shape[d] >= 0 && array->shape[d] != shape[d])
            return NULL;
    return array->data;
}
