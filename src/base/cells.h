/* Attention maps small enough to carry in a page: positions pooled to cells, and of these those that the mask shows.
 *
 * A weight a in [0, 1] becomes the byte round(255 sqrt(a)): small weights, where floors lie, keep their digits. A cell
 * is what a mean query of its `pool` queries gives to all of its `pool` keys, so that rows keep their sum. It is shown
 * if any of its pairs is. A packed map is its shown cells, row by row.
 */
#ifndef REFFRAME_BASE_CELLS_H
#define REFFRAME_BASE_CELLS_H

#include "base/json.h"
#include "base/visible.h"

typedef struct {
    int length, pool, side; /* positions; positions that are one cell; cells in a row */
    unsigned char *shows;   /* (side,side) */
    size_t n;               /* cells that are shown: bytes of one packed map */
} Cells;

/* None is shown yet; memory from arena. */
Cells cells_new(Arena *arena, int length, int pool);

/* Shows what a mask shows of its first n positions, and what was shown before. */
void cells_show(Cells *cells, const Visible *visible, int n);

/* Adds a map (T,T), T at most the length, to sums (side,side), and its queries to n_queries (side,). A query whose own
 * key is not a number is none: its row is left out, and so is any other weight that is not a number. */
void cells_add(const Cells *cells, int T, const float *map, double *sums, double *n_queries);

/* The mean over all that was added, as `n` bytes. */
void cells_pack(const Cells *cells, const double *sums, const double *n_queries, unsigned char *ret_bytes);

/* "visible": each row's runs of cells that are shown, [[[first, end], ...], ...]. */
void cells_put_visible(const Cells *cells, JsonWriter *json);

/* n bytes as a string of Base64. */
void cells_put_bytes(JsonWriter *json, const char *key, const unsigned char *bytes, size_t n);

#endif
