/* A thread's activations and their gradients, all in one allocation.
 *
 * One function lays the whole workspace out; on a counting arena it tells the size, so the two cannot disagree. With
 * backward every block keeps its activations; without, all blocks share one set and the residual stream is updated in
 * place.
 */
#include "model/internal.h"

static real *take_reals(Arena *arena, size_t n)
{
    return ARENA_ARRAY(arena, real, n);
}

static NormActs lay_norm(Arena *arena, size_t n_rows)
{
    NormActs acts;
    acts.mean = take_reals(arena, n_rows);
    acts.rstd = take_reals(arena, n_rows);
    return acts;
}

/* The norm after a branch. */
static JoinActs lay_join(Arena *arena, const ModelSettings *s, size_t n_rows)
{
    JoinActs join = {0};
    if (s->norm_placement == PLACEMENT_PRE)
        return join;
    join.x = take_reals(arena, n_rows * (size_t)s->d_model);
    join.norm = lay_norm(arena, n_rows);
    return join;
}

/* Reals of a row that a gate makes, of the one array that all blocks share; 0: no gate there. */
static size_t gated_width(const Model *model, GatePlace place)
{
    const ModelSettings *s = &model->settings;
    const GateKeys *keys = model->gate_state;
    if (!keys || keys->on != place)
        return 0;
    return (size_t)(place == GATE_OUTPUT ? s->n_heads : s->n_kv_heads) * (size_t)s->d_head;
}

static BlockActs lay_block(Arena *arena, const Model *model, size_t n, const Workspace *w)
{
    const ModelSettings *s = &model->settings;
    const int with_backward = w->with_backward;
    const size_t map_size = w->map_size;
    size_t N = n * (size_t)s->context_length, C = (size_t)s->d_model, F = (size_t)s->d_ff;
    size_t H = (size_t)s->n_heads, HD = H * (size_t)s->d_head, KD = (size_t)s->n_kv_heads * (size_t)s->d_head;
    BlockActs acts = {0};
    acts.x = take_reals(arena, N * C);
    acts.attention_norm = lay_norm(arena, N);
    acts.q = take_reals(arena, N * HD);
    acts.k = take_reals(arena, N * KD);
    acts.v_raw = take_reals(arena, N * KD);
    acts.v = gated_width(model, GATE_VALUE) ? w->gated : acts.v_raw;
    acts.maps = take_reals(arena, n * H * map_size);
    if ((s->score->keeps_scores || s->logit.softcap > 0) && with_backward)
        acts.scores = take_reals(arena, n * H * map_size);
    acts.score_state = take_reals(arena, N * H);
    acts.heads_raw = take_reals(arena, N * HD);
    acts.heads = gated_width(model, GATE_OUTPUT) ? w->gated : acts.heads_raw;
    acts.factors = take_reals(arena, N * (size_t)model->blocks[0].head_gate.out);
    acts.q_raw = acts.q, acts.k_raw = acts.k;
    if (s->qk_norm) { /* without backward in turn where the heads' outputs come later */
        acts.q_rstd = take_reals(arena, N * H);
        acts.k_rstd = take_reals(arena, N * (size_t)s->n_kv_heads);
        acts.q_raw = with_backward ? take_reals(arena, N * HD) : acts.heads_raw;
        acts.k_raw = with_backward ? take_reals(arena, N * KD) : acts.heads_raw;
    }
    acts.attention_join = lay_join(arena, s, N);
    if (!s->mlp)
        return acts;
    const int keeps_x = with_backward || s->norm_placement != PLACEMENT_PRE || s->parallel_residual;
    acts.x_mid = keeps_x ? take_reals(arena, N * C) : acts.x;
    acts.mlp_norm = lay_norm(arena, N);
    if (s->activation == ACTIVATION_SWIGLU)
        acts.gate = take_reals(arena, N * F);
    acts.up = take_reals(arena, N * F);
    acts.mlp_join = lay_join(arena, s, N);
    return acts;
}

static void lay_slots(Arena *arena, const ModelSettings *s, size_t n_slots, Workspace *w)
{
    const size_t n = n_slots * (size_t)s->d_head;
    const size_t by_slot = pack_size((int)n_slots, s->d_head), by_channel = pack_size(s->d_head, (int)n_slots);
    w->slot_keys = take_reals(arena, n);
    w->slot_values = take_reals(arena, n);
    for (int i = 0; i < 2; i++)
        w->slot_panels[i] = take_reals(arena, by_slot > by_channel ? by_slot : by_channel);
    w->dslot_keys = take_reals(arena, w->with_backward ? n : 0);
    w->dslot_values = take_reals(arena, w->with_backward ? n : 0);
}

