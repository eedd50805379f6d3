/* Without these, arrays that NumPy wrote could be read transposed, shifted or as other numbers, and nothing would say
 * so. */
#include "store/npy.h"

#include "testing.h"

static const char *fixture(Arena *arena, const char *name)
{
    return arena_format(arena, FIXTURES "/%s.npy", name);
}

/* Item i in C order, as fixtures/make.py fills them. */
static double item(const NpyArray *array, size_t i)
{
    switch (array->type) {
    case NPY_FLOAT32:
        return ((const float *)array->data)[i];
    case NPY_FLOAT64:
        return ((const double *)array->data)[i];
    case NPY_INT32:
        return ((const int32_t *)array->data)[i];
    case NPY_INT64:
        return (double)((const int64_t *)array->data)[i];
    default:
        return ((const unsigned char *)array->data)[i];
    }
}

static double expected_item(NpyType type, size_t i)
{
    const double x = (double)i;
    return type == NPY_FLOAT32 || type == NPY_FLOAT64 ? x / 2 - 1
           : type == NPY_INT32 || type == NPY_INT64   ? x - 1
           : type == NPY_BOOL                         ? (double)(i % 2)
                                                      : x;
}

static void test_reads_what_numpy_writes(void **state)
{
    static const struct {
        const char *name;
        NpyType type;
        int n_dims;
        int64_t shape[3];
        int is_fortran;
    } rows[] = {
        {"float32", NPY_FLOAT32, 2, {2, 3}, 0},  {"float64", NPY_FLOAT64, 2, {2, 3}, 0},
        {"int32", NPY_INT32, 2, {2, 3}, 0},      {"int64", NPY_INT64, 2, {2, 3}, 0},
        {"uint8", NPY_UINT8, 2, {2, 3}, 0},      {"bool", NPY_BOOL, 2, {2, 3}, 0},
        {"scalar", NPY_FLOAT64, 0, {0}, 0},      {"vector", NPY_FLOAT32, 1, {5}, 0},
        {"empty", NPY_FLOAT32, 2, {0, 3}, 0},    {"fortran", NPY_FLOAT32, 3, {2, 3, 4}, 1},
        {"version2", NPY_FLOAT32, 2, {2, 3}, 0}, {"version3", NPY_FLOAT32, 2, {2, 3}, 0},
    };
    Arena *arena = arena_new();
    Error err;
    (void)state;
    for (size_t r = 0; r < N_TESTS(rows); r++) {
        NpyArray array;
        size_t n_items = 1;
        assert_ok(npy_read(arena, fixture(arena, rows[r].name), &array, &err), &err);
        assert_int_equal(array.type, rows[r].type);
        assert_int_equal(array.n_dims, rows[r].n_dims);
        assert_int_equal(array.is_fortran, rows[r].is_fortran);
        for (int d = 0; d < array.n_dims; d++) {
            assert_int_equal(array.shape[d], rows[r].shape[d]);
            n_items *= (size_t)rows[r].shape[d];
        }
        assert_int_equal(array.n_items, n_items);
        assert_int_equal((uintptr_t)array.data % 8, 0);
        for (size_t i = 0; i < n_items; i++)
            assert_true(item(&array, i) == expected_item(array.type, i));
    }
    arena_free(arena);
}

static void test_reads_half_floats_and_strings(void **state)
{
    static const uint16_t halves[] = {0xbc00, 0xb800, 0x0000, 0x3800, 0x3c00, 0x3e00}; /* -1 -.5 0 .5 1 1.5 */
    Arena *arena = arena_new();
    NpyArray array;
    Error err;
    (void)state;
    assert_ok(npy_read(arena, fixture(arena, "float16"), &array, &err), &err);
    assert_int_equal(array.type, NPY_FLOAT16);
    assert_int_equal(array.n_items, 6);
    assert_memory_equal(array.data, halves, sizeof halves);
    assert_ok(npy_read(arena, fixture(arena, "strings"), &array, &err), &err);
    assert_int_equal(array.type, NPY_STRING);
    assert_int_equal(array.item_bytes, 2);
    assert_int_equal(array.n_items, 3);
    assert_memory_equal(array.data, "a\0\xc3\xa9\0\0", 6);
    arena_free(arena);
}

static void test_refuses_what_it_does_not_know(void **state)
{
    static const struct {
        const char *name, *reason;
    } rows[] = {
        {"bad_big_endian",
         "its items are '>f4', big-endian numbers; save it again with array.astype(array.dtype.newbyteorder('<'))"},
        {"bad_unicode", "its items are '<U2', Unicode strings; save it again with numpy.char.encode(array, 'utf-8')"},
        {"bad_object", "its items are '|O', pickled Python objects; save it again as numbers"},
        {"bad_complex", "its items are '<c8'; float16, float32, float64, int32, int64, uint8, bool and bytes are read"},
        {"bad_records", "its NPY header is damaged, or describes records"},
        {"bad_seven_axes", "more than 6 dimensions"},
    };
    Arena *arena = arena_new();
    Error err;
    (void)state;
    for (size_t r = 0; r < N_TESTS(rows); r++) {
        NpyArray array;
        const char *path = fixture(arena, rows[r].name);
        assert_refused(npy_read(arena, path, &array, &err), STATUS_INPUT,
                       arena_format(arena, "%s: %s", path, rows[r].reason), &err);
    }
    arena_free(arena);
}

