/* Metrics against their definitions in src/geometry/DEFINITIONS.md, transcribed as loops over single entries in double.
 *
 * The families sum by column, by prefix and by matrix product; were this file deleted, an index that is off by one, a
 * head's stride or a row that should have been left out would show nowhere else. Random views, all masks, lengths
 * around the block size and with rows of zeros.
 */
#include "support.h"

#include <math.h>

#include "geometry/anchor.h"
#include "testing.h"

/* The view under test, and its entries by definition. */
typedef struct {
    const View *view;
    int l, h;
} At;

static double A(const At *at, int i, int j)
{
    const View *v = at->view;
    return v->maps[(((size_t)at->l * v->n_heads + at->h) * v->length + i) * v->length + j];
}

static double element(const At *at, const real *qkv, int t, int d)
{
    const View *v = at->view;
    return qkv[(((size_t)at->l * v->n_heads + at->h) * v->length + t) * v->d_head + d];
}

static int visible(const At *at, int i, int j)
{
    return keys_include(&at->view->visible->keys[i], j);
}

static int is_empty(const At *at, int i)
{
    double sum = 0;
    for (int j = 0; j < at->view->length; j++)
        sum += fabs(A(at, i, j));
    return sum == 0;
}

static double entry(const At *at, const real *bias, int i, int j)
{
    const View *v = at->view;
    return bias ? bias[((size_t)at->l * v->n_heads + at->h) * (2 * v->length - 1) + v->length - 1 + i - j] : 0;
}

static double logit(const At *at, int i, int j)
{
    double sum = 0;
    for (int d = 0; d < at->view->d_head; d++)
        sum += element(at, at->view->q, i, d) * element(at, at->view->k, j, d);
    return sum / sqrt(at->view->d_head) + entry(at, at->view->bias, i, j);
}

static double length_of(const At *at, const real *qkv, int t)
{
    double sum = 0;
    for (int d = 0; d < at->view->d_head; d++)
        sum += element(at, qkv, t, d) * element(at, qkv, t, d);
    return sqrt(sum);
}

/* ---- means of attention ---- */

static double alpha(const At *at, int k)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++)
        if (visible(at, i, k) && !is_empty(at, i))
            sum += A(at, i, k), n++;
    return sum / n;
}

static double alpha_0(const At *at)
{
    return alpha(at, 0);
}

static double alpha_null(const At *at)
{
    const int k = anchor_null_position(at->view, at->l, at->h, 0);
    return k < 0 ? NAN : alpha(at, k);
}

static double sink_rate_half(const At *at)
{
    return isnan(alpha(at, 0)) ? NAN : alpha(at, 0) > 0.5;
}

static double sink_mass(const At *at)
{
    double sum = 0;
    int n = 0;
    for (int i = 8; i < at->view->length; i++)
        if (visible(at, i, 0) && !is_empty(at, i))
            sum += A(at, i, 0), n++;
    return sum / n;
}

static double sink_mass_idle(const At *at)
{
    double sum = 0;
    int n = 0;
    for (int i = 8; i < at->view->length; i++)
        if (visible(at, i, 0) && !is_empty(at, i) && at->view->is_idle[i])
            sum += A(at, i, 0), n++;
    return sum / n;
}

static double sink_mass_null(const At *at)
{
    const int k = anchor_null_position(at->view, at->l, at->h, 0);
    double sum = 0;
    int n = 0;
    for (int i = 8; k >= 0 && i < at->view->length; i++)
        if (!is_empty(at, i) && i != k && visible(at, i, k))
            sum += A(at, i, k), n++;
    return sum / n;
}

/* Anchor importance a_k. */
static double importance(const At *at, int k)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++)
        if (i != k && visible(at, i, k) && !is_empty(at, i))
            sum += A(at, i, k), n++;
    return sum / n;
}

/* The same over the queries that stand a quarter of the sequence away, or further. */
static double importance_afar(const At *at, int k)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++)
        if (4 * abs(i - k) >= at->view->length && visible(at, i, k) && !is_empty(at, i))
            sum += A(at, i, k), n++;
    return sum / n;
}

static double start_mass(const At *at)
{
    return importance(at, 0);
}

static double end_mass(const At *at)
{
    const int end = at->view->end >= 0 ? at->view->end : at->view->length - 1;
    int n_before = 0;
    for (int i = 0; i < end; i++)
        n_before += visible(at, i, end);
    return n_before ? importance(at, end) : (double)NAN;
}

static double inflow(const At *at, int k)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++)
        if (!is_empty(at, i))
            sum += A(at, i, k), n++;
    return sum / n;
}

