/* What single encodings promise beyond what every one must pass (test_properties.c, test_gradients.c): T5's buckets,
 * rotary frequencies and what leaves them alone.
 *
 * Were it deleted, distances could share the wrong bias, and a paper's name would stand over another encoding.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- relative ---------------------------------------------------------------------------------------------------- */

static const int distances[] = {0, 1, 7, 8, 11, 12, 15, 16, 17, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 127, 128, 500};

enum { N_DISTANCES = sizeof distances / sizeof *distances, LONG = 512 };

/* The buckets that a model uses are told by a table in which every bias is its bucket's number. */
static void check_buckets(const char *lines, const int *behind, const int *ahead)
{
    Built b = build(9,
                    "model.n_layers=1\nmodel.n_heads=2\nmodel.d_model=4\nmodel.context_length=%d\n"
                    "model.position.kind=relative\n%s",
                    LONG, lines);
    const Parameters *table = model_parameters(b.model);
    const Tensor *tensor = &table->tensors[parameters_find(table, "embedding.relative")];
    for (int i = 0; i < tensor->rows * tensor->cols; i++)
        b.parameters[tensor->offset + (size_t)i] = (real)(i % 2 ? -(i / 2) : i / 2); /* (n_buckets, 2) */
    for (int length = LONG; length > 0; length /= 8) { /* shorter sequences take the middle of it */
        const int width = 2 * length - 1;
        real *bias = ARENA_ARRAY(b.arena, real, 2 * width);
        model_position_bias(b.model, b.parameters, length, bias);
        for (int d = 0; d < N_DISTANCES && distances[d] < length; d++) {
            const int past = length - 1 + distances[d], future = length - 1 - distances[d];
            assert_true(bias[past] == behind[d] && bias[width + past] == -behind[d]);
            if (ahead)
                assert_true(bias[future] == ahead[d] && bias[width + future] == -ahead[d]);
        }
    }
    unbuild(&b);
}

