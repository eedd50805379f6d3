/* Fuzzes NPY: from memory, from a file, and its header alone all say the same; what is read is written so that it is
 * read as the same. */
#include "fuzz.h"

#include "store/npy.h"

static void assert_equal_shapes(const NpyArray *a, const NpyArray *b)
{
    assert(a->type == b->type && a->n_dims == b->n_dims && a->item_bytes == b->item_bytes && a->n_items == b->n_items);
    assert(memcmp(a->shape, b->shape, (size_t)a->n_dims * sizeof *a->shape) == 0);
}

static void round_trip(Arena *arena, const NpyArray *array)
{
    Text text = {0};
    NpyArray again;
    Error err;
    npy_add(&text, array);
    assert(npy_parse(arena, "written", text.data, text.size, &again, &err) == STATUS_OK);
    assert_equal_shapes(array, &again);
    assert(memcmp(array->data, again.data, array->n_items * (size_t)array->item_bytes) == 0);
    assert((uintptr_t)array->data % 8 == 0 && (uintptr_t)again.data % 8 == 0);
    text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    NpyArray array, of_file, header;
    Error err, file_err;
    size_t n_bytes;
    const char *path = fuzz_file("input.npy", bytes, n);
    FUZZ_MARK(array);
    const int is_read = fuzz_is_read(npy_parse(arena, path, bytes, n, &array, &err), &err);
    assert(fuzz_is_read(npy_read(arena, path, &of_file, &file_err), &file_err) == is_read);
    assert(is_read || strcmp(err.text, file_err.text) == 0);
    /* a header longer than NumPy's own reader takes is not looked at */
    const int has_header = fuzz_is_read(npy_read_header(arena, path, &header, &n_bytes, &file_err), &file_err);
    assert(has_header == is_read || (is_read && n > 1 << 16));
    if (is_read) {
        assert_equal_shapes(&array, &of_file);
        assert(memcmp(array.data, of_file.data, array.n_items * (size_t)array.item_bytes) == 0);
        round_trip(arena, &array);
    } else {
        FUZZ_UNTOUCHED(array);
    }
    if (has_header) {
        assert_equal_shapes(&array, &header);
        assert(n_bytes >= n && n_bytes <= 2 * n);
    }
    arena_free(arena);
    return 0;
}
