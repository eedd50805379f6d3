/* Passes that are changed do what their names say, to the head that is looked at and in what comes of it.
 *
 * Were this file deleted, an intervention could act on another place, or stay for the next call, and its cost would be
 * the cost of something else. It runs in both precisions.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "testing.h"

enum { PLACE = 3, OTHER = 7 };

typedef struct {
    Built built;
    Batch batch;
    Workspace *workspace;
    Capture before, after;
    size_t maps, rows, losses; /* reals of each */
} Case;

static Capture new_capture(Case *c)
{
    Arena *arena = c->built.arena;
    return (Capture){.maps = ARENA_ARRAY(arena, real, c->maps),
                     .v = ARENA_ARRAY(arena, real, c->rows),
                     .heads = ARENA_ARRAY(arena, real, c->rows),
                     .losses = ARENA_ARRAY(arena, real, c->losses)};
}

/* One layer, so that nothing but the change differs. */
static Case new_case(const Mix *mix)
{
    Case c = {.built = build(19,
                             "model.n_layers=1\nmodel.n_heads=2\nmodel.d_model=16\nmodel.context_length=41\n"
                             "model.position.kind=%s\nmodel.mask.kind=%s\nmodel.score.kind=%s",
                             mix->position->variant.name, mix->mask->variant.name, mix->score->variant.name)};
    const ModelSettings *s = &c.built.shape;
    const size_t T = (size_t)s->context_length, H = (size_t)s->n_heads;
    disturb(&c.built, 0.3, 2);
    c.maps = H * T * T, c.rows = H * T * (size_t)s->d_head, c.losses = T;
    c.batch = random_batch(&c.built, 1, 1, 5);
    c.workspace = workspace_new(c.built.arena, c.built.model, 1, 0, NULL);
    c.before = new_capture(&c), c.after = new_capture(&c);
    model_capture(c.built.model, c.built.parameters, c.batch.inputs, c.batch.targets, 1, (int)T, c.workspace,
                  &c.before);
    return c;
}

static void run_change(Case *c, ChangeKind kind)
{
    const Given given = {.tokens = c->batch.inputs, .targets = c->batch.targets};
    model_capture_changed(c->built.model, c->built.parameters, &given, c->built.shape.context_length,
                          &(Change){kind, PLACE, OTHER}, c->workspace, &c->after);
}

/* o = P v with the maps and values that are there after the change. */
static void check_heads(const Case *c)
{
    const int T = c->built.shape.context_length, D = c->built.shape.d_head, H = c->built.shape.n_heads;
    for (int r = 0; r < H * T; r++)
        for (int d = 0; d < D; d++) {
            double sum = 0, size = 1; /* of weights that need not sum to one */
            for (int j = 0; j < T; j++) {
                const double term = (double)c->after.maps[r * T + j] * (double)c->after.v[(r / T * T + j) * D + d];
                sum += term, size += fabs(term);
            }
            assert_true(fabs(sum - (double)c->after.heads[r * D + d]) < 1e-5 * size);
        }
}

/* Values are as they were, but for that of the place. */
static void check_values(const Case *c, ChangeKind kind)
{
    const int T = c->built.shape.context_length, D = c->built.shape.d_head, H = c->built.shape.n_heads;
    for (int h = 0; h < H; h++)
        for (int t = 0; t < T; t++)
            for (int d = 0; d < D; d++) {
                const int from = t == PLACE && kind == CHANGE_PUT_VALUE ? OTHER : t;
                const real expected =
                    t == PLACE && kind == CHANGE_ZERO_VALUE ? 0 : c->before.v[((size_t)h * T + from) * D + d];
                assert_true(c->after.v[((size_t)h * T + t) * D + d] == expected);
            }
}

/* Weights are as they were; or what the place had lies evenly on the other keys that a query sees. */
static void check_maps(const Case *c, int is_spread)
{
    const int T = c->built.shape.context_length, H = c->built.shape.n_heads;
    for (int r = 0; r < H * T; r++) {
        const KeyRanges *keys = &model_visible(c->built.model)->keys[r % T];
        const real *before = c->before.maps + (size_t)r * T, *after = c->after.maps + (size_t)r * T;
        const int moves = is_spread && keys_include(keys, PLACE) && keys_count(keys) > 1;
        for (int j = 0; j < T; j++) {
            const double share = moves && keys_include(keys, j) ? (double)before[PLACE] / (keys_count(keys) - 1) : 0;
            const double expected = moves && j == PLACE ? 0 : (double)before[j] + share;
            assert_true(fabs((double)after[j] - expected) < 1e-6 * (1 + fabs(expected)));
        }
    }
}

static void test_changes(void **state)
{
    (void)state;
    Mix mix;
    int n_costly = 0;
    for (int i = 0; any_mix(i, &mix); i++) {
        if (i % 3 > 0) /* a third of them */
            continue;
        Case c = new_case(&mix);
        const ChangeKind kinds[] = {CHANGE_ZERO_VALUE, CHANGE_PUT_VALUE, CHANGE_SPREAD};
        for (size_t k = 0; k < N_TESTS(kinds); k++) {
            run_change(&c, kinds[k]);
            check_values(&c, kinds[k]);
            check_maps(&c, kinds[k] == CHANGE_SPREAD);
            check_heads(&c);
            n_costly += memcmp(c.before.losses, c.after.losses, c.losses * sizeof(real)) != 0;
        }
        run_change(&c, CHANGE_NOTHING); /* nothing is left of the others */
        ASSERT_SAME_BITS(c.before.maps, c.after.maps, c.maps);
        ASSERT_SAME_BITS(c.before.heads, c.after.heads, c.rows);
        ASSERT_SAME_BITS(c.before.losses, c.after.losses, c.losses);
        unbuild(&c.built);
    }
    assert_true(n_costly > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
