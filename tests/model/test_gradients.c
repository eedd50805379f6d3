/* Gradients by hand against central differences of the loss, for every variant of every registry and every template.
 *
 * Were this file deleted, a sign or a forgotten term in any backward pass would only show as slightly worse training.
 * It runs in the double-precision build. Per tensor of every model, along a random direction and for one coordinate:
 * |g - g'| / (|g| + |g'|) <= 1e-7, with an absolute floor of 1e-10 and of what rounding leaves of the loss. Differences
 * are of fourth order; steps over which a ReLU changes side, or a weight becomes 0 or 1, are drawn again, and shorter
 * after every 20. The gradient of the reference kernels is the same.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"
#include "num/reference.h"

enum { DIRECTIONS = 1, COORDINATES = 1, TRIES = 200 };
static const double usual_step = 2e-4, shortest_step = 2e-6, least_step = 1e-8, tolerance = 1e-7,
                    absolute_floor = 1e-10;

typedef struct {
    Built built;
    Batch batch;
    Workspace *workspace;
    uint64_t sides;      /* hash of which ReLUs are on, and which weights are 0 or 1 */
    double longest_step; /* 0: the usual one */
    double loss;         /* at the parameters as they are */
} Check;

static void add_side(Check *check, int side)
{
    check->sides = check->sides * 6364136223846793005u + (uint64_t)side + 1;
}

static double loss_at(Check *check)
{
    const ModelSettings *s = &check->built.shape;
    const Workspace *w = check->workspace;
    double loss = model_step(check->built.model, check->built.parameters, &check->batch, 0, check->batch.n,
                             check->workspace, NULL, NULL);
    check->sides = 1;
    for (int l = 0; l < s->n_layers; l++) {
        for (int i = 0;
             s->mlp && s->activation == ACTIVATION_RELU && i < check->batch.n * check->batch.length * s->d_ff; i++)
            add_side(check, w->blocks[l].up[i] > 0);
        const size_t n_weights = (size_t)check->batch.n * (size_t)s->n_heads * w->map_size;
        for (size_t i = 0; i < n_weights; i++) /* poisoned where nothing is computed; s/s is 1, or next to it */
            add_side(check, (w->blocks[l].maps[i] > 0) + (w->blocks[l].maps[i] >= 1 - 4 * REAL_EPSILON));
    }
    for (int l = 0; l < s->head_layers - 1; l++)
        for (int i = 0; i < check->batch.n_targets * s->d_model; i++)
            add_side(check, w->head_hidden[l * w->head_rows * s->d_model + i] > 0);
    return loss / check->batch.n_targets;
}

/* The loss at parameters + size * direction, which only touches one tensor. */
static double loss_along(Check *check, const Tensor *tensor, const double *direction, double size)
{
    size_t n = (size_t)tensor->rows * (size_t)tensor->cols;
    real *values = check->built.parameters + tensor->offset;
    real *kept = malloc(sizeof(real) * n);
    memcpy(kept, values, sizeof(real) * n);
    for (size_t i = 0; i < n; i++)
        values[i] += (real)(size * direction[i]);
    double loss = loss_at(check);
    memcpy(values, kept, sizeof(real) * n);
    free(kept);
    return loss;
}

/* d loss along `direction`; 0 if a ReLU changed side within the step, 1 if not. */
static int derivative(Check *check, const Tensor *tensor, const double *direction, double step, double *ret_derivative)
{
    double size[4] = {-2 * step, -step, step, 2 * step}, loss[4];
    uint64_t sides[4];
    for (int i = 0; i < 4; i++) {
        loss[i] = loss_along(check, tensor, direction, size[i]);
        sides[i] = check->sides;
    }
    *ret_derivative = (8 * (loss[2] - loss[1]) - (loss[3] - loss[0])) / (12 * step);
    return sides[0] == sides[1] && sides[1] == sides[2] && sides[2] == sides[3];
}

/* A random direction: all of the tensor, or one coordinate, of the tensor's own size. */
static void draw_direction(Pcg *pcg, size_t n, double rms, int single, double *ret_direction)
{
    memset(ret_direction, 0, sizeof(double) * n);
    if (single)
        ret_direction[pcg_below(pcg, (uint32_t)n)] = rms;
    else
        for (size_t i = 0; i < n; i++)
            ret_direction[i] = rms * pcg_normal(pcg);
}

