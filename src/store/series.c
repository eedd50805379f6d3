/* Series: append-only CSV, cut back exactly on resume.
 *
 * The header is written whole, in one atomic step; rows are appended behind it in whole lines. A kill leaves at most
 * one torn line at the end; a write that fails (a full disk) is taken back to the last whole row. Invariant: after
 * series_open the file holds the header and exactly the rows of steps 1 to keep_step.
 */
#include "store/series.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

const char *const series_columns[N_SERIES] = {"step", "loss", "gradient_norm", "lr", "targets"};

struct Series {
    char *path;
    int descriptor, n_columns;
    off_t size;   /* of what is in the file, always whole rows, and ... */
    Sha256 sha;   /* ... its hash so far */
    Text waiting; /* rows that could not be written yet */
};

static void add_header(Text *text, const char *const *header, int n_columns)
{
    for (int i = 0; i < n_columns; i++) {
        assert(!strpbrk(header[i], ",\"\n"));
        text_addf(text, i ? ",%s" : "%s", header[i]);
    }
    text_add(text, "\n");
}

/* The step of a row of n bytes (no newline) with n_columns cells, each empty or a number; -1 if it is not such
 * a row. `values` (NULL: nobody asks) gets the numbers, NaN of an empty cell. */
static int64_t row_step(const char *row, size_t n, int n_columns, double *values)
{
    int64_t step = -1;
    int column = 0;
    for (const char *cell = row, *end = row + n; cell <= end; column++) {
        const char *comma = memchr(cell, ',', (size_t)(end - cell));
        const size_t length = (size_t)((comma ? comma : end) - cell);
        char text[64];
        double number = (double)NAN;
        if (length >= sizeof text)
            return -1;
        memcpy(text, cell, length);
        text[length] = '\0';
        if (column == 0 ? text_parse_int(text, &step) != 0 : length > 0 && text_parse_double(text, &number) != 0)
            return -1;
        if (values && column < n_columns)
            values[column] = column == 0 ? (double)step : number;
        cell += length + 1;
    }
    return column == n_columns ? step : -1;
}

/* Finds how many bytes of the file to keep: header and rows up to keep_step. */
static int find_cut(const char *path, const char *bytes, size_t n, const Text *header, int n_columns, int64_t keep_step,
                    size_t *ret_keep, Error *err)
{
    if (n < header->size || memcmp(bytes, header->data, header->size) != 0)
        return error_set(err, STATUS_INPUT, "%s:1: the columns must be \"%.*s\" to go on from step %" PRId64, path,
                         (int)header->size - 1, header->data, keep_step);
    size_t keep = header->size;
    for (int64_t step = 1; step <= keep_step; step++) {
        const char *row = bytes + keep, *end = memchr(row, '\n', n - keep);
        if (!end) /* the end, or a torn line */
            return error_set(err, STATUS_INPUT, "%s: ends at step %" PRId64 ", before the checkpoint of step %" PRId64,
                             path, step - 1, keep_step);
        if (row_step(row, (size_t)(end - row), n_columns, NULL) != step)
            return error_set(err, STATUS_INPUT, "%s:%" PRId64 ": not a row of %d numbers of step %" PRId64, path,
                             step + 1, n_columns, step);
        keep = (size_t)(end + 1 - bytes);
    }
    *ret_keep = keep;
    return STATUS_OK;
}

static int resume(Arena *arena, const char *path, const Text *header, int n_columns, int64_t keep_step, Sha256 *sha,
                  Error *err)
{
    char *bytes;
    size_t n, keep = 0;
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = find_cut(path, bytes, n, header, n_columns, keep_step, &keep, err);
    if (status == STATUS_OK && keep < n)
        status = file_truncate(path, keep, err);
    if (status == STATUS_OK)
        sha256_add(sha, bytes, keep);
    return status;
}

int series_hash(const char *path, const char *const *header, int n_columns, int64_t keep_step, char ret_hex[65],
                Error *err)
{
    Arena *arena = arena_new();
    Text head = {0};
    char *bytes;
    size_t n, keep = 0;
    add_header(&head, header, n_columns);
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = find_cut(path, bytes, n, &head, n_columns, keep_step, &keep, err);
    if (status == STATUS_OK)
        sha256_hex(bytes, keep, ret_hex);
    text_free(&head);
    arena_free(arena);
    return status;
}

