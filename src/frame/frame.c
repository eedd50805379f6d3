/* The labels that follow from the declared rules (rules.c) and a scope's anchors, pooled by identity (scope.h). The
 * share of one identity is large only if single anchors hold most of the excess *and* sequences and heads choose the
 * same one.
 */
#include "frame/frame.h"

#include <math.h>

#include "frame/scope.h"

/* Share of the summed excess at a place; with by_token, of anchors there that have the place's modal token. */
static double share_at(Arena *arena, const Anchors *anchors, int place, FrameIdentity identity, int32_t *ret_token)
{
    Anchors there = {ARENA_ARRAY(arena, Anchor, anchors->n), 0};
    double total = 0, sum = 0;
    for (int a = 0; a < anchors->n; a++) {
        total += anchors->items[a].excess;
        if (anchors->items[a].place == place) {
            there.items[there.n++] = anchors->items[a];
            sum += anchors->items[a].excess;
        }
    }
    *ret_token = -1;
    if (there.n == 0 || identity == FRAME_BY_PLACE)
        return sum / total;
    const Pool pool = scope_pool(arena, &there, FRAME_BY_TOKEN);
    *ret_token = pool.items->identity;
    return sum / total * pool.items->share;
}

/* The rules after `none`, in their order. */
static FrameType label(Arena *arena, const FrameInput *input, const Scope *scope, const Pool *pool,
                       FrameIdentity identity, const double *values)
{
    const Anchors *anchors = &scope->anchors;
    int32_t start_token, end_token;
    const double start = share_at(arena, anchors, 0, identity, &start_token);
    const double end = share_at(arena, anchors, input->length - 1, identity, &end_token);
    const int are_two = identity == FRAME_BY_PLACE ? input->length > 1 : start_token != end_token;
    if (scope->sees_later && are_two && start + end >= values[RULE_PAIR] && fmin(start, end) >= values[RULE_PAIR_SIDE])
        return FRAME_BIDIRECTIONAL;
    if (pool->items->share >= values[RULE_ONE])
        return FRAME_CENTRALIZED;
    /* Many anchors; or each pair has its one, and they are not the same: that would have been centralized. */
    if (pool->effective >= values[RULE_MANY] || pool->top_share >= values[RULE_ONE])
        return FRAME_DISTRIBUTED;
    return FRAME_OTHER;
}

void frame_classify_by(Arena *arena, const FrameInput *input, int layer, int head, const double values[RULE_COUNT],
                       Frame *ret_frame)
{
    const Scope scope = scope_of(arena, input, layer, head, values);
    Frame frame = {.by_token = input->tokens ? FRAME_NONE : FRAME_COUNT,
                   .n_anchors = scope.n_anchors,
                   .effective_anchors = NAN,
                   .start_share = NAN,
                   .end_share = NAN,
                   .place_excess = NAN,
                   .token_excess = NAN,
                   .n_places = NAN,
                   .n_tokens = NAN,
                   .place_share = NAN,
                   .token_share = NAN,
                   .token = -1};
    if (scope.n_heads > 0) {
        const Anchors *anchors = &scope.anchors;
        const Pool places = scope_pool(arena, anchors, FRAME_BY_PLACE);
        int32_t token;
        frame.by_position = label(arena, input, &scope, &places, FRAME_BY_PLACE, values);
        frame.effective_anchors = scope_effective(arena, input, &scope, values);
        frame.start_share = share_at(arena, anchors, 0, FRAME_BY_PLACE, &token);
        frame.end_share = share_at(arena, anchors, input->length - 1, FRAME_BY_PLACE, &token);
        frame.place_excess = places.items->share, frame.n_places = places.effective;
        frame.place_share = places.items->top_share;
        frame.place = scope_place(arena, input, &scope, places.items->identity, values, &frame.place_checked);
        if (input->tokens) {
            const Pool tokens = scope_pool(arena, anchors, FRAME_BY_TOKEN);
            frame.by_token = label(arena, input, &scope, &tokens, FRAME_BY_TOKEN, values);
            frame.token = tokens.items->identity;
            frame.token_excess = tokens.items->share, frame.n_tokens = tokens.effective;
            frame.token_share = tokens.items->top_share;
        }
    }
    *ret_frame = frame;
}

static void declared_values(double ret_values[RULE_COUNT])
{
    for (int r = 0; r < RULE_COUNT; r++)
        ret_values[r] = frame_rules[r].value;
}

int frame_anchors(Arena *arena, const FrameInput *input, int layer, int head, FrameIdentity identity,
                  FrameAnchor **ret_anchors)
{
    double values[RULE_COUNT];
    declared_values(values);
    const Scope scope = scope_of(arena, input, layer, head, values);
    *ret_anchors = NULL;
    if (scope.n_heads == 0 || (identity == FRAME_BY_TOKEN && !input->tokens))
        return 0;
    const Pool pool = scope_pool(arena, &scope.anchors, identity);
    for (int i = 0; i < pool.n && identity == FRAME_BY_PLACE; i++)
        pool.items[i].identity =
            scope_place(arena, input, &scope, pool.items[i].identity, values, &pool.items[i].is_checked);
    *ret_anchors = pool.items;
    return pool.n;
}

void frame_classify(Arena *arena, const FrameInput *input, int layer, int head, Frame *ret_frame)
{
    double values[RULE_COUNT];
    declared_values(values);
    frame_classify_by(arena, input, layer, head, values, ret_frame);
}