/* Derivatives of the loss along some directions: by hand, by differences, and how far apart. */
typedef struct {
    double by_hand, by_difference, apart;
} Comparison;

static Comparison compare(Check *check, const Tensor *tensor, const char *what, int single, double longest_step)
{
    size_t n = (size_t)tensor->rows * (size_t)tensor->cols;
    const real *values = check->built.parameters + tensor->offset, *gradient = check->built.gradient + tensor->offset;
    double *direction = malloc(sizeof(double) * n), sum = 0;
    Comparison squares = {0};
    Pcg pcg = pcg_named(1, tensor->name);
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * (double)values[i];
    int found = 0, wanted = single ? COORDINATES : DIRECTIONS;
    for (int tries = 0; found < wanted && tries < TRIES; tries++) {
        double along = 0, expected;
        const double step = fmax(longest_step / (1 << tries / 20), fmin(longest_step, shortest_step));
        draw_direction(&pcg, n, sqrt(sum / (double)n), single, direction);
        if (!derivative(check, tensor, direction, step, &expected))
            continue;
        found++;
        for (size_t i = 0; i < n; i++)
            along += direction[i] * (double)gradient[i];
        squares.apart += (along - expected) * (along - expected);
        squares.by_hand += along * along;
        squares.by_difference += expected * expected;
    }
    free(direction);
    if (found < wanted)
        fail_msg("%s: %s: every step crosses a kink", what, tensor->name);
    return (Comparison){sqrt(squares.by_hand), sqrt(squares.by_difference), sqrt(squares.apart)};
}

/* Where the loss bends too much for a step (softpick beside a score of 1e-5, say), a shorter one decides: what is wrong
 * stays wrong. */
static void check_tensor(Check *check, const Tensor *tensor, const char *what, int single)
{
    Comparison c = {0};
    double step = check->longest_step > 0 ? check->longest_step : usual_step;
    for (int is_close = 0; !is_close; step /= 4) {
        if (step < least_step)
            fail_msg("%s: %s (%s): by hand %.12g, by differences %.12g, apart by %.3g", what, tensor->name,
                     single ? "coordinates" : "directions", c.by_hand, c.by_difference, c.apart);
        c = compare(check, tensor, what, single, step);
        const double rounding = 8 * (double)REAL_EPSILON * fabs(check->loss) / step;
        is_close = c.apart <= tolerance * (c.by_hand + c.by_difference) + absolute_floor + rounding;
    }
}

/* Loss and gradient again by the plain loops that say what kernels compute: what central differences show of one table
 * holds for the other. */
static void check_reference_kernels(const Check *check, double loss, const char *what)
{
    const Built *built = &check->built;
    Model slow = *built->model;
    real *gradient = calloc(built->n_values, sizeof *gradient);
    double apart = 0, size = 0;
    slow.kernels = &kernels_reference;
    const double again =
        model_step(&slow, built->parameters, &check->batch, 0, check->batch.n, check->workspace, gradient, NULL);
    for (size_t i = 0; i < built->n_values; i++) {
        apart += pow((double)gradient[i] - (double)built->gradient[i], 2);
        size += pow((double)gradient[i], 2);
    }
    free(gradient);
    if (!(fabs(loss - again) <= 1e-12 * fabs(again) && sqrt(apart) <= 1e-11 * sqrt(size)))
        fail_msg("%s: loss %.17g, by the reference kernels %.17g; gradients of %g apart by %.3g", what, loss, again,
                 sqrt(size), sqrt(apart));
}

static void poison_reals(real *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (real)NAN;
}

/* Nothing that a workspace holds from before is ever read. */
static void poison(const Check *check)
{
    const ModelSettings *s = &check->built.shape;
    const Workspace *w = check->workspace;
    const size_t T = (size_t)check->batch.length, H = (size_t)s->n_heads, heads = H * (size_t)s->d_head;
    const size_t N = (size_t)check->batch.n * T, kv_heads = (size_t)s->n_kv_heads * (size_t)s->d_head;
    real *const rows[] = {w->dq, w->dheads}, *const kv_rows[] = {w->dk, w->dv};
    for (size_t i = 0; i < 2; i++) {
        poison_reals(rows[i], N * heads);
        poison_reals(kv_rows[i], N * kv_heads);
    }
    poison_reals(w->dscores, T * (size_t)w->map_ld);
    for (int l = 0; l < s->n_layers; l++)
        poison_reals(w->blocks[l].maps, (size_t)check->batch.n * H * w->map_size);
    poison_reals(w->gated, s->gate->prepare ? N * kv_heads : 0);
    poison_reals(w->dx, N * (size_t)s->d_model);
    poison_reals(w->dnorm, N * (size_t)s->d_model);
    poison_reals(w->dparallel, w->dparallel ? N * (size_t)s->d_model : 0);
}