/* Up to n bytes of the file's end; -1 if it can't be read. */
static ssize_t read_end(const char *path, char *bytes, size_t n)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    const off_t size = descriptor < 0 ? -1 : lseek(descriptor, 0, SEEK_END);
    const off_t start = size > (off_t)n ? size - (off_t)n : 0;
    const ssize_t got = size < 0 ? -1 : pread(descriptor, bytes, n, start);
    if (descriptor >= 0)
        close(descriptor);
    return got;
}

int series_last(const char *path, int n_columns, double *ret_values)
{
    enum { MOST = 4096, MOST_COLUMNS = 64 }; /* bytes: more than two rows have */
    char bytes[MOST] = {0};
    double values[MOST_COLUMNS] = {0};
    assert(n_columns <= MOST_COLUMNS);
    const ssize_t n = read_end(path, bytes, sizeof bytes);
    const char *end = n > 0 ? memrchr(bytes, '\n', (size_t)n) : NULL;
    const char *before = end ? memrchr(bytes, '\n', (size_t)(end - bytes)) : NULL;
    if (!before || row_step(before + 1, (size_t)(end - before - 1), n_columns, values) < 0)
        return -1;
    memcpy(ret_values, values, (size_t)n_columns * sizeof *values);
    return 0;
}

int series_open(const char *path, const char *const *header, int n_columns, int64_t keep_step, Series **ret_series,
                Error *err)
{
    Text head = {0};
    Sha256 sha;
    add_header(&head, header, n_columns);
    sha256_start(&sha);
    int status;
    if (keep_step < 0) {
        status = file_write(path, head.data, head.size, err);
        sha256_add(&sha, head.data, head.size);
    } else {
        Arena *arena = arena_new();
        status = resume(arena, path, &head, n_columns, keep_step, &sha, err);
        arena_free(arena);
    }
    text_free(&head);
    if (status != STATUS_OK)
        return status;

    const int descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    const off_t size = descriptor < 0 ? -1 : lseek(descriptor, 0, SEEK_END);
    Series *series = calloc(1, sizeof *series);
    char *own_path = strdup(path);
    if (size < 0 || !series || !own_path) {
        status = error_set(err, STATUS_FAILED, "cannot open %s: %s", path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        free(series);
        free(own_path);
        return status;
    }
    *series = (Series){.path = own_path, .descriptor = descriptor, .n_columns = n_columns, .size = size, .sha = sha};
    *ret_series = series;
    return STATUS_OK;
}

/* Writes what waits. On failure the file is cut back to whole rows, and the rows still wait. */
static int write_waiting(Series *series, Error *err)
{
    size_t done = 0;
    while (done < series->waiting.size) {
        const ssize_t n = write(series->descriptor, series->waiting.data + done, series->waiting.size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            const int reason = errno;
            const int is_cut = ftruncate(series->descriptor, series->size) == 0;
            return error_set(err, STATUS_FAILED, "cannot write %s: %s%s", series->path, strerror(reason),
                             is_cut ? "" : " (its last line is torn; resuming will cut it)");
        }
        done += (size_t)n;
    }
    series->size += (off_t)done;
    sha256_add(&series->sha, series->waiting.data, done);
    text_clear(&series->waiting);
    return STATUS_OK;
}

int series_add(Series *series, const double *values, Error *err)
{
    for (int i = 0; i < series->n_columns; i++) {
        if (i > 0)
            text_add(&series->waiting, ",");
        if (!isnan(values[i]))
            text_add_number(&series->waiting, values[i]);
    }
    text_add(&series->waiting, "\n");
    return write_waiting(series, err);
}

int series_flush(Series *series, Error *err)
{
    const int status = write_waiting(series, err);
    if (status == STATUS_OK && fsync(series->descriptor) != 0 && errno != EINVAL) /* EINVAL: a pipe or the like */
        return error_set(err, STATUS_FAILED, "cannot write %s: %s", series->path, strerror(errno));
    return status;
}

void series_written(const Series *series, char ret_hex[65])
{
    Sha256 sha = series->sha; /* which goes on */
    unsigned char digest[32];
    sha256_end(&sha, digest);
    sha256_digest_hex(digest, ret_hex);
}

int series_close(Series *series, Error *err)
{
    if (!series)
        return STATUS_OK;
    int status = series_flush(series, err);
    if (close(series->descriptor) != 0 && status == STATUS_OK)
        status = error_set(err, STATUS_FAILED, "cannot write %s: %s", series->path, strerror(errno));
    text_free(&series->waiting);
    free(series->path);
    free(series);
    return status;
}
