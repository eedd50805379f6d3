/* How far a map is from each of a few ideal ones (Kushnareva et al. 2021, arXiv 2109.04825, section 3.3).
 *
 *   template@P = ||A - P||_F / sqrt(||A||_F^2 + ||P||_F^2):   0 for A = P, 1 for maps that have no entry in common
 *
 * ||A - P||^2 = ||A||^2 - 2 <A, P> + ||P||^2, and the rows of P hold one entry, two or, for uniform attention, all
 * visible ones: one pass over A serves all. A row with no such key is 1 on itself.
 */
#include <math.h>

#include "geometry/metric.h"

enum { FIRST, LAST, ENDS, SELF, PREVIOUS, NEXT, UNIFORM, N_TEMPLATES };

/* The key that the rows of P hold at query i; for ENDS the second of the two. */
static int key_of(int template, int i, int T)
{
    switch (template) {
    case FIRST:
        return 0;
    case LAST:
    case ENDS:
        return T - 1;
    case PREVIOUS:
        return i > 0 ? i - 1 : i;
    case NEXT:
        return i < T - 1 ? i + 1 : i;
    default:
        return i;
    }
}

/* Whether the mask hides a key of P from a query, so that no map is like P. To look ahead takes a key ahead: a single
 * token has none. */
static int is_hidden(const View *view, int template)
{
    const int looks_ahead = template == LAST || template == ENDS || template == NEXT;
    for (int i = 0; i < view->length && template != UNIFORM; i++)
        if (!view_sees(view, i, key_of(template, i, view->length)) || (template == ENDS && !view_sees(view, i, 0)))
            return 1;
    return looks_ahead && !view->visible->sees_later;
}

/* <A, P> and ||P||^2 gathered over rows. */
typedef struct {
    double inner, square;
} Product;

static void add_row(const View *view, int i, const real *row, double row_sum, Product *products)
{
    const int T = view->length, n_keys = keys_count(&view->visible->keys[i]);
    for (int p = 0; p < UNIFORM; p++)
        if (p != ENDS)
            products[p].inner += row[key_of(p, i, T)], products[p].square += 1;
    const int is_one = T == 1; /* the first is the last */
    products[ENDS].inner += is_one ? (double)row[0] : ((double)row[0] + (double)row[T - 1]) / 2;
    products[ENDS].square += is_one ? 1 : 0.5;
    products[UNIFORM].inner += row_sum / n_keys;
    products[UNIFORM].square += 1.0 / n_keys;
}

static void measure_head(const View *view, const real *map, double ret_distances[N_TEMPLATES])
{
    const int T = view->length;
    Product products[N_TEMPLATES] = {{0, 0}};
    double squares = 0;
    for (int i = 0; i < T; i++) {
        const real *row = map + (size_t)i * T;
        const KeyRange *keys = view_keys(view, i);
        double sum = 0;
        for (int r = 0; r < KEY_RANGES; r++)
            for (int j = keys[r].first; j < keys[r].end; j++) {
                const double a = row[j];
                sum += a;
                squares += a * a;
            }
        add_row(view, i, row, sum, products);
    }
    for (int p = 0; p < N_TEMPLATES; p++) {
        const double both = squares + products[p].square;
        ret_distances[p] = sqrt(fmax(both - 2 * products[p].inner, 0) / both);
    }
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state, (void)scratch;
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            double distances[N_TEMPLATES];
            measure_head(view, view_map(view, l, h), distances);
            for (int p = 0; p < N_TEMPLATES; p++)
                ret_columns[p][l * view->n_heads + h] = is_hidden(view, p) ? (double)NAN : distances[p];
        }
}

#define TEMPLATE(what, of)                                                                                             \
    {                                                                                                                  \
        .name = "template@" what, .unit = "distance", .level = LEVEL_HEAD, .min = 0, .max = 1,                         \
        .direction = DIRECTION_FALLS, .attention_only = 1,                                                             \
        .summary = "distance of the map from one in which every query attends to " of,                                 \
        .source = "Kushnareva et al. 2021, arXiv 2109.04825",                                                          \
        .weakness = "dominated by the sharpest rows; soft attention is far from every template"                        \
    }

static const MetricColumn columns[] = {
    [FIRST] = TEMPLATE("first", "the first key"),
    [LAST] = TEMPLATE("last", "the last key; full mask only"),
    [ENDS] = TEMPLATE("ends", "the first and the last key, half each; full mask only"),
    [SELF] = TEMPLATE("self", "itself"),
    [PREVIOUS] = TEMPLATE("previous", "the key before it"),
    [NEXT] = TEMPLATE("next", "the key behind it; full mask only"),
    [UNIFORM] = TEMPLATE("uniform", "all visible keys alike"),
};

const MetricFamily family_templates = {
    .variant = {.name = "templates",
                .summary = "distance of a head's map from ideal ones",
                .source = "Kushnareva et al. 2021, arXiv 2109.04825"},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^2)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
};
