/* Without these, snapshots could be files that NumPy does not open, that differ between equal runs, or that come back
 * changed after a flipped bit. */
#include "store/npz.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

static const int64_t shape[] = {2, 3};

/* One member of each type, as numpy_opens.py expects them. */
static NpzWriter *sample(Arena *arena)
{
    static const uint16_t halves[] = {0x0000, 0x3c00, 0xc000};
    static const char *const strings[] = {"a", "é", ""};
    float f4[6];
    double f8[6];
    int32_t i4[6];
    int64_t i8[6];
    unsigned char u1[6], b1[6];
    for (int i = 0; i < 6; i++) {
        f4[i] = (float)(f8[i] = i / 2.0 - 1);
        i8[i] = i4[i] = i - 1;
        u1[i] = (unsigned char)i;
        b1[i] = (unsigned char)(i % 2);
    }
    NpzWriter *npz = npz_new(arena);
    npz_add(npz, "float16", NPY_FLOAT16, 1, (int64_t[]){3}, halves);
    npz_add(npz, "float32", NPY_FLOAT32, 2, shape, f4);
    npz_add(npz, "float64", NPY_FLOAT64, 2, shape, f8);
    npz_add(npz, "int32", NPY_INT32, 2, shape, i4);
    npz_add(npz, "int64", NPY_INT64, 2, shape, i8);
    npz_add(npz, "uint8", NPY_UINT8, 2, shape, u1);
    npz_add(npz, "bool", NPY_BOOL, 2, shape, b1);
    npz_add(npz, "scalar", NPY_FLOAT64, 0, NULL, &(double){-1});
    npz_add(npz, "empty", NPY_FLOAT32, 2, (int64_t[]){0, 3}, NULL);
    npz_add_strings(npz, "group/strings", 3, strings);
    return npz; /* the arrays end here: the writer has copies */
}

static void assert_equal_arrays(const NpyArray *a, const NpyArray *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->n_dims, b->n_dims);
    for (int d = 0; d < a->n_dims; d++)
        assert_int_equal(a->shape[d], b->shape[d]);
    assert_int_equal(a->item_bytes, b->item_bytes);
    assert_memory_equal(a->data, b->data, a->n_items * (size_t)a->item_bytes);
}

static void test_numpy_opens_what_we_write(void **state)
{
    const Scratch *s = *state;
    Error err;
    const char *path = file_join(s->arena, s->folder, "sample.npz");
    assert_ok(npz_write(sample(s->arena), path, &err), &err);
    const char *command = arena_format(s->arena, "python3 '" FIXTURES "/../numpy_opens.py' '%s'", path);
    const int result = system(command);
    if (WIFEXITED(result) && WEXITSTATUS(result) == 77)
        skip(); /* no NumPy here */
    assert_int_equal(result, 0);
}

static void test_reads_what_numpy_writes(void **state)
{
    static const char *const files[] = {"savez.npz", "savez_compressed.npz"};
    const Scratch *s = *state;
    const char *fixtures = FIXTURES;
    Error err;
    for (int f = 0; f < 2; f++) {
        Npz npz;
        assert_ok(npz_read(s->arena, file_join(s->arena, fixtures, files[f]), &npz, &err), &err);
        assert_int_equal(npz.n, 12);
        for (int i = 0; i < npz.n; i++) { /* the same as its .npy file, which test_npy.c looks into */
            NpyArray alone;
            const char *path = arena_format(s->arena, "%s/%s.npy", fixtures, npz.arrays[i].name);
            assert_ok(npy_read(s->arena, path, &alone, &err), &err);
            alone.name = npz.arrays[i].name;
            assert_equal_arrays(&npz.arrays[i], &alone);
        }
    }
}