static void check_gradients(Check *check, const char *what)
{
    const Parameters *table = model_parameters(check->built.model);
    disturb(&check->built, 0.2, 3);
    check->workspace = workspace_new(check->built.arena, check->built.model, check->batch.n, 1, NULL);
    poison(check);
    const double loss = model_step(check->built.model, check->built.parameters, &check->batch, 0, check->batch.n,
                                   check->workspace, check->built.gradient, NULL);
    check->loss = loss / check->batch.n_targets;
    check_reference_kernels(check, loss, what);
    for (int t = 0; t < table->n_tensors; t++) {
        check_tensor(check, &table->tensors[t], what, 0);
        check_tensor(check, &table->tensors[t], what, 1);
    }
    unbuild(&check->built);
}

static const char *const sizes = "model.n_layers=2\nmodel.n_heads=2\nmodel.d_model=8\nmodel.d_head=6\nmodel.d_ff=10\n"
                                 "model.init.embedding_std=0.7\nmodel.init.head_std=0.5\n";

/* Encodings, masks, score functions and choices beside them, each two of them together, on two sequences. */
static void test_attention_variants(void **state)
{
    (void)state;
    Mix mix;
    for (int i = 0; any_mix(i, &mix); i++) {
        char what[128];
        Check check = {.built = build(9,
                                      "%smodel.context_length=7\nmodel.position.kind=%s\nmodel.mask.kind=%s\n"
                                      "model.score.kind=%s\n%s",
                                      sizes, mix.position->variant.name, mix.mask->variant.name,
                                      mix.score->variant.name, mix.choice)};
        check.batch = random_batch(&check.built, 2, 0.7, 5);
        check_gradients(&check, name_of_mix(&mix, what));
    }
}

/* Sequences of several lengths, two of them alike, one of a single position; then such as fill blocks of queries and
 * such as do not. */
static void test_lengths(void **state)
{
    (void)state;
    static const int lengths[] = {7, 3, 3, 1, 6}, long_lengths[] = {QUERY_BLOCK + 1, QUERY_BLOCK, 2 * QUERY_BLOCK + 5};
    Mix mix;
    for (int i = 0; any_mix(i, &mix); i++) {
        char what[128];
        Check check = {.built = build(9,
                                      "%smodel.context_length=7\nmodel.position.kind=%s\nmodel.mask.kind=%s\n"
                                      "model.score.kind=%s\n%s",
                                      sizes, mix.position->variant.name, mix.mask->variant.name,
                                      mix.score->variant.name, mix.choice)};
        check.batch = random_batch(&check.built, 5, 0.7, 5);
        vary_lengths(&check.built, &check.batch, lengths);
        check_gradients(&check, name_of_mix(&mix, what));
    }
    for (int p = 0; any_position(p); p++) {
        Check check = {.built = build(9, "%smodel.context_length=%d\nmodel.position.kind=%s\nmodel.mask.kind=odd",
                                      "model.n_layers=1\nmodel.n_heads=1\nmodel.d_model=4\nmodel.d_ff=4\n",
                                      2 * QUERY_BLOCK + 5, any_position(p)->variant.name)};
        check.batch = random_batch(&check.built, 3, 0.3, 6);
        vary_lengths(&check.built, &check.batch, long_lengths);
        check_gradients(&check, any_position(p)->variant.name);
    }
}

/* The same over several blocks of queries, the last one short. */
static void test_query_blocks(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++) {
            char what[128];
            snprintf(what, sizeof what, "%s, %s, long", any_position(p)->variant.name, any_mask(m)->variant.name);
            Check check = {.built =
                               build(9, "%smodel.context_length=%d\nmodel.position.kind=%s\nmodel.mask.kind=%s",
                                     "model.n_layers=1\nmodel.n_heads=1\nmodel.d_model=4\nmodel.d_ff=4\n",
                                     2 * QUERY_BLOCK + 5, any_position(p)->variant.name, any_mask(m)->variant.name)};
            check.batch = random_batch(&check.built, 1, 0.3, 6);
            check_gradients(&check, what);
        }
}

