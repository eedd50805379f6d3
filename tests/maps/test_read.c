/* Without these, somebody's maps could be read transposed, as another model's, or with an impossible row among them,
 * and every number of the table would still look like one. */
#include "maps/support.h"

#include <math.h>

#include "base/text.h"

enum { N = 2, L = 2, H = 3, T = 4, SIZE = N * L * H * T * T };

static const int64_t SHAPE[5] = {N, L, H, T, T};

static const char *mask_of(const MapsSet *set)
{
    return set->masks[set->mask].name;
}

static void test_every_type_and_order(void **state)
{
    static const NpyType types[] = {NPY_FLOAT16, NPY_FLOAT32, NPY_FLOAT64};
    const Scratch *s = *state;
    const double *maps = planted(s->arena, N, L, H, T, 0, 1);
    for (size_t t = 0; t < N_TESTS(types); t++)
        for (int is_fortran = 0; is_fortran < 2; is_fortran++) {
            MapsSet set =
                load(write_array(s->arena, s->folder, "maps.npy", types[t], is_fortran, 5, SHAPE, maps), NULL, assumed);
            assert_int_equal(set.n, N);
            assert_int_equal(set.n_layers, L);
            assert_int_equal(set.n_heads, H);
            assert_int_equal(set.shortest, T);
            assert_int_equal(set.longest, T);
            assert_int_equal(set.files[0].type, types[t]);
            assert_int_equal(set.n_rows, SIZE / T);
            assert_int_equal(set.n_empty + set.n_below + set.n_above, 0);
            for (int i = 0; i < SIZE; i++)
                assert_true((double)set.sequences[i / (SIZE / N)].maps[i % (SIZE / N)] == maps[i]);
            maps_free(&set);
        }
}

static void test_half_floats(void **state)
{
    static const double entries[] = {1, 0, 0.5, 0.5, 0x1p-24, 1 - 0x1p-11, 0x1p-14, 0x1.ffcp-2, 0.25, 0.75};
    const Scratch *s = *state;
    for (size_t e = 0; e + 1 < N_TESTS(entries); e += 2) {
        const double map[4] = {entries[e], entries[e + 1], entries[e + 1], entries[e]};
        MapsSet set = load(write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT16, 0, 2, (int64_t[]){2, 2}, map),
                           NULL, assumed);
        for (int i = 0; i < 4; i++)
            assert_true((double)set.sequences[0].maps[i] == map[i]);
        maps_free(&set);
    }
}

static void test_fewer_axes(void **state)
{
    const Scratch *s = *state;
    const double *maps = planted(s->arena, 1, L, H, T, 1, 1);
    MapsSet set = load(write_array(s->arena, s->folder, "one.npy", NPY_FLOAT32, 0, 4, SHAPE + 1, maps), NULL, assumed);
    assert_int_equal(set.n, 1);
    assert_int_equal(set.n_layers * 10 + set.n_heads, 23);
    assert_int_equal(set.longest, T);
    maps_free(&set);
    set = load(write_array(s->arena, s->folder, "map.npy", NPY_FLOAT64, 1, 2, SHAPE + 3, maps), NULL, assumed);
    assert_int_equal(set.n * 100 + set.n_layers * 10 + set.n_heads, 111);
    assert_string_equal(mask_of(&set), "causal");
    assert_true((double)set.sequences[0].maps[T] == maps[T]);
    maps_free(&set);
}

