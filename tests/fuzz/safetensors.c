/* Fuzzes safetensors, as it comes and with the checksum of our writer put right. What is read is written so that it is
 * read as the same. */
#include "fuzz.h"

#include <stdlib.h>

#include "repair.h"
#include "store/safetensors.h"

static void assert_equal_tensors(const SafeTensor *a, const SafeTensor *b)
{
    assert(strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0);
    assert(a->n_dims == b->n_dims && a->n_bytes == b->n_bytes);
    assert(memcmp(a->shape, b->shape, (size_t)a->n_dims * sizeof *a->shape) == 0);
    assert(a->n_bytes == 0 || memcmp(a->data, b->data, a->n_bytes) == 0);
}

static void round_trip(Arena *arena, const SafeTensors *file)
{
    const char **metadata = ARENA_ARRAY(arena, const char *, 2 * file->n_meta);
    const char *path = fuzz_file("written/out.safetensors", "", 0);
    SafeTensors again;
    Error err;
    int n = 0;
    for (int i = 0; i < file->n_meta; i++) /* the writer brings a checksum of its own */
        if (strcmp(file->metadata[2 * i], "crc32") != 0) {
            metadata[2 * n] = file->metadata[2 * i];
            metadata[2 * n++ + 1] = file->metadata[2 * i + 1];
        }
    assert(safetensors_write(path, file->tensors, file->n, metadata, n, &err) == STATUS_OK);
    assert(safetensors_read(arena, path, &again, &err) == STATUS_OK);
    assert(fuzz_count("written") == 1);
    assert(again.n == file->n && again.n_meta == n + 1);
    for (int i = 0; i < file->n; i++)
        assert_equal_tensors(&file->tensors[i], &again.tensors[i]);
    for (int i = 0; i < n; i++)
        assert(strcmp(safetensors_meta(&again, metadata[2 * i]), metadata[2 * i + 1]) == 0);
}

static void parse(const void *bytes, size_t n)
{
    Arena *arena = arena_new();
    SafeTensors file;
    Error err;
    const char *path = fuzz_file("input.safetensors", bytes, n);
    FUZZ_MARK(file);
    if (fuzz_is_read(safetensors_read(arena, path, &file, &err), &err))
        round_trip(arena, &file);
    else
        FUZZ_UNTOUCHED(file);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    parse(bytes, n);
    memcpy(copy, bytes, n);
    if (repair_crc(copy, n))
        parse(copy, n);
    free(copy);
    return 0;
}