/* What the extension points allow and no variant does yet (odd.h), alone and together, over six blocks of queries. */
static void test_odd_variants(void **state)
{
    (void)state;
    static const char *const names[][3] = {
        {"alibi", "odd", "softmax"}, {"relative", "odd", "template"}, {"odd", "causal", "softmax"},
        {"odd", "full", "template"}, {"none", "template", "odd"},     {"odd", "odd", "odd"},
    };
    const int n_names = (int)(sizeof names / sizeof *names);
    for (int i = 0; i < n_names || any_score(i - n_names); i++) { /* then every score, whose rows begin at any key */
        char what[128];
        const char *const score[] = {"none", "odd", i < n_names ? NULL : any_score(i - n_names)->variant.name};
        const char *const *name = i < n_names ? names[i] : score;
        snprintf(what, sizeof what, "%s, %s, %s, long", name[0], name[1], name[2]);
        Check check = {.built = build(9,
                                      "model.n_layers=2\nmodel.n_heads=2\nmodel.d_model=4\nmodel.d_ff=4\n"
                                      "model.context_length=%d\nmodel.position.kind=%s\nmodel.mask.kind=%s\n"
                                      "model.score.kind=%s",
                                      5 * QUERY_BLOCK + 10, name[0], name[1], name[2])};
        check.longest_step = usual_step / 4; /* angles of t times what is learned */
        check.batch = random_batch(&check.built, 1, 0.3, 6);
        check_gradients(&check, what);
    }
}

/* Slots in front of rows that begin at any key, shared by heads of queries. */
static void test_slots_of_any_row(void **state)
{
    (void)state;
    for (int i = 0; any_slot(i); i++) {
        char what[128];
        snprintf(what, sizeof what, "slot %s, long", any_slot(i)->variant.name);
        Check check = {.built = build(9,
                                      "model.n_layers=1\nmodel.n_heads=2\nmodel.n_kv_heads=1\nmodel.d_model=4\n"
                                      "model.d_ff=4\nmodel.context_length=%d\nmodel.position.kind=odd\n"
                                      "model.mask.kind=odd\nmodel.score.kind=odd\nmodel.slot.kind=%s%s",
                                      5 * QUERY_BLOCK + 10, any_slot(i)->variant.name,
                                      any_slot(i)->prepare ? "\nmodel.slot.n=3" : "")};
        check.longest_step = usual_step / 4;
        check.batch = random_batch(&check.built, 2, 0.3, 6);
        check_gradients(&check, what);
    }
}

/* Every two choices that are not variants, with one encoding after another. */
static void test_choices(void **state)
{
    (void)state;
    int p = 0;
    for (int i = 0; any_choice(i); i++)
        for (int j = i; any_choice(j); j++) {
            char what[128];
            p = any_position(p + 1) ? p + 1 : 0;
            snprintf(what, sizeof what, "%s, %s, %s", any_position(p)->variant.name, any_choice(i), any_choice(j));
            Check check = {.workspace = NULL};
            Error err;
            char lines[1024];
            snprintf(lines, sizeof lines, "%smodel.context_length=6\nmodel.position.kind=%s\n%s\n%s", sizes,
                     any_position(p)->variant.name, any_choice(i), any_choice(j));
            if (try_build(9, lines, &check.built, &err) != STATUS_OK) { /* one type, or several */
                assert_non_null(strstr(err.text, "model.token_type"));
                unbuild(&check.built);
                continue;
            }
            check.batch = random_batch(&check.built, 2, 0.7, 7);
            check_gradients(&check, what);
        }
}

static const Objective *objective_of(const Built *built)
{
    const char *name = settings_text(&built->settings, "objective.kind");
    int i = 0;
    while (strcmp(any_objective(i)->variant.name, name) != 0)
        i++;
    return any_objective(i);
}

/* Which two values of two axes have met in a model. */
typedef struct {
    unsigned char met[MOST_AXES][MOST_VALUES][MOST_AXES][MOST_VALUES];
} Pairs;

/* A model with the values given (-1: any), the rest drawn until all goes together: mask and objective, ids or vectors
 * and what reads and predicts them; 0 if it never does. What was drawn stands in `given` then. */