static double max_inflow_at(const At *at)
{
    int place = 0;
    for (int k = 1; k < at->view->length; k++)
        if (inflow(at, k) > inflow(at, place))
            place = k;
    return place;
}

static double max_inflow(const At *at)
{
    return inflow(at, (int)max_inflow_at(at));
}

/* ---- rows ---- */

static double mean_entropy(const At *at, int is_normalised)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++) {
        double row = 0;
        int n_visible = 0;
        for (int j = 0; j < at->view->length; j++) {
            n_visible += visible(at, i, j);
            row -= A(at, i, j) > 0 ? A(at, i, j) * log(A(at, i, j)) : 0;
        }
        if (n_visible > 1 && !is_empty(at, i))
            sum += is_normalised ? row / log(n_visible) : row, n++;
    }
    return sum / n;
}

static double entropy(const At *at)
{
    return mean_entropy(at, 0);
}

static double entropy_normalised(const At *at)
{
    return mean_entropy(at, 1);
}

static double mean_distance(const At *at)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++) {
        n += !is_empty(at, i);
        for (int j = 0; j < at->view->length; j++)
            sum += A(at, i, j) * abs(i - j);
    }
    return sum / n;
}

static double empty_rows(const At *at)
{
    int n = 0;
    for (int i = 0; i < at->view->length; i++)
        n += is_empty(at, i);
    return n;
}

/* ---- anchors ---- */

/* (L,H,2T-1) the bias of step 0, of which the view has no more than what it gives keys; NULL: none. */
static const real *start_bias;

/* Mean into k from afar of attention that is the softmax of the mask and, if asked, step 0's bias. */
static double position_importance(const At *at, int k, int with_bias)
{
    const real *bias = with_bias ? start_bias : NULL;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++) {
        if (4 * abs(i - k) < at->view->length || !visible(at, i, k))
            continue;
        double total = 0;
        for (int j = 0; j < at->view->length; j++)
            total += visible(at, i, j) ? exp(entry(at, bias, i, j)) : 0;
        sum += exp(entry(at, bias, i, k)) / total;
        n++;
    }
    return sum / n;
}

static double excess(const At *at, int k)
{
    return importance_afar(at, k) - fmax(position_importance(at, k, 0), position_importance(at, k, 1));
}

static int is_served(const At *at, int k)
{
    const int T = at->view->length;
    int n_viewers = 0;
    for (int i = 0; i < T; i++)
        n_viewers += 4 * abs(i - k) >= T && visible(at, i, k);
    return n_viewers >= 8 && n_viewers >= T / 4.0;
}

static int is_eligible(const At *at, int k)
{
    int n_served = 0;
    for (int j = 0; j < at->view->length; j++)
        n_served += is_served(at, j);
    return is_served(at, k) && n_served >= 3;
}

static int is_anchor(const At *at, int k)
{
    const double a = importance_afar(at, k), b = fmax(position_importance(at, k, 0), position_importance(at, k, 1));
    return is_eligible(at, k) && a > 0.1 && a > 3 * b;
}

static double n_anchors(const At *at)
{
    int n = 0, n_eligible = 0;
    for (int k = 0; k < at->view->length; k++)
        n += is_anchor(at, k), n_eligible += is_eligible(at, k);
    return n_eligible ? n : (double)NAN;
}

static int top_anchor(const At *at)
{
    int top = -1;
    for (int k = 0; k < at->view->length; k++)
        if (is_anchor(at, k) && (top < 0 || importance_afar(at, k) > importance_afar(at, top)))
            top = k;
    return top;
}

static double effective_anchors(const At *at)
{
    double total = 0, sum = 0;
    if (!(n_anchors(at) > 0))
        return NAN;
    for (int k = 0; k < at->view->length; k++)
        if (is_eligible(at, k))
            total += fmax(0, excess(at, k));
    for (int k = 0; k < at->view->length; k++)
        if (is_eligible(at, k) && excess(at, k) > 0)
            sum -= excess(at, k) / total * log(excess(at, k) / total);
    return exp(sum);
}

/* The layer's: h is not looked at. */
static double head_agreement(const At *at)
{
    int tops[16], n = 0, most = 0;
    for (int h = 0; h < at->view->n_heads; h++) {
        const At head = {at->view, at->l, h};
        if (top_anchor(&head) >= 0)
            tops[n++] = top_anchor(&head);
    }
    for (int a = 0; a < n; a++) {
        int same = 0;
        for (int b = 0; b < n; b++)
            same += tops[b] == tops[a];
        most = same > most ? same : most;
    }
    return n ? (double)most / n : (double)NAN;
}