static void test_shapes_that_are_no_maps(void **state)
{
    static const struct {
        int n_dims;
        int64_t shape[6];
        const char *reason;
    } rows[] = {
        {3,
         {3, 4, 4},
         "its shape is (3, 4, 4); attention maps are (N, L, H, T, T): sequences, layers, heads, queries, keys; or "
         "(L, H, T, T), or (T, T)"},
        {1,
         {4},
         "its shape is (4,); attention maps are (N, L, H, T, T): sequences, layers, heads, queries, keys; or "
         "(L, H, T, T), or (T, T)"},
        {6,
         {1, 1, 1, 1, 2, 2},
         "its shape is (1, 1, 1, 1, 2, 2); attention maps are (N, L, H, T, T): sequences, layers, heads, "
         "queries, keys; or (L, H, T, T), or (T, T)"},
        {4, {1, 2, 3, 4}, "its shape is (1, 2, 3, 4); the last two axes, queries and keys, must be equal"},
        {5,
         {0, 2, 3, 4, 4},
         "its shape is (0, 2, 3, 4, 4); from 1 to 1000000 sequences in all, 1024 layers and heads, and 16384 "
         "tokens are measured"},
        {5,
         {1, 1, 1025, 1, 1},
         "its shape is (1, 1, 1025, 1, 1); from 1 to 1000000 sequences in all, 1024 layers and heads, and "
         "16384 tokens are measured"},
    };
    const Scratch *s = *state;
    const double *values = ARENA_ARRAY(s->arena, double, 2048);
    Error err;
    for (size_t r = 0; r < N_TESTS(rows); r++) {
        const char *path =
            write_array(s->arena, s->folder, "bad.npy", NPY_FLOAT32, 0, rows[r].n_dims, rows[r].shape, values);
        assert_refused(try_load(path, NULL, assumed, &err), STATUS_INPUT,
                       arena_format(s->arena, "%s: %s", path, rows[r].reason), &err);
    }
    const char *path = write_array(s->arena, s->folder, "bad.npy", NPY_INT64, 0, 2, SHAPE + 3, values);
    assert_refused(
        try_load(path, NULL, assumed, &err), STATUS_INPUT,
        arena_format(s->arena, "%s: its items are int64; attention maps are float16, float32 or float64", path), &err);
}

/* One entry of otherwise good causal maps. */
static void test_entries_that_are_no_attention(void **state)
{
    static const struct {
        int at; /* in C order */
        double value;
        const char *reason;
    } rows[] = {
        {0, NAN, "sequence 0, layer 0, head 0, query 0, key 0: nan is no finite number"},
        {SIZE - 1, INFINITY, "sequence 1, layer 1, head 2, query 3, key 3: inf is no finite number"},
        {T * T + T, -0.25, "sequence 0, layer 0, head 1, query 1, key 0: -0.25 is negative; attention is not"},
        {H * T * T, 1.5, "sequence 0, layer 1, head 0, query 0: the row sums to 1.5; attention sums to at most 1"},
    };
    static const NpyType types[] = {NPY_FLOAT16, NPY_FLOAT32, NPY_FLOAT64};
    const Scratch *s = *state;
    Error err;
    for (size_t r = 0; r < N_TESTS(rows); r++)
        for (size_t t = 0; t < N_TESTS(types); t++) {
            double *maps = planted(s->arena, N, L, H, T, 1, 1);
            maps[rows[r].at] = rows[r].value;
            const char *path = write_array(s->arena, s->folder, "bad.npy", types[t], t == 1, 5, SHAPE, maps);
            assert_refused(try_load(path, NULL, assumed, &err), STATUS_INPUT,
                           arena_format(s->arena, "%s: %s", path, rows[r].reason), &err);
        }
}

static void test_mask(void **state)
{
    const Scratch *s = *state;
    double *maps = planted(s->arena, N, L, H, T, 1, 1);
    Error err;
    const char *path = write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT32, 0, 5, SHAPE, maps);
    const MaskRule *const *const masks[] = {assumed, causal, full};
    for (size_t m = 0; m < N_TESTS(masks); m++) {
        MapsSet set = load(path, NULL, masks[m]);
        assert_string_equal(mask_of(&set), masks[m] == full ? "full" : "causal");
        assert_true(set.mask_is_given == (masks[m] != assumed));
        maps_free(&set);
    }
    double *row = maps + SIZE / 2 + T; /* sequence 1, query 1 */
    memset(row, 0, T * sizeof *row);
    row[1] = 0.875, row[2] = 0.125;
    path = write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT32, 0, 5, SHAPE, maps);
    MapsSet set = load(path, NULL, assumed);
    assert_string_equal(mask_of(&set), "full");
    maps_free(&set);
    assert_refused(
        try_load(path, NULL, causal, &err), STATUS_INPUT,
        arena_format(s->arena,
                     "%s: sequence 1, layer 0, head 0, query 1, key 2: 0.125 is above the diagonal, where the "
                     "mask causal leaves 0",
                     path),
        &err);
    const double one[] = {1};
    set = load(write_array(s->arena, s->folder, "one.npy", NPY_FLOAT32, 0, 2, (int64_t[]){1, 1}, one), NULL, assumed);
    assert_string_equal(mask_of(&set), "causal");
    maps_free(&set);
}

