/* Series: CSV files that grow by a row per step, from step 1 on, and survive a kill: rows are appended whole as steps
 * end and synced to disk at every checkpoint; on resume the file is cut back to the rows up to the checkpoint's step.
 */
#ifndef REFFRAME_STORE_SERIES_H
#define REFFRAME_STORE_SERIES_H

#include <stdint.h>

#include "base/status.h"

typedef struct Series Series;

/* The columns of train.csv. */
enum { N_SERIES = 5 };
extern const char *const series_columns[N_SERIES];

/* Opens PATH for appending after the row of keep_step, its first cell; keep_step < 0 starts afresh. Rows behind it, a
 * torn last line included, are cut; STATUS_INPUT where one up to it is missing. `header`: names of the columns; on
 * resume it must match. */
int series_open(const char *path, const char *const *header, int n_columns, int64_t keep_step, Series **ret_series,
                Error *err);
/* Of a file of such rows: the SHA-256 of all up to that of keep_step; STATUS_INPUT, the same lines, where one is
 * missing. */
int series_hash(const char *path, const char *const *header, int n_columns, int64_t keep_step, char ret_hex[65],
                Error *err);
/* The numbers of its last whole row, for whoever looks on while it grows; NaN is an empty cell. -1: there is no row. */
int series_last(const char *path, int n_columns, double *ret_values);
/* values[0] is the step; NaN is an empty cell. Written at once, not synced. */
int series_add(Series *series, const double *values, Error *err);
int series_flush(Series *series, Error *err); /* fsync */
/* The SHA-256 of what was written, whatever the file holds by now: of the header and every row that is not waiting. */
void series_written(const Series *series, char ret_hex[65]);
int series_close(Series *series, Error *err); /* flush and free; NULL is fine */

#endif