/* ---- vectors ---- */

static double drain_at(const At *at, int s)
{
    double others = 0;
    for (int t = 0; t < at->view->length; t++)
        others += t != s ? length_of(at, at->view->v, t) : 0;
    return length_of(at, at->view->v, s) / (others / (at->view->length - 1));
}

static double value_drain(const At *at)
{
    return drain_at(at, 0);
}

static double value_drain_anchor(const At *at)
{
    return top_anchor(at) >= 0 ? drain_at(at, top_anchor(at)) : (double)NAN;
}

static double value_drain_null(const At *at)
{
    const int s = anchor_null_position(at->view, at->l, at->h, 0);
    return s < 0 ? NAN : drain_at(at, s);
}

/* || x W ||, x (D,) and W the head's slice. */
static double written_norm(const At *at, const double *x)
{
    const View *v = at->view;
    double norm = 0;
    for (int c = 0; c < v->d_model; c++) {
        double sum = 0;
        for (int d = 0; d < v->d_head; d++)
            sum += x[d] * v->output_weight[at->l][(at->h * v->d_head + d) * v->d_model + c];
        norm += sum * sum;
    }
    return sqrt(norm);
}

static double value_drain_out(const At *at)
{
    double norms[1024], others = 0;
    for (int t = 0; t < at->view->length; t++) {
        double x[64];
        for (int d = 0; d < at->view->d_head; d++)
            x[d] = element(at, at->view->v, t, d);
        norms[t] = written_norm(at, x);
        others += t > 0 ? norms[t] : 0;
    }
    return norms[0] / (others / (at->view->length - 1));
}

static double head_output_norm(const At *at)
{
    double sum = 0;
    for (int i = 0; i < at->view->length; i++) {
        double x[64] = {0};
        for (int j = 0; j < at->view->length; j++)
            for (int d = 0; d < at->view->d_head; d++)
                x[d] += A(at, i, j) * element(at, at->view->v, j, d);
        sum += written_norm(at, x);
    }
    return sum / at->view->length;
}

static double head_output_share(const At *at)
{
    double sum = 0;
    for (int h = 0; h < at->view->n_heads; h++)
        sum += head_output_norm(&(At){at->view, at->l, h});
    return head_output_norm(at) / sum;
}

static double key_norm_ratio_at(const At *at, int s)
{
    double sum = 0;
    for (int t = 0; t < at->view->length; t++)
        sum += length_of(at, at->view->k, t);
    return length_of(at, at->view->k, s) / (sum / at->view->length);
}

static double key_norm_ratio(const At *at)
{
    return key_norm_ratio_at(at, 0);
}

static double key_norm_ratio_null(const At *at)
{
    const int s = anchor_null_position(at->view, at->l, at->h, 0);
    return s < 0 ? NAN : key_norm_ratio_at(at, s);
}

static double logit_gap_at(const At *at, int p)
{
    double gap = 0;
    int n = 0;
    for (int i = 2; i < at->view->length; i++) {
        double others = 0;
        int n_others = 0;
        if (i == p || !visible(at, i, p))
            continue;
        for (int j = 0; j < at->view->length; j++)
            if (j != p && j != i && visible(at, i, j))
                others += logit(at, i, j), n_others++;
        if (n_others > 0)
            gap += logit(at, i, p) - others / n_others, n++;
    }
    return gap / n;
}

static double logit_gap(const At *at)
{
    return logit_gap_at(at, 0);
}

static double logit_gap_null(const At *at)
{
    const int p = anchor_null_position(at->view, at->l, at->h, 0);
    return p < 0 ? NAN : logit_gap_at(at, p);
}

static double cosine(const At *at, int i, int j)
{
    const View *v = at->view;
    double sum = 0;
    for (int d = 0; d < v->d_head; d++)
        sum += element(at, v->q, i, d) * element(at, v->k, j, d);
    return sum / (length_of(at, v->q, i) * length_of(at, v->k, j));
}

static double query_key_angle(const At *at)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++)
        if (visible(at, i, 0))
            sum += cosine(at, i, 0), n++;
    return sum / n;
}

static double query_key_angle_mean(const At *at)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < at->view->length; i++)
        for (int j = 0; j < at->view->length; j++)
            if (visible(at, i, j))
                sum += cosine(at, i, j), n++;
    return sum / n;
}

/* ---- the residual stream: a layer's output ---- */

static double x_of(const At *at, int t, int c)
{
    return at->view->residual[((size_t)(at->l + 1) * at->view->length + t) * at->view->d_model + c];
}