static void lay_workspace(Arena *arena, const Model *model, int n, int with_backward, const real *lent, Workspace *w)
{
    const ModelSettings *s = &model->settings;
    size_t T = (size_t)s->context_length, N = (size_t)n * T, C = (size_t)s->d_model;
    size_t H = (size_t)s->n_heads, HD = H * (size_t)s->d_head, KD = (size_t)s->n_kv_heads * (size_t)s->d_head;

    w->n = n;
    w->with_backward = with_backward;
    w->change = (Change){CHANGE_NOTHING, -1, -1};
    w->n_slots = model_n_slots(model);
    w->slot_columns = attention_slot_columns(w->n_slots);
    w->map_ld = attention_map_ld(s, w->n_slots);
    w->map_size = T * (size_t)w->map_ld;
    w->starts = ARENA_ARRAY(arena, int, n + 1);
    w->length = 0;
    w->keys = ARENA_ARRAY(arena, KeyRanges, T);
    w->query_blocks = ARENA_ARRAY(arena, QueryBlock, attention_n_query_blocks(s->context_length));
    w->target_rows = ARENA_ARRAY(arena, int, N);
    w->scratch = take_reals(arena, MATMUL_SCRATCH);
    w->own_panels = lent ? NULL : take_reals(arena, model_panels(model, with_backward));
    w->panels = lent ? lent : w->own_panels;
    for (int i = 0; i < (with_backward ? 4 : 2); i++)
        w->head_panels[i] = take_reals(arena, attention_panels(s));
    lay_slots(arena, s, (size_t)w->n_slots, w);
    w->h = take_reals(arena, N * C);
    w->gated = take_reals(arena, N * (gated_width(model, GATE_OUTPUT) + gated_width(model, GATE_VALUE)));
    if (s->mlp && s->activation != ACTIVATION_RELU)
        w->act = take_reals(arena, N * (size_t)s->d_ff);

    w->blocks = ARENA_ARRAY(arena, BlockActs, s->n_layers);
    BlockActs acts = {0};
    for (int l = 0; l < s->n_layers; l++) {
        if (l == 0 || with_backward)
            acts = lay_block(arena, model, (size_t)n, w);
        if (w->blocks)
            w->blocks[l] = acts;
    }
    if (model->embedding_norm.gain != ABSENT) {
        w->embedded = with_backward ? take_reals(arena, N * C) : w->h;
        w->embedding_norm = lay_norm(arena, N);
    }
    w->x_last = with_backward ? take_reals(arena, N * C) : acts.x;
    if (s->position->bias_forward) {
        w->bias = take_reals(arena, H * position_table_size(s->position, s->context_length));
        w->bias_flipped = take_reals(arena, H * position_table_size(s->position, s->context_length));
    }

    w->head_rows = head_block_rows(s, (int)N);
    size_t head_rows = (size_t)w->head_rows;
    w->head_x = take_reals(arena, head_rows * C);
    w->head_y = take_reals(arena, head_rows * C);
    w->head_norm = lay_norm(arena, head_rows);
    w->head_hidden = take_reals(arena, (size_t)(s->head_layers - 1) * head_rows * C);
    w->outputs = take_reals(arena, head_rows * (size_t)model_output_width(s));
    if (!with_backward)
        return;

    w->head_dx = take_reals(arena, head_rows * C);
    w->head_dnorm = take_reals(arena, head_rows * C);
    w->head_dhidden = take_reals(arena, (size_t)(s->head_layers - 1) * head_rows * C);
    w->dx = take_reals(arena, N * C);
    w->dnorm = take_reals(arena, N * C);
    if (s->mlp && s->parallel_residual)
        w->dparallel = take_reals(arena, N * C);
    w->dq = take_reals(arena, N * HD);
    w->dk = take_reals(arena, N * KD);
    w->dv = take_reals(arena, N * KD);
    w->dheads = take_reals(arena, N * HD);
    if (s->mlp && s->activation == ACTIVATION_SWIGLU)
        w->dgate = take_reals(arena, N * (size_t)s->d_ff);
    if (s->mlp)
        w->dup = take_reals(arena, N * (size_t)s->d_ff);
    w->dfactors = take_reals(arena, N * (size_t)model->blocks[0].head_gate.out);
    w->dscores = take_reals(arena, w->map_size);
    if (s->position->bias_backward)
        w->dbias = take_reals(arena, H * position_table_size(s->position, s->context_length));
}

size_t workspace_bytes(const Model *model, int n, int with_backward, int is_lent)
{
    static const real somewhere;
    Arena *counting = arena_new_counting();
    workspace_new(counting, model, n, with_backward, is_lent ? &somewhere : NULL);
    const size_t bytes = arena_used(counting);
    arena_free(counting);
    return bytes;
}

Workspace *workspace_new(Arena *arena, const Model *model, int n, int with_backward, const real *lent)
{
    Workspace counted = {0}, *workspace = ARENA_ARRAY(arena, Workspace, 1);
    lay_workspace(arena, model, n, with_backward, lent, workspace ? workspace : &counted);
    return workspace;
}