/* A mask of any shape: what it hides on either side is refused if it has weight, and the first that fits is assumed. */
static void test_mask_of_two_ranges(void **state)
{
    enum { LONG = 12 };
    static const struct {
        int query, key;
        const char *reason;
    } rows[] = {
        {9, 4, "0.25 is where the mask window hides the key and leaves 0"},
        {9, 2, "0.25 is where the mask window hides the key and leaves 0"},
        {0, 11, "0.25 is above the diagonal, where the mask window leaves 0"},
    };
    static Masks three = {&rule_window, &rule_causal, &rule_full, NULL};
    const Scratch *s = *state;
    const int64_t shape[] = {1, 1, 1, LONG, LONG};
    Error err;
    for (size_t r = 0; r <= N_TESTS(rows); r++) {
        double *maps = uniform(s->arena, 1, 1, 1, LONG, &rule_window);
        if (r < N_TESTS(rows)) {
            double *row = maps + rows[r].query * LONG;
            memset(row, 0, LONG * sizeof *row);
            row[0] = 0.75, row[rows[r].key] = 0.25;
        }
        const char *path = write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT32, 0, 5, shape, maps);
        MapsSet set = load(path, NULL, three);
        assert_string_equal(mask_of(&set), r == 3 ? "window" : r == 2 ? "full" : "causal");
        assert_string_equal(maps_mask_reason(&set), r == 3   ? "all that it hides is 0"
                                                    : r == 2 ? "not all is 0 above the diagonal"
                                                             : "nothing is above the diagonal");
        maps_free(&set);
        if (r < N_TESTS(rows)) {
            assert_refused(try_load(path, NULL, window, &err), STATUS_INPUT,
                           arena_format(s->arena, "%s: sequence 0, layer 0, head 0, query %d, key %d: %s", path,
                                        rows[r].query, rows[r].key, rows[r].reason),
                           &err);
            continue;
        }
        const MaskRule template = template_rule(s->arena);
        for (int is_template = 0; is_template < 2; is_template++) {
            set = load(path, NULL, is_template ? (Masks){&template, NULL} : window);
            assert_true(set.mask_is_given && !maps_mask_reason(&set));
            assert_string_equal(mask_of(&set), is_template ? "template" : "window");
            maps_free(&set);
        }
    }
}

/* Where a mask holds but for traces they are 0 in what is measured, as if the file had had zeros there; more than a
 * trace is refused, and its own place is named. */
static void test_traces_behind_a_mask(void **state)
{
    const Scratch *s = *state;
    Error err;
    double *maps = planted(s->arena, N, L, H, T, 1, 1);
    for (int row = 0; row < SIZE / T; row++)
        for (int j = row % T + 1; j < T && row >= SIZE / T / 2; j++) /* in the second sequence */
            maps[row * T + j] = 1e-9 * j;
    const char *path = write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT32, 0, 5, SHAPE, maps);
    const double *clean = planted(s->arena, N, L, H, T, 1, 1);
    const MaskRule *const *const masks[] = {assumed, causal};
    for (int m = 0; m < 2; m++) {
        MapsSet set = load(path, NULL, masks[m]);
        const char *notes[MAPS_MOST_NOTES];
        assert_string_equal(mask_of(&set), "causal");
        assert_int_equal(set.n_traces, SIZE / T / 2 * (T - 1) / T);
        assert_true(fabs(set.most_trace - 6e-9) < 1e-15);
        assert_true(maps_notes(&set, s->arena, notes) > 0);
        assert_string_equal(notes[0], "18 of 48 rows have traces of attention, 6.0e-09 of a row at most, above the "
                                      "diagonal; taken as 0");
        if (m == 0)
            assert_string_equal(maps_mask_reason(&set), "nothing but traces is above the diagonal");
        for (int i = 0; i < SIZE; i++)
            assert_true((double)set.sequences[i / (SIZE / N)].maps[i % (SIZE / N)] == clean[i]);
        maps_free(&set);
    }
    MapsSet set = load(path, NULL, full); /* under a mask that hides nothing they are what they are */
    assert_int_equal(set.n_traces, 0);
    assert_true(set.sequences[1].maps[1] > 0);
    maps_free(&set);
    maps[SIZE / 2 + T + 3] = 2e-5; /* behind traces of its own row and of others */
    path = write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT32, 0, 5, SHAPE, maps);
    assert_refused(try_load(path, NULL, causal, &err), STATUS_INPUT,
                   arena_format(s->arena,
                                "%s: sequence 1, layer 0, head 0, query 1, key 3: 2e-05 is above the diagonal, where "
                                "the mask causal leaves 0",
                                path),
                   &err);
    set = load(path, NULL, assumed);
    assert_string_equal(mask_of(&set), "full");
    maps_free(&set);
}

