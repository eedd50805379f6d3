/* Without these, a damaged checkpoint could be trained on, and a file that breaks the format's rules could make us read
 * outside of it. The rules are those of the format's README; good.safetensors was written by another program. */
#include "store/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include "testing.h"

static const float weights[] = {-1, -0.5, 0, 0.5, 1, 1.5};

static void test_reads_another_programs_file(void **state)
{
    const Scratch *s = *state;
    SafeTensors file;
    Error err;
    const char *path = FIXTURES "/good.safetensors";
    assert_ok(safetensors_read(s->arena, path, &file, &err), &err);
    assert_int_equal(file.n, 5);
    assert_int_equal(file.n_meta, 2);
    assert_string_equal(safetensors_meta(&file, "format"), "pt");
    assert_string_equal(safetensors_meta(&file, "note"), "quote \" and é");
    assert_null(safetensors_meta(&file, "crc32"));

    const SafeTensor *weight = safetensors_get(&file, "weight"), *wide = safetensors_get(&file, "wide");
    const SafeTensor *counts = safetensors_get(&file, "counts"), *none = safetensors_get(&file, "none");
    assert_string_equal(weight->type, "F32");
    assert_int_equal(weight->n_dims, 2);
    assert_int_equal(weight->shape[0], 2);
    assert_int_equal(weight->shape[1], 3);
    assert_int_equal(weight->n_bytes, sizeof weights);
    assert_int_equal((uintptr_t)weight->data % sizeof(float), 0); /* at byte 3 of the file's data */
    assert_memory_equal(weight->data, weights, sizeof weights);
    assert_int_equal(wide->n_dims, 0);
    assert_int_equal((uintptr_t)wide->data % sizeof(double), 0);
    assert_true(*(const double *)wide->data == -1);
    assert_int_equal(((const int64_t *)counts->data)[0], -1);
    assert_int_equal(((const int64_t *)counts->data)[1], 0);
    assert_memory_equal(safetensors_get(&file, "bytes")->data, "\0\1\2", 3);
    assert_int_equal(none->n_bytes, 0);
    assert_null(safetensors_get(&file, "weigh"));
}

/* Read by its header, a file has the same tensors in the same places, and is refused by the same line. */
static int read_both(Arena *arena, const char *path, SafeTensors *ret_file, Error *err)
{
    SafeTensors header;
    Error other = {{0}};
    const int status = safetensors_read(arena, path, ret_file, err);
    assert_int_equal(safetensors_read_header(arena, path, &header, &other), status);
    if (status != STATUS_OK) {
        assert_string_equal(other.text, err->text);
        return status;
    }
    assert_int_equal(header.n, ret_file->n);
    for (int i = 0; i < header.n; i++) {
        const SafeTensor *a = &header.tensors[i], *b = &ret_file->tensors[i];
        char *bytes = arena_alloc(arena, a->n_bytes + 1);
        assert_string_equal(a->name, b->name);
        assert_null(a->data);
        assert_int_equal(a->n_bytes, b->n_bytes);
        assert_ok(file_read_at(path, header.begins[i], bytes, a->n_bytes, &other), &other);
        assert_memory_equal(bytes, b->data, b->n_bytes);
    }
    return STATUS_OK;
}

static const char *write_sample(const Scratch *s, const char *name)
{
    const SafeTensor tensors[] = {
        {"layers.0.q", "F32", 2, {2, 3}, weights, sizeof weights},
        {"odd", "U8", 1, {3}, "abc", 3},
        {"streams", "I64", 1, {2}, (int64_t[]){-1, INT64_MAX}, 16},
        {"x\"é\n", "F64", 0, {0}, &(double){0.1}, 8},
    };
    const char *metadata[] = {"format", "test", "zeros", "00000000"};
    Error err;
    const char *path = file_join(s->arena, s->folder, name);
    assert_ok(safetensors_write(path, tensors, 4, metadata, 2, &err), &err);
    return path;
}