static int draw_menu(int n_axes, const Axis *axes, int *given, Pcg *pcg, Built *ret_built, char *ret_lines)
{
    for (int tries = 0; tries < TRIES; tries++) {
        Error err;
        int drawn[MOST_AXES];
        *ret_lines = 0;
        for (int a = 0; a < n_axes; a++) {
            drawn[a] = given[a] >= 0 ? given[a] : (int)pcg_below(pcg, (uint32_t)axes[a].n);
            strcat(strcat(ret_lines, axes[a].values[drawn[a]]), "\n");
        }
        char lines[2048];
        snprintf(lines, sizeof lines, "%smodel.d_head=8\nmodel.context_length=9\n%s", sizes, ret_lines);
        if (try_build(9, lines, ret_built, &err) == STATUS_OK &&
            objective_check(objective_of(ret_built), &ret_built->shape, 1, &err) == STATUS_OK) {
            memcpy(given, drawn, sizeof drawn);
            return 1;
        }
        unbuild(ret_built);
    }
    return 0;
}

/* Axes of which two values may exclude each other: an objective that wants a causal mask, with one that is not; ids,
 * and what reads or predicts vectors. */
static int may_exclude(const char *axis)
{
    static const char *const names[] = {"model.mask",       "objective",        "model.input",
                                        "model.output",     "model.tied_head",  "model.head_layers",
                                        "model.token_type", "model.token_types"};
    int found = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        found |= strcmp(axis, names[i]) == 0;
    return found;
}

/* The model's gradients, and all pairs that met in it. */
static void check_menu(Check *check, const char *lines, int n_axes, const int *values, Pairs *pairs)
{
    check->longest_step = usual_step / 4; /* some norms of sandwiches bend */
    check->batch = objective_batch(&check->built, objective_of(&check->built), 2, 4);
    check_gradients(check, lines);
    for (int a = 0; a < n_axes; a++)
        for (int b = 0; b < n_axes; b++)
            pairs->met[a][values[a]][b][values[b]] = 1;
}

/* Every two values of two axes meet in a model, whatever they are: encodings and their parameters, masks, scores,
 * objectives and their targets, norms, placements, activations, heads. What the two leave open is drawn, so that thirds
 * meet, too, and other pairs by the way. */
static void test_every_two(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Axis axes[MOST_AXES];
    Pairs *pairs = ARENA_ARRAY(arena, Pairs, 1);
    const int n_axes = all_axes(arena, axes);
    Pcg pcg = pcg_named(1, "test/every two");
    int n_models = 0, n_pairs = 0, n_refused = 0;
    for (int a = 0; a < n_axes; a++)
        for (int b = a + 1; b < n_axes; b++)
            for (int i = 0; i < axes[a].n; i++)
                for (int j = 0; j < axes[b].n; j++, n_pairs++) {
                    int given[MOST_AXES];
                    char lines[2048];
                    Check check = {.workspace = NULL};
                    if (pairs->met[a][i][b][j] || n_pairs % EVERY_NTH_PAIR > 0)
                        continue;
                    for (int c = 0; c < n_axes; c++)
                        given[c] = c == a ? i : c == b ? j : -1;
                    if (draw_menu(n_axes, axes, given, &pcg, &check.built, lines))
                        check_menu(&check, lines, n_axes, given, pairs), n_models++;
                    else if (may_exclude(axes[a].name) && may_exclude(axes[b].name))
                        n_refused++;
                    else
                        fail_msg("nothing goes with %s and %s", axes[a].values[i], axes[b].values[j]);
                }
    print_message("# %d axes, %d pairs, %d refused, the others in %d models\n", n_axes, n_pairs, n_refused, n_models);
    arena_free(arena);
}

/* Ones, primes, less and more than a vector's lanes, the smallest vocabulary, one position. An encoding that turns
 * pairs of channels may refuse an odd head; nothing else is refused. */
