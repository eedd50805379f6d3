/* See support.h. */
#include "maps/support.h"

#include <math.h>

#include "base/resolve.h"
#include "base/text.h"
#include "model/mask/mask.h"

static uint16_t half_of(double value)
{
    int exponent;
    frexp(value, &exponent); /* its size is in [0.5, 1) times 2^exponent */
    if (isnan(value))
        return 0x7e00;
    if (isinf(value))
        return 0x7c00;
    if (value == 0)
        return 0;
    const double unit = exponent > -14 ? ldexp(1, exponent - 11) : ldexp(1, -24);
    const uint16_t steps = (uint16_t)(fabs(value) / unit);
    return (uint16_t)((value < 0) << 15 | (exponent > -14 ? (exponent + 14) << 10 | (steps & 1023) : steps));
}

static void put_item(void *items, NpyType type, size_t i, double value)
{
    switch (type) {
    case NPY_FLOAT16:
        ((uint16_t *)items)[i] = half_of(value);
        break;
    case NPY_FLOAT32:
        ((float *)items)[i] = (float)value;
        break;
    case NPY_FLOAT64:
        ((double *)items)[i] = value;
        break;
    case NPY_INT32:
        ((int32_t *)items)[i] = (int32_t)value;
        break;
    case NPY_INT64:
        ((int64_t *)items)[i] = (int64_t)value;
        break;
    default:
        ((uint8_t *)items)[i] = (uint8_t)value;
    }
}

const char *write_array(Arena *arena, const char *folder, const char *name, NpyType type, int is_fortran, int n_dims,
                        const int64_t *shape, const double *values)
{
    NpyArray array = {.type = type, .n_dims = n_dims};
    size_t n = 1;
    Text text = {0};
    Error err;
    for (int d = 0; d < n_dims; d++)
        n *= (size_t)(array.shape[d] = shape[d]);
    void *items = arena_alloc(arena, n * 8);
    for (size_t i = 0; i < n; i++) {
        size_t rest = i, to = 0, place[NPY_MAX_DIMS];
        for (int d = n_dims; d-- > 0; rest /= (size_t)shape[d])
            place[d] = rest % (size_t)shape[d];
        for (int d = n_dims; d-- > 0;)
            to = to * (size_t)shape[d] + place[d];
        put_item(items, type, is_fortran ? to : i, values[i]);
    }
    array.data = items;
    npy_add(&text, &array);
    char *order = strstr(text.data + 10, "False");
    if (is_fortran)
        memcpy(order, "True ", 5);
    const char *path = file_join(arena, folder, name);
    assert_ok(file_write(path, text.data, text.size, &err), &err);
    text_free(&text);
    return path;
}

double *planted(Arena *arena, int n, int L, int H, int T, int is_causal, int seed)
{
    const int n_rows = n * L * H * T;
    double *maps = ARENA_ARRAY(arena, double, (size_t)n_rows *T);
    uint32_t state = (uint32_t)seed * 2654435761u + 1;
    for (int row = 0; row < n_rows; row++) {
        const int n_visible = is_causal ? row % T + 1 : T;
        for (int part = 0; part < 16; part++) {
            state = state * 1664525u + 1013904223u;
            const int j = part < 6 ? 0 : (int)((state >> 16) % (uint32_t)n_visible); /* six for the first: a sink */
            maps[(size_t)row * T + j] += 1.0 / 16;
        }
    }
    return maps;
}

const char *write_planted(Arena *arena, const char *folder, const char *name, int n, int L, int H, int T, int is_causal,
                          int seed)
{
    return write_array(arena, folder, name, NPY_FLOAT32, 0, 5, (int64_t[]){n, L, H, T, T},
                       planted(arena, n, L, H, T, is_causal, seed));
}

/* ---- masks ---- */

static void visible_causal(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){0, i + 1};
}

static void visible_full(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)i;
    ret_keys->range[0] = (KeyRange){0, length};
}

static void visible_window(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){i > 3 ? i - 3 : 0, i + 1};
    ret_keys->range[1] = (KeyRange){0, i < 1 ? i + 1 : 2};
}

const MaskRule rule_causal = {"causal", NULL, visible_causal}, rule_full = {"full", NULL, visible_full},
               rule_window = {"window", NULL, visible_window};

Masks assumed = {&rule_causal, &rule_full, NULL}, causal = {&rule_causal, NULL}, full = {&rule_full, NULL},
      window = {&rule_window, NULL};

MaskRule template_rule(Arena *arena)
{
    extern const Mask mask_template;
    const Variant *variant = &mask_template.variant;
    const SchemaPart part = {"model.mask", NULL, variant->params, variant->n_params};
    const Assignment assignments[] = {{.key = "model.mask.width", .text = "4"},
                                      {.key = "model.mask.n_first", .text = "2"}};
    Settings settings;
    void *mask_state;
    Error err;
    assert_ok(settings_resolve(arena, &(Schema){.parts = &part, .n_parts = 1}, assignments, 2, &settings, NULL, &err),
              &err);
    const ModelSettings model = {.context_length = 64, .mask = &mask_template, .settings = &settings};
    assert_ok(mask_template.prepare(arena, &model, NULL, &mask_state, &err), &err);
    return (MaskRule){variant->name, mask_state, mask_template.visible};
}

double *uniform(Arena *arena, int n, int L, int H, int T, const MaskRule *rule)
{
    const Visible visible = visible_new(arena, rule, T);
    double *maps = ARENA_ARRAY(arena, double, (size_t)n *L *H *T *T);
    for (int row = 0; row < n * L * H * T; row++)
        for (int j = 0; j < T; j++) {
            const KeyRanges *keys = &visible.keys[row % T];
            maps[(size_t)row * T + j] = keys_include(keys, j) ? 1.0 / keys_count(keys) : 0;
        }
    return maps;
}

/* ---- sets ---- */

static int open_and_load(const char *path, const char *tokens, Masks masks, MapsSet *ret_set, Error *err)
{
    MaskRule rules[4];
    int n = 0;
    const int status = maps_open(kernels_best(), path, tokens, ret_set, err);
    if (status != STATUS_OK)
        return status;
    for (; masks[n]; n++)
        rules[n] = *masks[n];
    maps_set_masks(ret_set, rules, n, n == 1);
    return maps_load(ret_set, err);
}

MapsSet load(const char *path, const char *tokens, Masks masks)
{
    MapsSet set;
    Error err;
    assert_ok(open_and_load(path, tokens, masks, &set, &err), &err);
    return set;
}

int try_load(const char *path, const char *tokens, Masks masks, Error *err)
{
    MapsSet set = {0};
    const int status = open_and_load(path, tokens, masks, &set, err);
    maps_free(&set);
    return status;
}