static void test_round_trip_and_equal_bytes(void **state)
{
    const Scratch *s = *state;
    char *bytes[2];
    size_t n[2];
    Error err;
    SafeTensors file;
    for (int i = 0; i < 2; i++)
        assert_ok(file_read(s->arena, write_sample(s, i ? "a" : "b"), &bytes[i], &n[i], &err), &err);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    assert_ok(safetensors_read(s->arena, file_join(s->arena, s->folder, "a"), &file, &err), &err);
    assert_int_equal(file.n, 4);
    assert_memory_equal(safetensors_get(&file, "layers.0.q")->data, weights, sizeof weights);
    assert_int_equal(((const int64_t *)safetensors_get(&file, "streams")->data)[1], INT64_MAX);
    assert_true(*(const double *)safetensors_get(&file, "x\"é\n")->data == 0.1);
    assert_string_equal(safetensors_meta(&file, "format"), "test");
    assert_string_equal(safetensors_meta(&file, "zeros"), "00000000");
    assert_int_equal(strlen(safetensors_meta(&file, "crc32")), 8);
}

/* The format's reference implementation wants: length, '{' as the first byte, data that start at a multiple of 8. */
static void test_the_bytes_follow_the_format(void **state)
{
    const Scratch *s = *state;
    char *bytes;
    size_t n, n_header = 0;
    Error err;
    assert_ok(file_read(s->arena, write_sample(s, "a"), &bytes, &n, &err), &err);
    for (int i = 8; i-- > 0;)
        n_header = n_header << 8 | (unsigned char)bytes[i];
    assert_int_equal((8 + n_header) % 64, 0);
    assert_int_equal(bytes[8], '{');
    assert_int_equal(n, 8 + n_header + sizeof weights + 3 + 16 + 8);
    assert_memory_equal(bytes + 8 + n_header, weights, sizeof weights);
}

/* Writes a file from its parts and reads it. */
static int read_parts(const Scratch *s, Arena *arena, uint64_t n_header, const char *header, size_t n_data, Error *err)
{
    static const char zeros[64];
    const char *path = file_join(arena, s->folder, "parts");
    SafeTensors file;
    FILE *out = fopen(path, "wb");
    fwrite(&n_header, 1, 8, out);
    fwrite(header, 1, strlen(header), out);
    fwrite(zeros, 1, n_data, out);
    assert_int_equal(fclose(out), 0);
    err->text[0] = '\0';
    return read_both(arena, path, &file, err);
}

static void test_rules_of_the_format(void **state)
{
    static const struct {
        const char *header;
        size_t n_data;
        const char *reason; /* NULL: fine */
    } rows[] = {
        {"{}", 0, NULL},
        {"{}   ", 0, NULL},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NULL},
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
         2, NULL},
        {" {}", 0, "not a safetensors file, or its end is missing"},
        {"[]", 0, "not a safetensors file, or its end is missing"},
        {"{}", 4, "bytes behind the last tensor"},
        {"{\"a\":1}", 0, "tensor \"a\": its keys must be dtype, shape and data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8,
         "tensor \"a\": its keys must be dtype, shape and data_offsets"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
         "tensor \"a\": dtype \"F33\" is not known"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}}", 8,
         "tensor \"a\": its shape must be a list of at most 4 sizes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}", 8,
         "tensor \"a\": a size in its shape is not a whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8,
         "tensor \"a\": a size in its shape is not a whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8,
         "tensor \"a\": its data_offsets must be two ascending whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8,
         "tensor \"a\": its data_offsets must be two ascending whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
         "tensor \"a\": its data_offsets do not fit its shape and dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],\"data_offsets\":[0,0]}}", 0,
         "tensor \"a\": its data_offsets do not fit its shape and dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7,
         "tensor \"a\": its data overlap, leave a hole, or lie outside of the file"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12,
         "tensor \"a\": its data overlap, leave a hole, or lie outside of the file"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
         12, "tensor \"b\": its data overlap, leave a hole, or lie outside of the file"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
         2, "header:1: key \"a\" appears twice"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ \"a\" must be a string"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ must be an object of strings"},
        {"{\"__metadata__\":{\"crc32\":\"00000001\"}}", 0,
         "its bytes do not have the checksum that its metadata say; it is damaged"},
        {"{\"__metadata__\":{\"crc32\":\"\"}}", 0, NULL},
    };
    const Scratch *s = *state;
    const char *path = file_join(s->arena, s->folder, "parts");
    Error err;
    for (size_t r = 0; r < N_TESTS(rows); r++) {
        const int status = read_parts(s, s->arena, strlen(rows[r].header), rows[r].header, rows[r].n_data, &err);
        if (rows[r].reason) {
            assert_int_equal(status, STATUS_INPUT);
            assert_string_equal(err.text, arena_format(s->arena, "%s: %s", path, rows[r].reason));
        } else if (status != STATUS_OK) {
            fail_msg("%s: %s", rows[r].header, err.text);
        }
    }
}