/* An array as .npy bytes whose header is `header`, padded by nothing, and n_data zeros. */
static int parse_header(Arena *arena, const char *header, size_t n_data, Error *err)
{
    static const char zeros[256];
    Text text = {0};
    NpyArray array;
    const unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)strlen(header), 0};
    text_add_bytes(&text, start, sizeof start);
    text_add(&text, header);
    text_add_bytes(&text, zeros, n_data);
    const int status = npy_parse(arena, "x", text.data, text.size, &array, err);
    text_free(&text);
    return status;
}

/* NumPy has no bfloat16: ml_dtypes' arrays are saved as bytes without a meaning. */
static void test_bfloat16_is_named(void **state)
{
    Arena *arena = arena_new();
    Error err;
    (void)state;
    const char *headers[] = {"{'descr': '<V2', 'fortran_order': False, 'shape': (2,), }\n",
                             "{'descr': '|V2', 'fortran_order': False, 'shape': (2,), }\n"};
    for (int h = 0; h < 2; h++) {
        assert_int_equal(parse_header(arena, headers[h], 4, &err), STATUS_INPUT);
        assert_non_null(strstr(err.text, "V2', bytes without a meaning, as bfloat16 is saved; save it again with "
                                         "array.astype(numpy.float32)"));
    }
    assert_int_equal(parse_header(arena, "{'descr': '|V20', 'fortran_order': False, 'shape': (2,), }\n", 40, &err),
                     STATUS_INPUT);
    assert_null(strstr(err.text, "bfloat16"));
    arena_free(arena);
}

static void test_header_is_a_python_literal(void **state)
{
    static const char *const good[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }     \n",
        "{\"shape\":(2,3),\"fortran_order\":True,\"descr\":\"<f4\"}",
        "{ 'shape' : ( 6 , ) , 'descr' : '<f4' , 'fortran_order' : False }\n",
        "{'descr': '|S24', 'fortran_order': False, 'shape': ()}",
    };
    static const char *const bad[] = {
        "",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 6)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} x",
        "{'descr': '|S0', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (6,)}",
    };
    Arena *arena = arena_new();
    Error err;
    (void)state;
    for (size_t i = 0; i < N_TESTS(good); i++)
        assert_ok(parse_header(arena, good[i], 24, &err), &err);
    for (size_t i = 0; i < N_TESTS(bad); i++) {
        err.text[0] = '\0';
        assert_int_equal(parse_header(arena, bad[i], 24, &err), STATUS_INPUT);
        assert_int_equal(strncmp(err.text, "x: ", 3), 0);
        assert_null(strchr(err.text, '\n'));
    }
    arena_free(arena);
}

/* Bytes read at the end of their memory: valgrind and the address sanitizer see one too many. */
static void test_every_truncation_is_refused(void **state)
{
    Arena *arena = arena_new();
    const NpyArray array = {.type = NPY_INT32, .n_dims = 1, .shape = {3}, .data = (int32_t[]){1, 2, 3}};
    Text text = {0};
    Error err;
    (void)state;
    npy_add(&text, &array);
    assert_int_equal((text.size - 12) % 64, 0);
    for (size_t n = 0; n < text.size; n++) {
        char *cut = malloc(n + !n);
        NpyArray read = {0};
        memcpy(cut, text.data, n);
        assert_int_equal(npy_parse(arena, "x", cut, n, &read, &err), STATUS_INPUT);
        assert_null(read.data);
        free(cut);
    }
    text_free(&text);
    arena_free(arena);
}

/* What decides whether a file fits into memory, before it is read. */
static void test_header_alone(void **state)
{
    static const char *const names[] = {"float16", "float64", "fortran", "empty", "scalar", "strings", "version3"};
    (void)state;
    for (size_t i = 0; i < N_TESTS(names); i++) {
        Arena *arena = arena_new(), *whole = arena_new();
        const char *path = fixture(arena, names[i]);
        NpyArray header, array;
        size_t n_bytes;
        Error err;
        assert_ok(npy_read_header(arena, path, &header, &n_bytes, &err), &err);
        assert_ok(npy_read(whole, path, &array, &err), &err);
        assert_null(header.data);
        assert_int_equal(header.type, array.type);
        assert_int_equal(header.n_dims, array.n_dims);
        assert_memory_equal(header.shape, array.shape, sizeof array.shape);
        assert_int_equal(header.n_items, array.n_items);
        assert_int_equal(header.is_fortran, array.is_fortran);
        assert_true(arena_used(whole) >= n_bytes && arena_used(whole) < n_bytes + 512); /* the name, roundings */
        assert_refused(npy_read_header(arena, fixture(arena, "bad_complex"), &header, &n_bytes, &err), STATUS_INPUT,
                       arena_format(arena,
                                    "%s: its items are '<c8'; float16, float32, float64, int32, int64, uint8, bool "
                                    "and bytes are read",
                                    fixture(arena, "bad_complex")),
                       &err);
        arena_free(arena);
        arena_free(whole);
    }
}

static void test_missing_file_is_input(void **state)
{
    Arena *arena = arena_new();
    NpyArray array;
    Error err;
    (void)state;
    assert_refused(npy_read(arena, "/nowhere/x.npy", &array, &err), STATUS_INPUT,
                   "cannot open /nowhere/x.npy: No such file or directory", &err);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_numpy_writes),
        cmocka_unit_test(test_reads_half_floats_and_strings),
        cmocka_unit_test(test_refuses_what_it_does_not_know),
        cmocka_unit_test(test_header_is_a_python_literal),
        cmocka_unit_test(test_bfloat16_is_named),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_missing_file_is_input),
        cmocka_unit_test(test_header_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
