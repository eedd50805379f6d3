/* Template of a metric family: copy to NAME.c, follow the steps, add the word NAME to 'geometry/family' in
 * src/meson.build. As it stands it measures the attention of each query to itself, and compiles with the tests.
 * (From math.h take sqrt, fabs, floor and their like, exact everywhere, and of the inexact ones those that
 * store/machine.c tries: sin, cos, pow, exp, exp2, log. Another one goes into its list first.)
 *
 * Say here what is measured, its equation, its source (paper, section) and what a reader must not conclude from it.
 */
#include <math.h>

#include "geometry/metric.h"

/* 1. Name the columns' indices; the table below follows them. */
enum { SELF_MASS };

/* 2. Read the keys that are yours, once: measure.template.KEY, each a row of params with the member that holds it.
 * Return a status, and the message by settings_error, for a value that the row's range cannot refuse. What you build
 * here is constant from then on, and comes first into every other function. A family without keys leaves `prepare` and
 * params out; its state is NULL. */
typedef struct {
    int first_query;
} Template;

static const SchemaRow params[] = {
    {"first_query", VALUE_INT, "0", 0, 65536, NULL, "queries before it are left out", FIELD(Template, first_query)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "measure.template", ROWS(params), sizeof(Template));
    return STATUS_OK;
}

/* 3. Take the memory that measure() works in, from the sizes of the view alone: measure() calls this, and the driver
 * does on an arena that only counts and hands out NULL, so that nothing is filled here. What comes is not zeroed. A
 * family that needs none leaves `lay` out. */
static double *lay_diagonal(const View *view, Arena *arena)
{
    return ARENA_ARRAY(arena, double, view->length);
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_diagonal(view, scratch);
}

/* 4. Measure one sequence. Columns of LEVEL_HEAD take (L,H) values, LEVEL_LAYER (L,), all NaN before the call: write
 * what there is. Of the mask ask what each query sees, view_keys and view_sees, and nothing else. Sums run in double;
 * rows of zeros (a query that attends to nothing) leave means over queries. Nothing may be kept from one call to the
 * next, and nothing allocated elsewhere. Sequences may be measured on several threads at once. */
static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    const Template *template = state;
    const int T = view->length;
    double *diagonal = lay_diagonal(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const real *map = view_map(view, l, h);
            int n = 0;
            double sum = 0;
            for (int i = template->first_query; i < T; i++)
                if (!view_row_is_empty(view, map + (size_t)i * T))
                    diagonal[n++] = map[(size_t)i * T + i];
            for (int i = 0; i < n; i++)
                sum += diagonal[i];
            if (n > 0)
                ret_columns[SELF_MASS][l * view->n_heads + h] = sum / n;
        }
}

/* 5. Describe each column. A threshold, with its direction and ratio, needs a reason that does not come from the
 * results it will judge; leave the three out, and the metric has no onset. attention_only: a function of maps, so that
 * uniform and position-only attention give it floors (the family must then need nothing but maps and tokens). */
static const MetricColumn columns[] = {
    [SELF_MASS] = {.name = "template_self_mass",
                   .unit = "share of attention",
                   .level = LEVEL_HEAD,
                   .min = 0,
                   .max = 1,
                   .direction = DIRECTION_RISES,
                   .threshold = 0.5, /* most of the attention */
                   .ratio = 3,
                   .attention_only = 1,
                   .summary = "mean of A_ii over queries from first_query on",
                   .source = "where the definition comes from",
                   .weakness = "what it cannot see"},
};

/* 6. Say who you are and what you need. The generic tests (empty rows, scratch, ranges, determinism) find the family by
 * the registry; its columns want tests/geometry/fixtures/NAME.npz, or a tests/geometry/test_NAME.c that transcribes the
 * definition: test_oracle.c asks for one of the two. A family that is costly says so: .every = 4 measures it at every
 * fourth snapshot, .sequences = 8 on the first eight sequences. */
const MetricFamily family_template;
const MetricFamily family_template = {
    .variant = {.name = "template",
                .summary = "attention of each query to itself",
                .source = "where it comes from",
                PARAMS(params)},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .prepare = prepare,
    .measure = measure,
    .lay = lay,
};