/* The first `n` queries of the second sequence are shown no key, so that a softmax makes them even over all; the others
 * see no padding. */
static double *left_padded(Arena *arena, int length, int n)
{
    double *maps = uniform(arena, 2, L, H, length, &rule_causal);
    double *row = maps + (size_t)L * H * length * length;
    for (int r = 0; r < L * H * length; r++, row += length)
        for (int j = 0; j < length; j++) {
            const int i = r % length;
            row[j] = i < n ? 1.0 / length : j >= n && j <= i ? 1.0 / (i - n + 1) : 0;
        }
    return maps;
}

static void test_left_padding(void **state)
{
    enum { LONG = 8 };
    static const int64_t shape[] = {2, L, H, LONG, LONG};
    static const NpyType types[] = {NPY_FLOAT16, NPY_FLOAT32};
    const Scratch *s = *state;
    Error err;
    for (int n = 0; n < LONG - 1; n++)
        for (int t = 0; t < 2; t++) {
            double *maps = left_padded(s->arena, LONG, n);
            for (int i = 0; i < 2 * L * H * LONG * LONG && t == 0; i++)
                maps[i] = ldexp(rint(ldexp(maps[i], 13)), -13); /* what float16 can hold */
            const char *path = write_array(s->arena, s->folder, "maps.npy", types[t], 0, 5, shape, maps);
            const char *what = arena_format(
                s->arena,
                "%s: sequence 1: in every head its first %d queries attend evenly to all 8 keys, also to later "
                "ones, and no other query sees what the mask causal hides; this is what left padding leaves: cut it "
                "off",
                path, n);
            MapsSet set = load(path, NULL, full);
            maps_free(&set);
            if (n == 0) {
                set = load(path, NULL, assumed);
                assert_string_equal(mask_of(&set), "causal");
                maps_free(&set);
                continue;
            }
            assert_refused(try_load(path, NULL, causal, &err), STATUS_INPUT, what, &err);
            assert_refused(try_load(path, NULL, assumed, &err), STATUS_INPUT,
                           arena_format(s->arena, "%s, or say what queries may see with --mask", what), &err);
        }
}

/* Even rows of a model that sees everything: in one head, behind others, and in every row. */
static void test_even_rows_are_not_always_padding(void **state)
{
    enum { LONG = 8 };
    static const int64_t shape[] = {2, L, H, LONG, LONG};
    const Scratch *s = *state;
    for (int kind = 0; kind < 4; kind++) {
        double *maps = kind == 3 ? uniform(s->arena, 2, L, H, LONG, &rule_full) : left_padded(s->arena, LONG, 3);
        double *last = maps + (size_t)(2 * L * H - 1) * LONG * LONG;
        memset(last, 0, (kind < 3) * LONG * sizeof *last);
        if (kind == 0) /* a head whose first query knows what it looks at */
            last[LONG - 1] = 1;
        else if (kind == 1) /* one that hides all */
            last[0] = 1;
        else if (kind == 2) /* whose first is even, and whose fifth looks ahead */
            for (int j = 0; j < LONG; j++)
                last[j] = 1.0 / LONG, last[4 * LONG + j] = j == LONG - 1;
        MapsSet set = load(write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT32, 0, 5, shape, maps), NULL, assumed);
        assert_string_equal(mask_of(&set), "full");
        maps_free(&set);
    }
}