static void test_hostile_shapes(void **state)
{
    (void)state;
    static const struct {
        int V, n, length, L, H, C, D, F;
    } shapes[] = {
        {4, 1, 1, 1, 1, 1, 1, 1},   {4, 1, 2, 1, 1, 2, 2, 1},      {5, 3, 1, 2, 2, 4, 2, 3},
        {4, 2, 13, 1, 3, 7, 5, 11}, {13, 3, 17, 2, 3, 5, 7, 2},    {31, 1, 7, 1, 1, 33, 34, 65},
        {7, 5, 3, 3, 5, 10, 2, 17}, {17, 2, 11, 1, 2, 31, 13, 29}, {5, 1, 290, 1, 1, 3, 2, 3},
    };
    static const char *const menus[] = {
        "model.bias=true",
        "model.norm=rmsnorm\nmodel.norm_placement=sandwich\nmodel.activation=swiglu\nmodel.qk_norm=true\n"
        "model.n_kv_heads=1\nmodel.gate.kind=element\nmodel.gate.bias=true\n"
        "model.slot.kind=key_value\nmodel.slot.n=3",
    };
    /* The norm of a narrow row that is nearly 0 bends: a larger epsilon and a shorter step keep it straight. */
    static const char *const smooth = "model.init.head_std=0.5\nmodel.norm_epsilon=0.03";
    enum { LEAST = 5 }; /* of context_length; what is shorter fills the first rows */
    int m = 0;
    for (int p = 0; any_position(p); p++)
        for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
            const int length = shapes[i / 2].length, D = shapes[i / 2].D;
            char lines[512];
            Check check = {.longest_step = usual_step / 4};
            Error err;
            m = any_mask(m + 1) ? m + 1 : 0; /* one after another */
            snprintf(lines, sizeof lines,
                     "model.n_layers=%d\nmodel.n_heads=%d\nmodel.d_model=%d\nmodel.d_head=%d\nmodel.d_ff=%d\n"
                     "model.context_length=%d\nmodel.position.kind=%s\nmodel.mask.kind=%s\n%s\n%s",
                     shapes[i / 2].L, shapes[i / 2].H, shapes[i / 2].C, D, shapes[i / 2].F,
                     length < LEAST ? LEAST : length, any_position(p)->variant.name, any_mask(m)->variant.name, smooth,
                     menus[i % 2]);
            if (try_build(shapes[i / 2].V, lines, &check.built, &err) != STATUS_OK) {
                if (!any_position(p)->rotate_forward || D % 2 == 0)
                    fail_msg("%s", err.text);
                unbuild(&check.built);
                continue;
            }
            check.batch = random_batch(&check.built, shapes[i / 2].n, 1, 3);
            check.batch.length = length;
            check.batch.n_targets = check.batch.n * length;
            check_gradients(&check, lines);
        }
}

/* Ids and vectors in and out, as they are and mapped, with every choice and every encoding. */
static void test_vectors(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "model.input=identity\nobjective.kind=labelled",
        "model.input=linear\nobjective.kind=labelled",
        "objective.kind=regression",
        "model.output=identity\nobjective.kind=regression",
        "model.input=identity\nmodel.output=identity\nobjective.kind=regression",
        "model.input=linear\nobjective.kind=regression\nobjective.rate=0.5",
    };
    for (int p = 0; any_position(p); p++)
        for (int c = 0; any_choice(c); c++) {
            const size_t w = (size_t)(p + c) % (sizeof ways / sizeof *ways);
            Check check = {.longest_step = usual_step / 4};
            Error err;
            char lines[1024];
            snprintf(lines, sizeof lines, "%smodel.context_length=7\nmodel.position.kind=%s\n%s\n%s", sizes,
                     any_position(p)->variant.name, ways[w], any_choice(c));
            if (try_build(9, lines, &check.built, &err) != STATUS_OK) {
                assert_true(strstr(err.text, "model.tied_head") || strstr(err.text, "model.head_layers"));
                unbuild(&check.built);
                continue;
            }
            check.batch = random_batch(&check.built, 2, 0.7, 5);
            check_gradients(&check, lines);
        }
}

/* A head of several row blocks: more rows with a target than are in memory at a time. */
static void test_head_blocks(void **state)
{
    (void)state;
    Check check = {.built = build((1 << 15) + 3, "model.n_layers=1\nmodel.n_heads=1\nmodel.d_model=2\nmodel.d_ff=2\n"
                                                 "model.context_length=40")};
    assert_in_range(head_block_rows(&check.built.shape, 40), 1, 39);
    check.batch = random_batch(&check.built, 1, 1, 9);
    check_gradients(&check, "head blocks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_variants),
        cmocka_unit_test(test_query_blocks),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_odd_variants),
        cmocka_unit_test(test_slots_of_any_row),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_every_two),
        cmocka_unit_test(test_hostile_shapes),
        cmocka_unit_test(test_head_blocks),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