static void test_round_trip_and_equal_bytes(void **state)
{
    const Scratch *s = *state;
    Error err;
    Npz npz;
    char *bytes[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        const char *path = file_join(s->arena, s->folder, i ? "another.npz" : "one.npz");
        assert_ok(npz_write(sample(s->arena), path, &err), &err);
        assert_ok(file_read(s->arena, path, &bytes[i], &n[i], &err), &err);
        assert_ok(npz_read(s->arena, path, &npz, &err), &err);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    assert_int_equal(npz.n, 10);
    assert_string_equal(npz.arrays[0].name, "float16"); /* the order of adding */
    assert_string_equal(npz.arrays[9].name, "group/strings");
    assert_true(((const double *)npz_get(&npz, "float64")->data)[5] == 1.5);
    assert_memory_equal(npz_get(&npz, "group/strings")->data, "a\0\xc3\xa9\0\0", 6);
    assert_null(npz_get(&npz, "float"));
    const NpyArray *array = npz_get(&npz, "float64");
    for (int any = -1; any < 2; any++) { /* an axis of any length */
        const int64_t asked[] = {any == 0 ? -1 : shape[0], any == 1 ? -1 : shape[1]};
        assert_ptr_equal(npz_data(&npz, "float64", NPY_FLOAT64, 2, asked), array->data);
    }
    assert_null(npz_data(&npz, "float64", NPY_FLOAT64, 2, (int64_t[]){shape[0] + 1, -1}));
    assert_null(npz_data(&npz, "float64", NPY_FLOAT32, array->n_dims, array->shape));
    assert_null(npz_data(&npz, "float64", NPY_FLOAT64, array->n_dims - 1, array->shape));
    assert_null(npz_data(&npz, "float", NPY_FLOAT64, array->n_dims, array->shape));
}

/* A member beyond zlib's window and beyond any buffer. */
static void test_large_member(void **state)
{
    const Scratch *s = *state;
    enum { N = 300000 };
    float *values = ARENA_ARRAY(s->arena, float, N);
    for (int i = 0; i < N; i++)
        values[i] = (float)(i * 7 % 10007);
    Error err;
    Npz npz;
    NpzWriter *writer = npz_new(s->arena);
    const char *path = file_join(s->arena, s->folder, "large.npz");
    npz_add(writer, "x", NPY_FLOAT32, 1, (int64_t[]){N}, values);
    assert_ok(npz_write(writer, path, &err), &err);
    assert_ok(npz_read(s->arena, path, &npz, &err), &err);
    assert_memory_equal(npz.arrays[0].data, values, N * sizeof *values);
}

static void write_bytes(const Scratch *s, const char *bytes, size_t n)
{
    FILE *file = fopen(scratch_path(s, "damaged.npz"), "wb");
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* Reads the damaged file: refused with one line that starts with its path, or read. */
static int read_damaged(const Scratch *s, Arena *arena, Npz *ret_npz)
{
    Error err = {{0}};
    const int status = npz_read(arena, scratch_path(s, "damaged.npz"), ret_npz, &err);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_INPUT);
        assert_int_equal(strncmp(err.text, scratch_path(s, "damaged.npz"), strlen(scratch_path(s, "damaged.npz"))), 0);
        assert_null(strchr(err.text, '\n'));
    }
    return status;
}

static char *small_file(const Scratch *s, size_t *ret_n, Npz *ret_npz)
{
    Error err;
    char *bytes;
    const char *path = file_join(s->arena, s->folder, "small.npz");
    NpzWriter *npz = npz_new(s->arena);
    npz_add(npz, "first", NPY_INT32, 2, shape, (int32_t[]){1, 2, 3, 4, 5, 6});
    npz_add(npz, "second", NPY_FLOAT64, 1, (int64_t[]){2}, (double[]){0.5, -0.25});
    assert_ok(npz_write(npz, path, &err), &err);
    assert_ok(file_read(s->arena, path, &bytes, ret_n, &err), &err);
    assert_ok(npz_read(s->arena, path, ret_npz, &err), &err);
    return bytes;
}

static void test_every_truncation_is_refused(void **state)
{
    const Scratch *s = *state;
    size_t n;
    Npz npz;
    char *bytes = small_file(s, &n, &npz);
    write_bytes(s, bytes, n);
    for (size_t cut = n; cut-- > 0;) {
        assert_int_equal(truncate(scratch_path(s, "damaged.npz"), (off_t)cut), 0);
        Arena *arena = arena_new();
        assert_int_equal(read_damaged(s, arena, &npz), STATUS_INPUT);
        arena_free(arena);
    }
}

/* Bits without meaning for the contents (dates, attributes) may flip; no flip gives other contents. */
static void test_no_flipped_bit_gives_other_contents(void **state)
{
    const Scratch *s = *state;
    size_t n, n_refused = 0;
    Npz good, npz;
    const char *bytes = small_file(s, &n, &good);
    write_bytes(s, bytes, n);
    const int file = open(scratch_path(s, "damaged.npz"), O_WRONLY);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        Arena *arena = arena_new();
        const char flipped = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(pwrite(file, &flipped, 1, (off_t)(bit / 8)), 1);
        if (read_damaged(s, arena, &npz) == STATUS_OK) {
            assert_int_equal(npz.n, good.n);
            for (int i = 0; i < npz.n; i++)
                assert_equal_arrays(&npz.arrays[i], &good.arrays[i]);
        } else {
            n_refused++;
        }
        assert_int_equal(pwrite(file, &bytes[bit / 8], 1, (off_t)(bit / 8)), 1);
        arena_free(arena);
    }
    close(file);
    assert_true(n_refused > 8 * n * 3 / 4);
}