/* Slots make rows sum to less; rounding to bfloat16 makes them sum to a little more; padding leaves rows of zeros. */
static void test_rows_that_are_kept_and_counted(void **state)
{
    static const struct {
        double sum;
        NpyType type;
        int below, above;
    } rows[] = {
        {0.9995, NPY_FLOAT32, 0, 0},   {1.0005, NPY_FLOAT64, 0, 0},       {0.998, NPY_FLOAT32, 1, 0},
        {1.008, NPY_FLOAT32, 0, 1},    {0.9912109375, NPY_FLOAT16, 0, 0}, {1.0087890625, NPY_FLOAT16, 0, 0},
        {0.984375, NPY_FLOAT16, 1, 0},
    };
    const Scratch *s = *state;
    for (size_t r = 0; r < N_TESTS(rows); r++) {
        double *maps = planted(s->arena, N, L, H, T, 0, 1);
        memset(maps, 0, T * sizeof *maps);
        memset(maps + 5 * T, 0, T * sizeof *maps);
        maps[5 * T + 1] = rows[r].sum;
        MapsSet set = load(write_array(s->arena, s->folder, "maps.npy", rows[r].type, 0, 5, SHAPE, maps), NULL, full);
        assert_int_equal(set.n_empty, 1);
        assert_false(set.rows_sum_to_one);
        assert_int_equal(set.n_below, rows[r].below);
        assert_int_equal(set.n_above, rows[r].above);
        assert_true(fabs((double)set.sequences[0].maps[5 * T + 1] - rows[r].sum) < 1e-6);
        const char *notes[MAPS_MOST_NOTES];
        const int n = maps_notes(&set, s->arena, notes);
        assert_int_equal(n, 2 + rows[r].below + rows[r].above);
        assert_string_equal(notes[0], "1 of 48 rows are zeros; they leave all means and are counted in empty_rows");
        if (rows[r].below)
            assert_string_equal(notes[1], "1 of 48 rows sum to less than one; kept as they are");
        assert_string_equal(notes[n - 1],
                            "2 of 2 sequences cannot tell frames apart: under the mask full fewer than 3 keys "
                            "are seen from afar");
        maps_free(&set);
    }
}

static void test_rows_that_all_sum_to_one(void **state)
{
    const Scratch *s = *state;
    MapsSet set = load(write_planted(s->arena, s->folder, "maps.npy", N, L, H, T, 0, 1), NULL, full);
    assert_true(set.rows_sum_to_one);
    maps_free(&set);
}

static void test_tokens(void **state)
{
    static const NpyType types[] = {NPY_INT32, NPY_INT64, NPY_UINT8};
    static const double ids[N * T] = {7, 0, 255, 3, 1, 1, 2, 9};
    const Scratch *s = *state;
    const char *path = write_planted(s->arena, s->folder, "maps.npy", N, L, H, T, 0, 1);
    Error err;
    for (size_t t = 0; t < N_TESTS(types); t++)
        for (int is_fortran = 0; is_fortran < 2; is_fortran++) {
            MapsSet set =
                load(path, write_array(s->arena, s->folder, "t.npy", types[t], is_fortran, 2, (int64_t[]){N, T}, ids),
                     assumed);
            assert_true(set.has_tokens);
            for (int i = 0; i < N * T; i++)
                assert_true(set.sequences[i / T].tokens[i % T] == (int32_t)ids[i]);
            maps_free(&set);
        }
    const char *one = write_planted(s->arena, s->folder, "one.npy", 1, L, H, T, 0, 1);
    MapsSet set = load(one, write_array(s->arena, s->folder, "t.npy", NPY_INT32, 0, 1, (int64_t[]){T}, ids), assumed);
    assert_int_equal(set.sequences[0].tokens[2], 255);
    maps_free(&set);

    const char *flat = write_array(s->arena, s->folder, "flat.npy", NPY_INT32, 0, 1, (int64_t[]){N * T}, ids);
    assert_refused(try_load(path, flat, assumed, &err), STATUS_INPUT,
                   arena_format(s->arena, "%s: its shape is (8,); the maps in %s need (2, 4)", flat, path), &err);
    const char *floats = write_array(s->arena, s->folder, "float.npy", NPY_FLOAT32, 0, 2, (int64_t[]){N, T}, ids);
    assert_refused(try_load(path, floats, assumed, &err), STATUS_INPUT,
                   arena_format(s->arena, "%s: its items are float32; token ids are int32, int64 or uint8", floats),
                   &err);
    static const double bad[N * T] = {7, 0, 5, 3, 1, -100, 2, 9};
    const char *negative = write_array(s->arena, s->folder, "bad.npy", NPY_INT64, 0, 2, (int64_t[]){N, T}, bad);
    assert_refused(
        try_load(path, negative, assumed, &err), STATUS_INPUT,
        arena_format(s->arena, "%s: sequence 1, position 1: -100 is no token id; they are 0 to 2147483647", negative),
        &err);
    assert_refused(try_load(path, "nowhere.npy", assumed, &err), STATUS_INPUT,
                   arena_format(s->arena, "nowhere.npy: there is no such file; it should hold the tokens of %s", path),
                   &err);
    assert_refused(try_load(path, s->folder, assumed, &err), STATUS_INPUT,
                   arena_format(s->arena, "%s: is a folder; the tokens of one file of maps are one file", s->folder),
                   &err);
}