static double residual_peak_at(const At *at, int s)
{
    double norms[1024], sum = 0;
    for (int t = 0; t < at->view->length; t++) {
        norms[t] = 0;
        for (int c = 0; c < at->view->d_model; c++)
            norms[t] += x_of(at, t, c) * x_of(at, t, c);
        sum += norms[t] = sqrt(norms[t]);
    }
    return norms[s] / (sum / at->view->length);
}

static double residual_peak(const At *at)
{
    return residual_peak_at(at, 0);
}

static double residual_peak_null(const At *at)
{
    const int s = anchor_null_position(at->view, at->l, 0, 3);
    return s < 0 ? NAN : residual_peak_at(at, s);
}

static double ablation_cost_null(const At *at)
{
    const View *v = at->view;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < v->length; i++)
        if (i != v->ablated[ABLATE_NULL] && !isnan(v->losses[i]))
            sum += (double)v->ablated_losses[ABLATE_NULL * v->length + i] - (double)v->losses[i], n++;
    return sum / n;
}

static double anchor_place_null(const At *at)
{
    return n_anchors(at) > 0 ? anchor_null_position(at->view, at->l, at->h, 1) : (double)NAN;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double activation_peak(const At *at)
{
    const int T = at->view->length, C = at->view->d_model, n = T * C;
    double *all = malloc((size_t)n * sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = fabs(x_of(at, i / C, i % C));
    qsort(all, (size_t)n, sizeof *all, ascending);
    const double peak = all[n - 1] / (n % 2 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2);
    free(all);
    return peak;
}

static double token_kurtosis(const At *at, int t)
{
    const int C = at->view->d_model;
    double mean = 0, m2 = 0, m4 = 0;
    for (int c = 0; c < C; c++)
        mean += x_of(at, t, c) / C;
    for (int c = 0; c < C; c++) {
        m2 += pow(x_of(at, t, c) - mean, 2) / C;
        m4 += pow(x_of(at, t, c) - mean, 4) / C;
    }
    return m4 / (m2 * m2);
}

static double kurtosis_start(const At *at)
{
    return token_kurtosis(at, 0);
}

static double kurtosis(const At *at)
{
    double sum = 0;
    for (int t = 1; t < at->view->length; t++)
        sum += token_kurtosis(at, t);
    return sum / (at->view->length - 1);
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    double (*by_definition)(const At *at);
    int of_maps; /* defined where there are rows of zeros */
} definitions[] = {
    {"alpha", alpha_0, 1},
    {"alpha_null", alpha_null, 1},
    {"sink_rate@0.5", sink_rate_half, 1},
    {"sink_mass", sink_mass, 1},
    {"sink_mass_idle", sink_mass_idle, 1},
    {"sink_mass_null", sink_mass_null, 1},
    {"start_mass", start_mass, 1},
    {"end_mass", end_mass, 1},
    {"max_inflow", max_inflow, 1},
    {"max_inflow_at", max_inflow_at, 1},
    {"attention_entropy", entropy, 1},
    {"attention_entropy_normalised", entropy_normalised, 1},
    {"mean_distance", mean_distance, 1},
    {"empty_rows", empty_rows, 1},
    {"n_anchors", n_anchors, 1},
    {"effective_anchors", effective_anchors, 1},
    {"anchor_place_null", anchor_place_null, 1}, /* which place: its share is the set's */
    {"head_agreement", head_agreement, 1},
    {"value_drain", value_drain, 0},
    {"value_drain_out", value_drain_out, 0},
    {"value_drain_anchor", value_drain_anchor, 1},
    {"value_drain_null", value_drain_null, 0},
    {"key_norm_ratio", key_norm_ratio, 0},
    {"key_norm_ratio_null", key_norm_ratio_null, 0},
    {"head_output_norm", head_output_norm, 0},
    {"head_output_share", head_output_share, 0},
    {"logit_gap", logit_gap, 0},
    {"logit_gap_null", logit_gap_null, 0},
    {"query_key_angle", query_key_angle, 0},
    {"query_key_angle_mean", query_key_angle_mean, 0},
    {"residual_peak", residual_peak, 0},
    {"residual_peak_null", residual_peak_null, 0},
    {"ablation_cost_null", ablation_cost_null, 0},
    {"activation_peak", activation_peak, 0},
    {"kurtosis", kurtosis, 0},
    {"kurtosis_start", kurtosis_start, 0},
};

static void hold(Arena *arena, const View *view, int maps_only)
{
    for (size_t m = 0; m < N_TESTS(definitions); m++) {
        if (maps_only && !definitions[m].of_maps)
            continue;
        const double *values = measured(arena, view, definitions[m].name);
        const MetricLevel level = metric_find(definitions[m].name)->level;
        for (int l = 0; l < (level == LEVEL_MODEL ? 1 : view->n_layers); l++)
            for (int h = 0; h < (level == LEVEL_HEAD ? view->n_heads : 1); h++) {
                const double value = values[level == LEVEL_HEAD ? l * view->n_heads + h : l];
                const double expected = definitions[m].by_definition(&(At){view, l, h});
                const double tolerance = 2e-6 * (1 + fabs(expected)); /* importances and products are float32 */
                if (!(fabs(value - expected) <= tolerance) && !(isnan(value) && isnan(expected)))
                    fail_msg("%s of layer %d head %d, T %d: %.9g, by definition %.9g", definitions[m].name, l, h,
                             view->length, value, expected);
            }
    }
}

static void test_definitions(void **state)
{
    (void)state;
    static const struct {
        int L, H, T, D, C;
    } sizes[] = {{2, 3, 33, 5, 17}, {1, 1, 70, 8, 9}, {3, 2, 64, 4, 8}, {1, 4, 16, 3, 6}};
    Pcg pcg = pcg_named(1, "test/definitions");
    for (size_t s = 0; s < N_TESTS(sizes); s++)
        for (TestMask mask = 0; mask < N_MASKS; mask++) {
            Arena *arena = arena_new();
            Built *built = built_new(arena, sizes[s].L, sizes[s].H, sizes[s].T, sizes[s].D, sizes[s].C, mask);
            const size_t heads = (size_t)sizes[s].L * sizes[s].H, width = 2 * (size_t)sizes[s].T - 1;
            real *bias = ARENA_ARRAY(arena, real, heads * width);
            built_randomise(built, &pcg);
            for (size_t d = 0; d < heads * width; d++)
                bias[d] = (real)(0.5 * pcg_normal(&pcg));
            start_bias = bias, built->view.baseline = softmax_baseline(arena, &built->view, bias);
            hold(arena, &built->view, 0);
            built->view.end = sizes[s].T / 2;
            start_bias = built->view.bias = NULL, built->view.baseline = NULL;
            hold(arena, &built->view, 0);
            arena_free(arena);
        }
}

/* Queries that attend to nothing leave every mean over queries; a map of nothing else has no values at all. */
static void test_rows_of_zeros(void **state)
{
    (void)state;
    enum { L = 2, H = 2, T = 40 };
    Pcg pcg = pcg_named(2, "test/definitions");
    for (TestMask mask = 0; mask < N_MASKS; mask++) {
        Arena *arena = arena_new();
        Built *built = built_new(arena, L, H, T, 3, 4, mask);
        built_randomise(built, &pcg);
        for (int m = 0; m < L * H; m++)
            for (int i = m; i < T; i += 3 + m)
                memset(built->maps + (m * T + i) * T, 0, T * sizeof(real));
        hold(arena, &built->view, 1);
        memset(built->maps, 0, (size_t)L * H * T * T * sizeof(real));
        for (size_t m = 0; m < N_TESTS(definitions); m++) {
            const MetricColumn *column = metric_find(definitions[m].name);
            if (!column->attention_only || strcmp(column->name, "empty_rows") == 0 ||
                strcmp(column->name, "n_anchors") == 0)
                continue;
            assert_true(isnan(measured(arena, &built->view, column->name)[0]));
        }
        assert_true(measured(arena, &built->view, "empty_rows")[0] == T);
        arena_free(arena);
    }
}

/* Nulls are drawn, so that no oracle knows them: what is not transcribed here is held by nothing. */
static void test_every_null_is_transcribed(void **state)
{
    (void)state;
    static const char *const elsewhere[] = {"head_agreement_null"}; /* test_anchor.c */
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns && !((*family)->needs & NEEDS_INTERVENED); c++) { /* the driver's */
            const char *name = (*family)->columns[c].name;
            int is_known = strstr(name, "_null") == NULL;
            for (size_t m = 0; m < N_TESTS(definitions); m++)
                is_known |= strcmp(definitions[m].name, name) == 0;
            for (size_t e = 0; e < N_TESTS(elsewhere); e++)
                is_known |= strcmp(name, elsewhere[e]) == 0;
            if (!is_known)
                fail_msg("%s has no transcription", name);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_rows_of_zeros),
        cmocka_unit_test(test_every_null_is_transcribed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