/* By _relative_position_bucket of the authors' code for the distances above. */
static void test_buckets_are_the_published_ones(void **state)
{
    (void)state;
    static const int decoder[] = {0, 1, 7, 8, 11, 12, 15, 16, 16, 18, 18, 21, 21, 23, 24, 26, 26, 29, 29, 31, 31, 31};
    static const int behind[] = {0, 1, 7, 8, 8, 9, 9, 10, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 15, 15};
    static const int ahead[] = {0, 17, 23, 24, 24, 25, 25, 26, 26, 26, 27, 27, 28, 28, 29, 29, 30, 30, 31, 31, 31, 31};
    static const int few[] = {0, 1, 5, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    check_buckets("model.mask.kind=causal", decoder, NULL);
    check_buckets("model.mask.kind=full", behind, ahead);
    check_buckets("model.mask.kind=causal\nmodel.position.n_buckets=8\nmodel.position.max_distance=16", few, NULL);
}

/* Before anything is learned there is no bias: the same bits as without an encoding. */
static void test_relative_starts_as_none(void **state)
{
    (void)state;
    Built none = build(19, "model.position.kind=none\nmodel.context_length=41");
    Built relative = build(19, "model.position.kind=relative\nmodel.context_length=41");
    Batch batch = random_batch(&none, 2, 0.8, 3);
    assert_true(model_step(none.model, none.parameters, &batch, 0, 2, workspace_new(none.arena, none.model, 2, 0, NULL),
                           NULL, NULL) == model_step(relative.model, relative.parameters, &batch, 0, 2,
                                                     workspace_new(relative.arena, relative.model, 2, 0, NULL), NULL,
                                                     NULL));
    unbuild(&none);
    unbuild(&relative);
}

/* ---- rope -------------------------------------------------------------------------------------------------------- */

enum { T = 41, D = 16 };

/* x (T, d_head) turned by rope with d_head channels and these settings. */
static void turn(int d_head, const char *lines, real *x)
{
    Built b = build(9,
                    "model.n_layers=1\nmodel.n_heads=1\nmodel.d_model=16\nmodel.d_head=%d\nmodel.context_length=%d\n"
                    "model.position.kind=rope\n%s",
                    d_head, T, lines);
    const Position *rope = position_find("rope");
    Parameters parameters = {0};
    void *state = NULL;
    assert_int_equal(rope->prepare(b.arena, &b.shape, &parameters, &state, NULL), 0);
    rope->rotate_forward(state, NULL, &(HeadRows){.length = T, .ld = d_head}, x);
    unbuild(&b);
}

static void draw(int n, real *ret_x)
{
    Pcg pcg = pcg_new(1, 2);
    for (int i = 0; i < n; i++)
        ret_x[i] = (real)pcg_normal(&pcg);
}

#define ASSERT_SAME_BITS(x, y, n) assert_memory_equal(x, y, sizeof(real) * (size_t)(n))

static void test_all_channels_by_default(void **state)
{
    (void)state;
    real x[T * D], whole[T * D], turned[T * D];
    draw(T * D, x);
    memcpy(turned, x, sizeof x), memcpy(whole, x, sizeof x);
    turn(D, "", turned);
    turn(D, "model.position.fraction=1", whole);
    ASSERT_SAME_BITS(turned, whole, T * D);
    for (int t = 0; t < T; t++) /* the paper's angles, multiplied out */
        for (int i = 0; i < D / 2; i++) {
            const double angle = t * pow(10000, -2.0 * i / D);
            const real c = (real)cos(angle), s = (real)sin(angle), low = x[t * D + i], high = x[t * D + D / 2 + i];
            assert_true(fabs((double)(turned[t * D + i] - (low * c - high * s))) < 1e-6);
            assert_true(fabs((double)(turned[t * D + D / 2 + i] - (high * c + low * s))) < 1e-6);
        }
}

/* A fraction turns its channels as a head of their number would be, and leaves the others alone. */
static void test_a_fraction_is_a_narrower_head(void **state)
{
    (void)state;
    enum { R = 4 };
    real x[T * D], turned[T * D], narrow[T * R];
    draw(T * D, x);
    memcpy(turned, x, sizeof x);
    for (int t = 0; t < T; t++)
        memcpy(narrow + t * R, x + t * D, R * sizeof *x);
    turn(D, "model.position.fraction=0.25\nmodel.position.scaling=ntk", turned);
    turn(R, "model.position.scaling=ntk", narrow);
    for (int t = 0; t < T; t++) {
        ASSERT_SAME_BITS(turned + t * D, narrow + t * R, R);
        ASSERT_SAME_BITS(turned + t * D + R, x + t * D + R, D - R);
    }
}

static void test_factor_1_scales_nothing(void **state)
{
    (void)state;
    const Position *rope = position_find("rope");
    int n_scalings = 0;
    for (int r = 0; r < rope->variant.n_params; r++)
        for (int c = 0; rope->variant.params[r].type == VALUE_CHOICE && rope->variant.params[r].choices[c];
             c++, n_scalings++)
            for (int d = 2; d <= D; d += D - 2) { /* one pair, and many */
                real plain[T * D], scaled[T * D];
                char lines[256];
                draw(T * d, plain);
                memcpy(scaled, plain, sizeof(real) * (size_t)(T * d));
                snprintf(lines, sizeof lines,
                         "model.position.scaling=%s\nmodel.position.scaling_factor=1\n"
                         "model.position.original_length=64",
                         rope->variant.params[r].choices[c]);
                turn(d, "", plain);
                turn(d, lines, scaled);
                ASSERT_SAME_BITS(plain, scaled, T * d);
            }
    assert_true(n_scalings > 3);
}

static void test_linear_is_interpolation(void **state)
{
    (void)state;
    real plain[T * D], scaled[T * D];
    draw(D, plain);
    for (int t = 0; t < T; t++)
        memcpy(plain + t * D, plain, sizeof(real) * D), memcpy(scaled + t * D, plain, sizeof(real) * D);
    turn(D, "", plain);
    turn(D, "model.position.scaling=linear\nmodel.position.scaling_factor=2", scaled);
    for (int t = 0; 2 * t < T; t++)
        ASSERT_SAME_BITS(scaled + 2 * t * D, plain + t * D, D);
}

/* Frequencies by NumPy from the formulas as they are published, w = theta ** (-arange(0, D, 2) / D):
 *
 *   ntk      the same with theta * factor ** (D / (D - 2))
 *   llama3   wavelength = 2 * pi / w;  smooth = (length / wavelength - low) / (high - low)
 *            where(wavelength < length / high, w, where(wavelength > length / low, w / factor,
 *                  (1 - smooth) * w / factor + smooth * w))
 */
static void test_frequencies(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        double expected[D / 2];
    } cases[] = {
        {"model.position.scaling=ntk",
         {1, 0.23495632718377818, 0.055204475683690614, 0.01297064085074614, 0.003047534135511189,
          0.0007160374274468995, 0.00016823752407904452, 3.952847075210474e-05}},
        {"model.position.scaling=ntk\nmodel.position.scaling_factor=2.5\nmodel.position.theta=100",
         {1, 0.49334579097698666, 0.2433900694747086, 0.12007546634094385, 0.05923872591890347, 0.029225176094930354,
          0.014418117616995137, 0.007113117640155692}},
        {"model.position.scaling=llama3\nmodel.position.theta=500000", /* Llama 3.1's own numbers */
         {1, 0.19392274474868576, 0.03760603093086393, 0.0072926647372171085, 0.0005248461609929547,
          3.428102195952591e-05, 6.647869871181236e-06, 1.2891731721515574e-06}},
        {"model.position.scaling=llama3\nmodel.position.scaling_factor=3\nmodel.position.original_length=256",
         {1, 0.31622776601683794, 0.1, 0.0125677897183038, 0.0033333333333333335, 0.0010540925533894599,
          0.0003333333333333333, 0.00010540925533894598}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        real x[T * D] = {0};
        for (int i = 0; i < D / 2; i++)
            x[D + i] = 1; /* position 1: (1, 0) becomes (cos w, sin w) */
        turn(D, cases[c].lines, x);
        for (int i = 0; i < D / 2; i++) {
            const double w = atan2((double)x[D + D / 2 + i], (double)x[D + i]), expected = cases[c].expected[i];
            assert_true(fabs(w - expected) < (sizeof(real) == 4 ? 1e-6 : 1e-14) * expected);
        }
    }
}

/* Layers n - 1, 2n - 1, ... turn nothing, the others what they turn without the key; backward, too. */
static void test_layers_without_rotation(void **state)
{
    (void)state;
    enum { LAYERS = 6 };
    const Position *rope = position_find("rope");
    for (int n = 0; n <= LAYERS; n++) {
        Built b = build(9,
                        "model.n_layers=%d\nmodel.d_model=16\nmodel.n_heads=1\nmodel.context_length=%d\n"
                        "model.position.kind=rope\nmodel.position.skip_every=%d",
                        LAYERS, T, n);
        void *prepared = NULL;
        assert_int_equal(rope->prepare(b.arena, &b.shape, &(Parameters){0}, &prepared, NULL), 0);
        for (int layer = 0; layer < LAYERS; layer++) {
            const HeadRows rows = {.layer = layer, .length = T, .ld = D};
            real x[T * D], turned[T * D], expected[T * D];
            draw(T * D, x);
            memcpy(turned, x, sizeof x), memcpy(expected, x, sizeof x);
            if (n == 0 || layer % n != n - 1)
                turn(D, "", expected);
            rope->rotate_forward(prepared, NULL, &rows, turned);
            ASSERT_SAME_BITS(turned, expected, T * D);
            rope->rotate_backward(prepared, NULL, &rows, x, turned, NULL);
            for (int i = 0; i < T * D; i++)
                assert_true(fabs((double)(turned[i] - x[i])) < 1e-5);
        }
        unbuild(&b);
    }
}

/* Where no layer turns there is no encoding, to the bit. */
static void test_rope_in_no_layer_is_none(void **state)
{
    (void)state;
    static const char *const kinds[] = {"none", "rope\nmodel.position.skip_every=1",
                                        "rope\nmodel.position.skip_every=2"};
    real losses[3][2 * T];
    for (int k = 0; k < 3; k++) {
        Built b = build(19, "%smodel.position.kind=%s", model_sizes, kinds[k]);
        const Batch batch = random_batch(&b, 2, 0.8, 3);
        model_step(b.model, b.parameters, &batch, 0, 2, workspace_new(b.arena, b.model, 2, 0, NULL), NULL, losses[k]);
        unbuild(&b);
    }
    ASSERT_SAME_BITS(losses[0], losses[1], 2 * T);
    assert_memory_not_equal(losses[0], losses[2], sizeof losses[0]);
}

/* ---- what does not fit ------------------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *message;
    } cases[] = {
        {"relative\nmodel.position.n_buckets=31", "31; the mask causal wants an even number from 2 on"},
        {"relative\nmodel.mask.kind=full\nmodel.position.n_buckets=2",
         "2; the mask full wants an even number from 4 on"},
        {"rope\nmodel.position.fraction=0", "0 of model.d_head 64 is 0 channels"},
        {"rope\nmodel.position.fraction=0.3", "0.3 of model.d_head 64 is 19.2 channels; rope turns pairs"},
        {"rope\nmodel.position.fraction=0.046875", "0.046875 of model.d_head 64 is 3 channels"},
        {"rope\nmodel.d_head=5", "5 is odd; rope turns pairs of channels"},
        {"rope\nmodel.position.low_freq_factor=4", "4 must be above model.position.low_freq_factor 4"},
        {"rope\nmodel.position.skip_every=3", "3 skips none of model.n_layers 2"},
        {"alibi_learned\nmodel.position.slopes=[1]", "1 slopes for model.n_heads 2; give one per head"},
        {"kerple\nmodel.position.r1=0", "0 is not in 1e-9..1000"},
        {"fire\nmodel.position.width=65", "65 is not in 1..64"},
        {"relative\nmodel.position.max_distance=16",
         "16 must be above 16, the distances that have a bucket of their own"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Error err;
        Built built;
        char lines[256];
        snprintf(lines, sizeof lines, "model.position.kind=%s", cases[c].lines);
        assert_int_equal(try_build(9, lines, &built, &err), STATUS_INPUT);
        if (!strstr(err.text, cases[c].message))
            fail_msg("%s", err.text);
        unbuild(&built);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_are_the_published_ones),
        cmocka_unit_test(test_relative_starts_as_none),
        cmocka_unit_test(test_all_channels_by_default),
        cmocka_unit_test(test_a_fraction_is_a_narrower_head),
        cmocka_unit_test(test_factor_1_scales_nothing),
        cmocka_unit_test(test_linear_is_interpolation),
        cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_layers_without_rotation),
        cmocka_unit_test(test_rope_in_no_layer_is_none),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
