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

/* What the rules ask, each a statistic that must reach a threshold. */
enum { IS_PRESENT, ENDS_HOLD, ENDS_SHARE, ONE_HOLDS, TWO_HOLD, TWO_SHARE, ARE_MANY, EACH_HAS_ONE, N_QUESTIONS };

typedef struct {
    double statistic, threshold;
    RuleIndex rule;
} Question;

/* The rules, in their order. */
static FrameType label_by(const int holds[N_QUESTIONS])
{
    if (!holds[IS_PRESENT])
        return FRAME_NONE;
    if (holds[ENDS_HOLD] && holds[ENDS_SHARE])
        return FRAME_BIDIRECTIONAL;
    if (holds[ONE_HOLDS])
        return FRAME_CENTRALIZED;
    if (holds[TWO_HOLD] && holds[TWO_SHARE])
        return FRAME_DUAL;
    /* Many anchors; or each pair has its one, and they are not the same: that would have been centralized. */
    return holds[ARE_MANY] || holds[EACH_HAS_ONE] ? FRAME_DISTRIBUTED : FRAME_OTHER;
}

/* Without heads that have a frame all but the first ask in vain. */
static void ask(Arena *arena, const FrameInput *input, const Scope *scope, const Pool *pool, FrameIdentity identity,
                const double *values, Question ret_questions[N_QUESTIONS])
{
    double start = 0, end = 0;
    if (scope->n_heads > 0 && scope->sees_later) {
        int32_t start_token, end_token;
        start = share_at(arena, &scope->anchors, 0, identity, &start_token);
        end = share_at(arena, &scope->anchors, input->length - 1, identity, &end_token);
        if (identity == FRAME_BY_PLACE ? input->length == 1 : start_token == end_token)
            start = end = 0; /* one anchor, not two */
    }
    const double first = pool->n > 0 ? pool->items[0].share : 0, second = pool->n > 1 ? pool->items[1].share : 0;
    const Question questions[N_QUESTIONS] = {
        [IS_PRESENT] = {scope->present, values[RULE_PRESENT], RULE_PRESENT},
        [ENDS_HOLD] = {start + end, values[RULE_PAIR], RULE_PAIR},
        [ENDS_SHARE] = {fmin(start, end), values[RULE_PAIR_SIDE], RULE_PAIR_SIDE},
        [ONE_HOLDS] = {first, values[RULE_ONE], RULE_ONE},
        [TWO_HOLD] = {first + second, values[RULE_TWO], RULE_TWO},
        [TWO_SHARE] = {second, values[RULE_TWO_SIDE], RULE_TWO_SIDE},
        /* of inverses, so that all are shares: few is large */
        [ARE_MANY] = {pool->n > 0 ? -1 / pool->effective : -1, -1 / values[RULE_MANY], RULE_MANY},
        [EACH_HAS_ONE] = {pool->n > 0 ? pool->top_share : 0, values[RULE_ONE], RULE_ONE},
    };
    for (int q = 0; q < N_QUESTIONS; q++)
        ret_questions[q] = questions[q];
}

/* The label, and how far the nearest other one is: each answer is turned around, the others as they are. */
static FrameType answer(const Scope *scope, const Question questions[N_QUESTIONS], FrameMargin *ret_margin)
{
    int holds[N_QUESTIONS] = {0};
    FrameMargin margin = {.least = NAN, .nearest = -1, .agreement = NAN};
    for (int q = 0; q < N_QUESTIONS; q++)
        holds[q] = questions[q].statistic >= questions[q].threshold;
    holds[IS_PRESENT] = scope->n_heads > 0;
    const FrameType type = label_by(holds);
    for (int q = 0; q < N_QUESTIONS; q++) {
        const double distance = fabs(questions[q].statistic - questions[q].threshold);
        holds[q] = !holds[q];
        if (label_by(holds) != type && !(margin.least <= distance))
            margin.least = distance, margin.nearest = (int)questions[q].rule;
        holds[q] = !holds[q];
    }
    *ret_margin = margin;
    return type;
}

static FrameType label(Arena *arena, const FrameInput *input, const Scope *scope, const Pool *pool,
                       FrameIdentity identity, const double *values, FrameMargin *ret_margin)
{
    Question questions[N_QUESTIONS];
    ask(arena, input, scope, pool, identity, values, questions);
    return answer(scope, questions, ret_margin);
}

void frame_classify_by(Arena *arena, const FrameInput *input, int layer, int head, const double values[RULE_COUNT],
                       Frame *ret_frame)
{
    const Scope scope = scope_of(arena, input, layer, head, values);
    const FrameMargin unknown = {.least = NAN, .nearest = -1, .agreement = NAN};
    const int has_tokens = input->tokens && scope.n_sequences > 0;
    Frame frame = {.by_position = FRAME_COUNT,
                   .by_token = FRAME_COUNT,
                   .position_margin = unknown,
                   .token_margin = unknown,
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
    Pool places = {0}, tokens = {0};
    if (scope.n_heads > 0)
        places = scope_pool(arena, &scope.anchors, FRAME_BY_PLACE);
    if (scope.n_heads > 0 && has_tokens)
        tokens = scope_pool(arena, &scope.anchors, FRAME_BY_TOKEN);
    if (scope.n_sequences > 0)
        frame.by_position = label(arena, input, &scope, &places, FRAME_BY_PLACE, values, &frame.position_margin);
    if (has_tokens)
        frame.by_token = label(arena, input, &scope, &tokens, FRAME_BY_TOKEN, values, &frame.token_margin);
    if (scope.n_heads > 0) {
        const Anchors *anchors = &scope.anchors;
        int32_t token;
        frame.effective_anchors = scope_effective(arena, input, &scope, values);
        frame.start_share = share_at(arena, anchors, 0, FRAME_BY_PLACE, &token);
        frame.end_share = share_at(arena, anchors, input->length - 1, FRAME_BY_PLACE, &token);
        frame.place_excess = places.items->share, frame.n_places = places.effective;
        frame.place_share = places.items->top_share;
        frame.place = scope_place(arena, input, &scope, places.items->identity, values, &frame.place_checked);
        if (has_tokens) {
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

void frame_agree(const FrameInput *input, int layer, int head, Frame *frame)
{
    int n = 0, by_position = 0, by_token = 0;
    for (int s = input->first; s < input->n; s += input->stride) {
        Arena *arena = arena_new();
        FrameInput of_one = *input;
        Frame own;
        of_one.first = s, of_one.stride = input->n;
        of_one.half_visible = NULL; /* which only places ask for */
        frame_classify(arena, &of_one, layer, head, &own);
        arena_free(arena);
        n += own.by_position != FRAME_COUNT;
        by_position += own.by_position != FRAME_COUNT && own.by_position == frame->by_position;
        by_token += own.by_token != FRAME_COUNT && own.by_token == frame->by_token;
    }
    if (n > 0)
        frame->position_margin.agreement = (double)by_position / n;
    if (n > 0 && input->tokens)
        frame->token_margin.agreement = (double)by_token / n;
}
