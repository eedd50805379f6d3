/* A thread's activations and their gradients, all in one allocation.
 *
 * One function lays the whole workspace out; workspace_bytes runs it on no memory to learn the size, so the two cannot
 * disagree. With backward every block keeps its activations; without, all blocks share one set and the residual stream
 * is updated in place.
 */
#include "model/internal.h"

typedef struct {
    char *base; /* NULL: only count */
    size_t used;
} Cursor;

static void *take(Cursor *cursor, size_t n, size_t size)
{
    void *memory = cursor->base ? cursor->base + cursor->used : NULL;
    cursor->used += (n * size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    return memory;
}

static real *take_reals(Cursor *cursor, size_t n)
{
    return take(cursor, n, sizeof(real));
}

static NormActs lay_norm(Cursor *cursor, size_t n_rows)
{
    NormActs acts;
    acts.mean = take_reals(cursor, n_rows);
    acts.rstd = take_reals(cursor, n_rows);
    return acts;
}

/* The norm after a branch. */
static JoinActs lay_join(Cursor *cursor, const ModelSettings *s, size_t n_rows)
{
    JoinActs join = {0};
    if (s->norm_placement == PLACEMENT_PRE)
        return join;
    join.x = take_reals(cursor, n_rows * (size_t)s->d_model);
    join.norm = lay_norm(cursor, n_rows);
    return join;
}

static BlockActs lay_block(Cursor *cursor, const ModelSettings *s, size_t n, size_t map_size, int with_backward)
{
    size_t N = n * (size_t)s->context_length, C = (size_t)s->d_model, F = (size_t)s->d_ff;
    size_t H = (size_t)s->n_heads, HD = H * (size_t)s->d_head;
    BlockActs acts = {0};
    acts.x = take_reals(cursor, N * C);
    acts.attention_norm = lay_norm(cursor, N);
    acts.q = take_reals(cursor, N * HD);
    acts.k = take_reals(cursor, N * HD);
    acts.v = take_reals(cursor, N * HD);
    acts.maps = take_reals(cursor, n * H * map_size);
    acts.score_state = take_reals(cursor, N * H);
    acts.heads = take_reals(cursor, N * HD);
    acts.q_raw = acts.q, acts.k_raw = acts.k;
    if (s->qk_norm) { /* without backward in turn where the heads' outputs come later */
        acts.q_rstd = take_reals(cursor, N * H);
        acts.k_rstd = take_reals(cursor, N * H);
        acts.q_raw = with_backward ? take_reals(cursor, N * HD) : acts.heads;
        acts.k_raw = with_backward ? take_reals(cursor, N * HD) : acts.heads;
    }
    acts.attention_join = lay_join(cursor, s, N);
    acts.x_mid = with_backward || s->norm_placement != PLACEMENT_PRE ? take_reals(cursor, N * C) : acts.x;
    acts.mlp_norm = lay_norm(cursor, N);
    if (s->activation == ACTIVATION_SWIGLU)
        acts.gate = take_reals(cursor, N * F);
    acts.up = take_reals(cursor, N * F);
    acts.mlp_join = lay_join(cursor, s, N);
    return acts;
}

/* Lays out *w from cursor->base, or counts. */
static void lay_workspace(Cursor *cursor, const Model *model, int n, int with_backward, const real *lent, Workspace *w)
{
    const ModelSettings *s = &model->settings;
    size_t T = (size_t)s->context_length, N = (size_t)n * T, C = (size_t)s->d_model;
    size_t H = (size_t)s->n_heads, HD = H * (size_t)s->d_head;

    w->n = n;
    w->with_backward = with_backward;
    w->hidden_key = -1;
    w->map_ld = attention_map_ld(s);
    w->map_size = T * (size_t)w->map_ld;
    w->first = take(cursor, T, sizeof(int));
    w->end = take(cursor, T, sizeof(int));
    w->query_blocks = take(cursor, (size_t)attention_n_query_blocks(s->context_length), sizeof(QueryBlock));
    w->target_rows = take(cursor, N, sizeof(int));
    w->scratch = take_reals(cursor, MATMUL_SCRATCH);
    w->own_panels = lent ? NULL : take_reals(cursor, model_panels(model, with_backward));
    w->panels = lent ? lent : w->own_panels;
    for (int i = 0; i < (with_backward ? 4 : 2); i++)
        w->head_panels[i] = take_reals(cursor, attention_panels(s));
    w->h = take_reals(cursor, N * C);
    if (s->activation != ACTIVATION_RELU)
        w->act = take_reals(cursor, N * (size_t)s->d_ff);

    w->blocks = take(cursor, (size_t)s->n_layers, sizeof(BlockActs));
    BlockActs acts = {0};
    for (int l = 0; l < s->n_layers; l++) {
        if (l == 0 || with_backward)
            acts = lay_block(cursor, s, (size_t)n, w->map_size, with_backward);
        if (w->blocks)
            w->blocks[l] = acts;
    }
    w->x_last = with_backward ? take_reals(cursor, N * C) : acts.x;
    if (s->position->bias_forward) {
        w->bias = take_reals(cursor, H * (2 * T - 1));
        w->bias_flipped = take_reals(cursor, H * (2 * T - 1));
    }

    w->head_rows = head_block_rows(s, (int)N);
    size_t head_rows = (size_t)w->head_rows;
    w->head_x = take_reals(cursor, head_rows * C);
    w->head_y = take_reals(cursor, head_rows * C);
    w->head_norm = lay_norm(cursor, head_rows);
    w->logits = take_reals(cursor, head_rows * (size_t)s->vocab_size);
    if (!with_backward)
        return;

    w->head_dx = take_reals(cursor, head_rows * C);
    w->head_dnorm = take_reals(cursor, head_rows * C);
    w->dx = take_reals(cursor, N * C);
    w->dnorm = take_reals(cursor, N * C);
    w->dq = take_reals(cursor, N * HD);
    w->dk = take_reals(cursor, N * HD);
    w->dv = take_reals(cursor, N * HD);
    w->dheads = take_reals(cursor, N * HD);
    if (s->activation == ACTIVATION_SWIGLU)
        w->dgate = take_reals(cursor, N * (size_t)s->d_ff);
    w->dup = take_reals(cursor, N * (size_t)s->d_ff);
    w->dscores = take_reals(cursor, w->map_size);
    if (s->position->bias_backward)
        w->dbias = take_reals(cursor, H * (2 * T - 1));
}

size_t workspace_bytes(const Model *model, int n, int with_backward, int is_lent)
{
    static const real somewhere;
    Cursor cursor = {NULL, 0};
    Workspace workspace = {0};
    lay_workspace(&cursor, model, n, with_backward, is_lent ? &somewhere : NULL, &workspace);
    return arena_rounded(sizeof(Workspace)) + arena_rounded(cursor.used);
}

Workspace *workspace_new(Arena *arena, const Model *model, int n, int with_backward, const real *lent)
{
    Cursor cursor = {NULL, 0};
    Workspace *workspace = arena_alloc(arena, sizeof(Workspace));
    lay_workspace(&cursor, model, n, with_backward, lent, workspace);
    cursor = (Cursor){arena_alloc(arena, cursor.used), 0};
    lay_workspace(&cursor, model, n, with_backward, lent, workspace);
    return workspace;
}