static void test_a_failing_disk_leaves_the_old_file(void **state)
{
    const Scratch *s = *state;
    Error err;
    char *before, *after;
    size_t n_before, n_after;
    const char *path = file_join(s->arena, s->folder, "one.npz");
    assert_ok(npz_write(sample(s->arena), path, &err), &err);
    assert_ok(file_read(s->arena, path, &before, &n_before, &err), &err);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){512, 512});
        const int status = npz_write(sample(s->arena), path, &err);
        const char *line = arena_format(s->arena, "cannot write %s: File too large", path);
        _exit(status == STATUS_FAILED && strcmp(err.text, line) == 0 ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_ok(file_read(s->arena, path, &after, &n_after, &err), &err);
    assert_int_equal(n_before, n_after);
    assert_memory_equal(before, after, n_before);
    char **names;
    int n_names;
    assert_ok(file_list(s->arena, s->folder, &names, &n_names, &err), &err);
    assert_int_equal(n_names, 1); /* and no temporary one */

    assert_refused(npz_write(sample(s->arena), file_join(s->arena, path, "x.npz"), &err), STATUS_FAILED,
                   arena_format(s->arena, "cannot write %s/x.npz: Not a directory", path), &err);
}

/* Members of one and the same bytes would make a small file as large as one likes: here `a` is said to lie where `b`
 * does, behind an extra field of its header that is b's header and its own bytes. */
static void test_members_share_no_bytes(void **state)
{
    const Scratch *s = *state;
    static const float numbers[6];
    Npz npz;
    Error err;
    char *bytes;
    size_t n;
    const char *path = scratch_path(s, "damaged.npz");
    NpzWriter *writer = npz_new(s->arena);
    npz_add(writer, "a", NPY_FLOAT32, 2, shape, numbers);
    npz_add(writer, "b", NPY_FLOAT32, 2, shape, numbers);
    assert_ok(npz_write(writer, path, &err), &err);
    assert_ok(file_read(s->arena, path, &bytes, &n, &err), &err);
    const char *second = memmem(bytes + 4, n - 4, "PK\3\4", 4);
    assert_non_null(second);
    bytes[28] = (char)(second - bytes);
    assert_ok(file_write(path, bytes, n, &err), &err);
    assert_refused(npz_read(s->arena, path, &npz, &err), STATUS_INPUT,
                   arena_format(s->arena, "%s: member \"b\": damaged NPZ: it shares bytes with another member", path),
                   &err);
}

/* Whatever the order in which they were added. */
static void test_members_are_found_by_name(void **state)
{
    const Scratch *s = *state;
    static const char *const names[] = {"z", "sd/a", "a", "m", "importance_half", "importance", "sd/", "A"};
    enum { N_NAMES = sizeof names / sizeof *names };
    Npz npz;
    Error err;
    const char *path = scratch_path(s, "x.npz");
    NpzWriter *writer = npz_new(s->arena);
    for (int i = 0; i < N_NAMES; i++)
        npz_add(writer, names[i], NPY_INT32, 0, NULL, &(int32_t){i});
    assert_ok(npz_write(writer, path, &err), &err);
    assert_ok(npz_read(s->arena, path, &npz, &err), &err);
    for (int i = 0; i < N_NAMES; i++)
        assert_int_equal(*(const int32_t *)npz_get(&npz, names[i])->data, i);
    assert_null(npz_get(&npz, "importanc"));
    assert_null(npz_get(&npz, ""));
    assert_null(npz_get(&npz, "zz"));
}

static void test_other_files_are_refused(void **state)
{
    const Scratch *s = *state;
    Npz npz;
    char *ones = arena_alloc(s->arena, 100000);
    memset(ones, 0x50, 100000);
    write_bytes(s, "", 0);
    assert_int_equal(read_damaged(s, s->arena, &npz), STATUS_INPUT);
    write_bytes(s, ones, 100000);
    assert_int_equal(read_damaged(s, s->arena, &npz), STATUS_INPUT);
    Error err;
    assert_refused(npz_read(s->arena, s->folder, &npz, &err), STATUS_INPUT,
                   arena_format(s->arena, "cannot read %s: it is a folder", s->folder), &err);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_numpy_opens_what_we_write),
        TEST(test_reads_what_numpy_writes),
        TEST(test_round_trip_and_equal_bytes),
        TEST(test_large_member),
        TEST(test_every_truncation_is_refused),
        TEST(test_no_flipped_bit_gives_other_contents),
        TEST(test_members_share_no_bytes),
        TEST(test_members_are_found_by_name),
        TEST(test_a_failing_disk_leaves_the_old_file),
        TEST(test_other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