static void test_lengths_of_the_header(void **state)
{
    static const uint64_t lengths[] = {0, 1, 3, 100, 100000001, UINT64_MAX, UINT64_MAX - 7};
    const Scratch *s = *state;
    Error err;
    for (size_t i = 0; i < N_TESTS(lengths); i++)
        assert_int_equal(read_parts(s, s->arena, lengths[i], "{}", 0, &err), STATUS_INPUT);
}

static int read_damaged(const char *path, Arena *arena, SafeTensors *ret_file)
{
    Error err = {{0}};
    const int status = read_both(arena, path, ret_file, &err);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_INPUT);
        assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
    }
    return status;
}

static void test_every_truncation_is_refused(void **state)
{
    const Scratch *s = *state;
    char *bytes;
    size_t n;
    Error err;
    SafeTensors file;
    const char *path = write_sample(s, "a");
    assert_ok(file_read(s->arena, path, &bytes, &n, &err), &err);
    for (size_t cut = n; cut-- > 0;) {
        Arena *arena = arena_new();
        assert_int_equal(truncate(path, (off_t)cut), 0);
        assert_int_equal(read_damaged(path, arena, &file), STATUS_INPUT);
        arena_free(arena);
    }
}

/* A flip is refused; only one in the names under which the checksum stands can pass, and it changes no tensor. */
static void test_every_flipped_bit_is_refused(void **state)
{
    const Scratch *s = *state;
    char *bytes;
    size_t n, n_passed = 0;
    Error err;
    SafeTensors file;
    const char *path = write_sample(s, "a");
    assert_ok(file_read(s->arena, path, &bytes, &n, &err), &err);
    const size_t start = (size_t)(strstr(bytes + 8, "crc32") - bytes);
    const int damaged = open(path, O_WRONLY);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        Arena *arena = arena_new();
        const size_t at = bit / 8;
        const char flipped = (char)(bytes[at] ^ 1 << bit % 8);
        assert_int_equal(pwrite(damaged, &flipped, 1, (off_t)at), 1);
        if (read_damaged(path, arena, &file) == STATUS_OK) {
            n_passed++;
            assert_true(at >= start && at < start + strlen("crc32"));
            assert_int_equal(file.n, 4);
            assert_memory_equal(safetensors_get(&file, "layers.0.q")->data, weights, sizeof weights);
        }
        assert_int_equal(pwrite(damaged, &bytes[at], 1, (off_t)at), 1);
        arena_free(arena);
    }
    close(damaged);
    assert_true(n_passed < 8 * strlen("crc32"));
}

static void test_pieces_of_a_file(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, "piece");
    char four[5] = "";
    Error err;
    assert_ok(file_write(path, "abcdef", 6, &err), &err);
    assert_ok(file_read_at(path, 2, four, 4, &err), &err);
    assert_string_equal(four, "cdef");
    assert_ok(file_read_at(path, 6, four, 0, &err), &err);
    const char *line = arena_format(s->arena, "%s: its end is missing", path);
    assert_refused(file_read_at(path, 3, four, 4, &err), STATUS_INPUT, line, &err);
    assert_refused(file_read_at(path, UINT64_MAX, four, 2, &err), STATUS_INPUT, line, &err);
}

static void test_where_nothing_can_be_written(void **state)
{
    const Scratch *s = *state;
    Error err;
    const char *path = arena_format(s->arena, "%s/x", write_sample(s, "a"));
    assert_refused(safetensors_write(path, NULL, 0, NULL, 0, &err), STATUS_FAILED,
                   arena_format(s->arena, "cannot write %s: Not a directory", path), &err);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_reads_another_programs_file),
        TEST(test_round_trip_and_equal_bytes),
        TEST(test_the_bytes_follow_the_format),
        TEST(test_rules_of_the_format),
        TEST(test_lengths_of_the_header),
        TEST(test_every_truncation_is_refused),
        TEST(test_every_flipped_bit_is_refused),
        TEST(test_where_nothing_can_be_written),
        TEST(test_pieces_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