static void test_folders(void **state)
{
    static const double ids[] = {1, 2, 3, 4, 5, 6};
    const Scratch *s = *state;
    Error err;
    char *folder = scratch_path(s, "maps"), *tokens = scratch_path(s, "tokens");
    assert_ok(file_make_folder(folder, &err), &err);
    assert_ok(file_make_folder(tokens, &err), &err);
    assert_false(maps_are_at(folder));
    assert_refused(try_load(folder, NULL, assumed, &err), STATUS_INPUT,
                   arena_format(s->arena, "%s: has no .npy files", folder), &err);
    assert_ok(file_write(file_join(s->arena, folder, "README"), "x", 1, &err), &err);
    assert_ok(file_write(file_join(s->arena, folder, "._b.npy"), "x", 1, &err), &err); /* as a Mac leaves it */
    assert_false(maps_are_at(folder));
    write_planted(s->arena, folder, "b.npy", 1, L, H, 6, 1, 1);
    const char *first = write_planted(s->arena, folder, "B.npy", 2, L, H, 3, 1, 2); /* bytewise before b */
    assert_true(maps_are_at(folder) && maps_are_at(first) && !maps_are_at(tokens));
    write_array(s->arena, tokens, "B.npy", NPY_INT32, 0, 2, (int64_t[]){2, 3}, ids);
    write_array(s->arena, tokens, "b.npy", NPY_UINT8, 0, 1, (int64_t[]){6}, ids);
    MapsSet set = load(folder, tokens, assumed);
    assert_int_equal(set.n, 3);
    assert_int_equal(set.shortest, 3);
    assert_int_equal(set.longest, 6);
    assert_int_equal(set.sequences[1].length, 3);
    assert_int_equal(set.sequences[1].tokens[0], 4);
    assert_int_equal(set.sequences[2].tokens[5], 6);
    assert_true((double)set.sequences[2].maps[1 + 6] == planted(s->arena, 1, L, H, 6, 1, 1)[1 + 6]);
    assert_true(maps_held_bytes(&set) >=
                (double)(arena_used(set.files[0].arena) + arena_used(set.files[1].arena)) - 1024);
    maps_free(&set);

    assert_refused(
        try_load(folder, first, assumed, &err), STATUS_INPUT,
        arena_format(s->arena,
                     "%s: is no folder; the tokens of a folder of maps are a folder of files of the same names", first),
        &err);
    const char *other = write_planted(s->arena, folder, "a.npy", 1, L, H + 1, 3, 1, 2);
    assert_refused(
        try_load(folder, NULL, assumed, &err), STATUS_INPUT,
        arena_format(s->arena, "%s: has 2 layers of 4 heads, but %s has 2 of 3; one set has one model", other, first),
        &err);
}

static void test_what_is_no_array(void **state)
{
    const Scratch *s = *state;
    Error err;
    const char *path = scratch_path(s, "text.npy");
    assert_ok(file_write(path, "hello", 5, &err), &err);
    assert_refused(try_load(path, NULL, assumed, &err), STATUS_INPUT,
                   arena_format(s->arena, "%s: not a NumPy array (no NPY magic at its start)", path), &err);
    assert_int_equal(try_load(scratch_path(s, "absent.npy"), NULL, assumed, &err), STATUS_INPUT);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_type_and_order),
        TEST(test_half_floats),
        TEST(test_fewer_axes),
        TEST(test_shapes_that_are_no_maps),
        TEST(test_entries_that_are_no_attention),
        TEST(test_mask),
        TEST(test_mask_of_two_ranges),
        TEST(test_traces_behind_a_mask),
        TEST(test_left_padding),
        TEST(test_even_rows_are_not_always_padding),
        TEST(test_rows_that_are_kept_and_counted),
        TEST(test_rows_that_all_sum_to_one),
        TEST(test_tokens),
        TEST(test_folders),
        TEST(test_what_is_no_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
