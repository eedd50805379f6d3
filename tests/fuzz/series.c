/* Fuzzes train.csv before a resume: the first byte is the step to go on behind, the rest the file. What is opened holds
 * the header and exactly the rows up to that step, and goes on; what is refused stays as it was. */
#include "fuzz.h"

#include "base/file.h"
#include "base/sha256.h"
#include "store/series.h"

enum { N_COLUMNS = 3 };
static const char *const columns[N_COLUMNS] = {"step", "loss", "targets"};

/* The file is the beginning of what it was, with a line for the header and for each step. */
static void check_cut(Arena *arena, const char *path, const uint8_t *bytes, size_t n, int64_t step, const char *hex)
{
    char *kept, again[65];
    size_t n_kept;
    int64_t n_lines = 0;
    assert(file_read(arena, path, &kept, &n_kept, NULL) == STATUS_OK);
    assert(n_kept > 0 && n_kept <= n && memcmp(kept, bytes, n_kept) == 0 && kept[n_kept - 1] == '\n');
    for (size_t i = 0; i < n_kept; i++)
        n_lines += kept[i] == '\n';
    assert(n_lines == step + 1);
    sha256_hex(kept, n_kept, again);
    assert(strcmp(again, hex) == 0);
}

/* A row of the next step, and what is there then is opened again. */
static void go_on(const char *path, Series *series, int64_t step)
{
    Error err;
    char hex[65];
    assert(series_add(series, (double[]){(double)(step + 1), 0.5, 1e300}, &err) == STATUS_OK);
    assert(series_close(series, &err) == STATUS_OK);
    assert(series_hash(path, columns, N_COLUMNS, step + 1, hex, &err) == STATUS_OK);
    assert(series_hash(path, columns, N_COLUMNS, step + 2, hex, &err) == STATUS_INPUT);
    double row[N_COLUMNS];
    assert(series_last(path, N_COLUMNS, row) == 0 && row[0] == (double)(step + 1) && row[1] == 0.5 && row[2] == 1e300);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    Arena *arena = arena_new();
    const int64_t step = bytes[0];
    char hex[65];
    Series *series;
    Error err;
    bytes++, n--;
    const char *path = fuzz_file("train.csv", bytes, n);
    FUZZ_MARK(hex);
    FUZZ_MARK(series);
    const int is_whole = fuzz_is_read(series_hash(path, columns, N_COLUMNS, step, hex, &err), &err);
    assert(fuzz_is_read(series_open(path, columns, N_COLUMNS, step, &series, &err), &err) == is_whole);
    if (is_whole) {
        check_cut(arena, path, bytes, n, step, hex);
        go_on(path, series, step);
    } else {
        FUZZ_UNTOUCHED(hex);
        FUZZ_UNTOUCHED(series);
        assert(fuzz_holds("train.csv", bytes, n));
    }
    arena_free(arena);
    return 0;
}
