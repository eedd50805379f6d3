/* Fuzzes NPZ, as it comes and with its checksums put right, without which nearly every input ends at the first of them.
 * What is read is written so that it is read as the same. */
#include "fuzz.h"

#include <stdlib.h>

#include "base/deflate.h"
#include "store/npz.h"

enum { CENTRAL = 46, END = 22, STORED = 0, DEFLATED = 8, MOST_RAW = 1 << 20 };

static uint32_t little(const unsigned char *at, int n_bytes)
{
    uint32_t value = 0;
    for (int i = n_bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* The CRC-32 of the member whose central header is `at`, as far as its bytes are there. */
static uint32_t crc_of(Arena *arena, const unsigned char *zip, size_t n, const unsigned char *at)
{
    const size_t n_in = little(at + 20, 4), n_raw = little(at + 24, 4), offset = little(at + 42, 4);
    if (offset + 30 > n)
        return 0;
    const size_t start = offset + 30 + little(zip + offset + 26, 2) + little(zip + offset + 28, 2);
    if (start > n || n_in > n - start)
        return 0;
    if (little(at + 10, 2) == STORED)
        return crc32_bytes(zip + start, n_in);
    if (n_raw > MOST_RAW)
        return 0;
    unsigned char *raw = arena_alloc(arena, n_raw);
    return inflate_bytes(zip + start, n_in, raw, n_raw, NULL) == STATUS_OK ? crc32_bytes(raw, n_raw) : 0;
}

/* Puts every member's CRC into the directory, if there is one. */
static void repair(Arena *arena, unsigned char *zip, size_t n)
{
    for (size_t end = n; end-- > 0;) {
        if (n - end < END || little(zip + end, 4) != 0x06054b50u)
            continue;
        for (size_t at = little(zip + end + 16, 4); at + CENTRAL <= end;) {
            const uint32_t crc = crc_of(arena, zip, n, zip + at);
            for (int i = 0; i < 4; i++)
                zip[at + 16 + (size_t)i] = (unsigned char)(crc >> 8 * i);
            at += CENTRAL + little(zip + at + 28, 2) + little(zip + at + 30, 2) + little(zip + at + 32, 2);
        }
        return;
    }
}

static void assert_equal_arrays(const NpyArray *a, const NpyArray *b)
{
    assert(strcmp(a->name, b->name) == 0 && a->type == b->type && a->n_dims == b->n_dims && a->n_items == b->n_items);
    assert(memcmp(a->shape, b->shape, (size_t)a->n_dims * sizeof *a->shape) == 0);
    assert(memcmp(a->data, b->data, a->n_items * (size_t)a->item_bytes) == 0);
}

/* All members but strings, whose writer takes texts. */
static void round_trip(Arena *arena, const Npz *npz)
{
    NpzWriter *writer = npz_new(arena);
    Npz again;
    Error err;
    const char *path = fuzz_file("written/out.npz", "", 0);
    int n = 0;
    for (int i = 0; i < npz->n; i++)
        if (npz->arrays[i].type != NPY_STRING)
            npz_add(writer, npz->arrays[i].name, npz->arrays[i].type, npz->arrays[i].n_dims, npz->arrays[i].shape,
                    npz->arrays[i].data);
    assert(npz_write(writer, path, &err) == STATUS_OK);
    assert(npz_read(arena, path, &again, &err) == STATUS_OK);
    assert(fuzz_count("written") == 1);
    for (int i = 0; i < npz->n; i++) {
        assert(npz_get(npz, npz->arrays[i].name) == &npz->arrays[i]);
        if (npz->arrays[i].type != NPY_STRING)
            assert_equal_arrays(&npz->arrays[i], &again.arrays[n++]);
    }
    assert(n == again.n);
}

static void parse(const unsigned char *zip, size_t n)
{
    Arena *arena = arena_new();
    Npz npz;
    Error err;
    FUZZ_MARK(npz);
    if (fuzz_is_read(npz_parse(arena, "input.npz", zip, n, &npz, &err), &err))
        round_trip(arena, &npz);
    else
        FUZZ_UNTOUCHED(npz);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    unsigned char *zip = malloc(n ? n : 1);
    parse(bytes, n);
    memcpy(zip, bytes, n);
    repair(arena, zip, n);
    if (memcmp(zip, bytes, n) != 0)
        parse(zip, n);
    free(zip);
    arena_free(arena);
    return 0;
}
