/* See cells.h. */
#include "base/cells.h"

#include <math.h>

#include "base/deflate.h"

Cells cells_new(Arena *arena, int length, int pool)
{
    const int side = (length + pool - 1) / pool;
    return (Cells){
        .length = length, .pool = pool, .side = side, .shows = ARENA_ARRAY(arena, unsigned char, (size_t)side *side)};
}

void cells_show(Cells *cells, const Visible *visible, int n)
{
    const int pool = cells->pool, side = cells->side;
    for (int i = 0; i < n; i++)
        for (int r = 0; r < KEY_RANGES; r++) {
            const KeyRange keys = visible->keys[i].range[r];
            for (int k = keys.first; k < keys.end && k < n; k++)
                cells->shows[(size_t)(i / pool) * (size_t)side + (size_t)(k / pool)] = 1;
        }
    cells->n = 0;
    for (size_t c = 0; c < (size_t)side * (size_t)side; c++)
        cells->n += cells->shows[c];
}

void cells_add(const Cells *cells, int T, const float *map, double *sums, double *n_queries)
{
    for (int i = 0; i < T; i++) {
        const float *row = map + (size_t)i * (size_t)T;
        double *sum = sums + (size_t)(i / cells->pool) * (size_t)cells->side;
        if (isnan(row[i]))
            continue;
        n_queries[i / cells->pool]++;
        for (int j = 0; j < T; j++)
            if (!isnan(row[j]))
                sum[j / cells->pool] += (double)row[j];
    }
}

void cells_pack(const Cells *cells, const double *sums, const double *n_queries, unsigned char *ret_bytes)
{
    const size_t side = (size_t)cells->side;
    size_t n = 0;
    for (size_t c = 0; c < side * side; c++) {
        const double weight = sums[c] > 0 ? fmin(sums[c] / n_queries[c / side], 1) : 0;
        if (cells->shows[c])
            ret_bytes[n++] = (unsigned char)lround(255 * sqrt(weight));
    }
}

void cells_put_visible(const Cells *cells, JsonWriter *json)
{
    const int side = cells->side;
    json_key(json, "visible");
    json_open_array(json);
    for (int i = 0; i < side; i++) {
        const unsigned char *row = cells->shows + (size_t)i * (size_t)side;
        json_open_array(json);
        for (int first = 0, end = 0; first < side; first = end) {
            while (first < side && !row[first])
                first++;
            for (end = first; end < side && row[end];)
                end++;
            if (end > first)
                json_numbers(json, 2, (double[]){first, end});
        }
        json_close_array(json);
    }
    json_close_array(json);
}

void cells_put_bytes(JsonWriter *json, const char *key, const unsigned char *bytes, size_t n)
{
    Text text = {0};
    base64_add(&text, bytes, n);
    json_put_string(json, key, text_string(&text));
    text_free(&text);
}
