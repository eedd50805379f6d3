/* See support.h. */
#include "frame/support.h"

#include "geometry/anchor.h"
#include "geometry/support.h"
#include "testing.h"

void importance_of_map(int length, int is_causal, const real *map, float *ret_afar)
{
    Arena *arena = arena_new();
    View view = shape_under(arena, is_causal ? MASK_CAUSAL : MASK_FULL, 1, 1, length);
    view.maps = map;
    anchor_importance(&view, NULL, ret_afar);
    arena_free(arena);
}

static void uniform_importance(Arena *arena, int length, int is_causal, float *ret_afar)
{
    const View shape = shape_under(arena, is_causal ? MASK_CAUSAL : MASK_FULL, 1, 1, length);
    real *map = ARENA_ARRAY(arena, real, length * length);
    view_uniform_maps(&shape, map);
    importance_of_map(length, is_causal, map, ret_afar);
}

static void show_causal(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){0, i + 1};
}

static void show_all(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)i;
    ret_keys->range[0] = (KeyRange){0, length};
}

/* state: width and number of first keys. */
static void show_window(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const int *window = state;
    (void)length;
    ret_keys->range[0] = (KeyRange){i + 1 > window[0] ? i + 1 - window[0] : 0, i + 1};
    ret_keys->range[1] = (KeyRange){0, window[1] < i + 1 ? window[1] : i + 1};
}

static Visible *lay(Arena *arena, const MaskRule *rule, int length)
{
    Visible *visible = ARENA_ARRAY(arena, Visible, 1);
    *visible = visible_new(arena, rule, length);
    return visible;
}

Visible *mask_of(Arena *arena, int length, int is_causal)
{
    return lay(arena, &(MaskRule){"test", NULL, is_causal ? show_causal : show_all}, length);
}

Visible *window_of(Arena *arena, int length, int width, int n_first)
{
    return lay(arena, &(MaskRule){"window", (const int[]){width, n_first}, show_window}, length);
}

static void start_set(Arena *arena, int n, int heads, int length, int is_causal, float **ret_afar, float **ret_baseline,
                      int32_t **ret_tokens)
{
    const int width = DISTANCES * length;
    *ret_afar = ARENA_ARRAY(arena, float, n *heads *width);
    *ret_baseline = ARENA_ARRAY(arena, float, heads *width);
    *ret_tokens = ARENA_ARRAY(arena, int32_t, n * length);
    for (int h = 0; h < heads; h++)
        uniform_importance(arena, length, is_causal, *ret_baseline + h * width);
    for (int s = 0; s < n; s++)
        memcpy(*ret_afar + s * heads * width, *ret_baseline, (size_t)heads * width * sizeof(float));
    for (int i = 0; i < n * length; i++)
        (*ret_tokens)[i] = 10 + i % length;
}

Measured *measured_new(Arena *arena, int n, int n_layers, int n_heads, int length, int half_length, int is_causal)
{
    Measured *m = ARENA_ARRAY(arena, Measured, 1);
    start_set(arena, n, n_layers * n_heads, length, is_causal, &m->afar, &m->baseline, &m->tokens);
    m->input = (FrameInput){.n = n,
                            .n_layers = n_layers,
                            .n_heads = n_heads,
                            .length = length,
                            .visible = mask_of(arena, length, is_causal),
                            .afar = m->afar,
                            .baseline = m->baseline,
                            .tokens = m->tokens,
                            .stride = 1};
    if (half_length == 0)
        return m;
    start_set(arena, n, n_layers * n_heads, half_length, is_causal, &m->half_afar, &m->half_baseline, &m->half_tokens);
    m->input.half_n = n, m->input.half_visible = mask_of(arena, half_length, is_causal);
    m->input.half_afar = m->half_afar, m->input.half_baseline = m->half_baseline;
    m->input.half_tokens = m->half_tokens;
    return m;
}

static void put_into(const FrameInput *input, float *afar, int length, int sequence, int head, int k, double a)
{
    for (int s = 0; s < input->n; s++)
        for (int d = 0; d < DISTANCES && (sequence < 0 || s == sequence); d++)
            afar[((s * input->n_layers * input->n_heads + head) * DISTANCES + d) * length + k] = (float)a;
}

void put_baseline(Measured *m, int k, double a)
{
    for (int row = 0; row < m->input.n_layers * m->input.n_heads * DISTANCES; row++)
        m->baseline[row * m->input.length + k] = (float)a;
}

void put(Measured *m, int sequence, int layer, int head, int k, double a)
{
    put_into(&m->input, m->afar, m->input.length, sequence, layer * m->input.n_heads + head, k, a);
}

void put_half(Measured *m, int sequence, int layer, int head, int k, double a)
{
    put_into(&m->input, m->half_afar, m->input.half_visible->length, sequence, layer * m->input.n_heads + head, k, a);
}

void put_token(Measured *m, int sequence, int k, int32_t token)
{
    for (int s = 0; s < m->input.n; s++)
        if (sequence < 0 || s == sequence)
            m->tokens[s * m->input.length + k] = token;
}

Frame classify(const Measured *m, int layer, int head)
{
    Arena *arena = arena_new();
    Frame frame;
    frame_classify(arena, &m->input, layer, head, &frame);
    arena_free(arena);
    return frame;
}
