/* The labels that follow from the declared rules (rules.c).
 *
 * An anchor's excess is e_k = a_k - baseline_k. A head whose sequences mostly lack anchors is none and adds nothing to
 * its layer or to the model; the others' excesses are pooled over sequences and heads:
 *
 *   P(x) = sum of e over anchors with identity x / sum of all e,   x a position, or a token id
 *
 * so that the share of one identity is large only if single anchors hold most of the excess *and* sequences and heads
 * choose the same one. exp(entropy of P) is the effective number of identities. Where sequences differ in length, places
 * are laid over the longest's, once from the start and once from the end, the ends always on its ends; the way
 * that gives one place the larger share is taken.
 */
#include "frame/frame.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- anchors of a set ---- */

/* One of the two measuring sets, as a head looks at it. */
typedef struct {
    int n, n_heads, length, is_causal; /* n_heads: L*H */
    const int *lengths;
    double queries, later; /* that a causal key needs behind it: so many, and as a share of the sequence */
    const float *importance, *baseline;
    const int32_t *tokens;
    int first, stride;
} Set;

typedef struct {
    int unit; /* its (sequence, head) pair */
    int32_t place, token;
    double importance, excess;
} Anchor;

typedef struct {
    Anchor *items;
    int n;
} Anchors;

static Set set_of(const FrameInput *input, int is_half, const double *values)
{
    Set set = {.n_heads = input->n_layers * input->n_heads, .first = input->first, .stride = input->stride};
    set.n = is_half ? input->half_n : input->n;
    set.length = is_half ? input->half_length : input->length;
    set.lengths = is_half ? NULL : input->lengths;
    set.is_causal = input->is_causal;
    set.queries = values[RULE_ANCHOR_QUERIES], set.later = values[RULE_ANCHOR_LATER];
    set.importance = is_half ? input->half_importance : input->importance;
    set.baseline = is_half ? input->half_baseline : input->baseline;
    set.tokens = is_half ? input->half_tokens : input->tokens;
    return set;
}

static int length_of(const Set *set, int sequence)
{
    return set->lengths ? set->lengths[sequence] : set->length;
}

/* Keys [0, this) may be anchors. */
static int eligible_end(const Set *set, int sequence)
{
    const int length = length_of(set, sequence);
    const double later = fmax(set->queries, set->later * length);
    return !set->is_causal ? length : length > later ? length - (int)ceil(later) : 0;
}

/* Of sequences of several lengths, those that are too short for any anchor say nothing about whether there are some. */
static int is_counted(const Set *set, int sequence)
{
    return !set->lengths || eligible_end(set, sequence) > 0;
}

static const float *importance_of(const Set *set, int sequence, int head)
{
    return set->importance + ((size_t)sequence * set->n_heads + head) * set->length;
}

static double baseline_of(const Set *set, int sequence, int head, int k)
{
    const size_t own = set->lengths ? (size_t)sequence * set->n_heads : 0;
    return set->baseline[(own + head) * set->length + k];
}

static double excess_of(const Set *set, int sequence, int head, int k)
{
    return (double)importance_of(set, sequence, head)[k] - baseline_of(set, sequence, head, k);
}

static int is_anchor(const Set *set, int sequence, int head, int k, const double *values)
{
    const double a = importance_of(set, sequence, head)[k], baseline = baseline_of(set, sequence, head, k);
    return a > values[RULE_ANCHOR_LEAST] && a > values[RULE_ANCHOR_RATIO] * baseline;
}

/* How many anchors a head has over the sequences; ret_present: share of sequences with one. */
static int count_anchors(const Set *set, int head, const double *values, double *ret_present)
{
    int n = 0, n_with = 0, n_sequences = 0;
    for (int s = set->first; s < set->n; s += set->stride) {
        int own = 0;
        for (int k = 0; k < eligible_end(set, s); k++)
            own += is_anchor(set, s, head, k, values);
        n += own, n_with += own > 0, n_sequences += is_counted(set, s);
    }
    *ret_present = n_sequences ? (double)n_with / n_sequences : 0;
    return n;
}

/* How the places of a shorter sequence are laid over those of the longest. */
typedef enum { FROM_START, FROM_END } Alignment;

static int aligned_place(const Set *set, int sequence, int k, Alignment alignment)
{
    const int shift = set->length - length_of(set, sequence);
    const int is_from_end = k > 0 && (alignment == FROM_END || k == length_of(set, sequence) - 1);
    return is_from_end ? k + shift : k;
}

/* All anchors of the heads, by sequence, then head, then place. */
static Anchors collect_anchors(Arena *arena, const Set *set, int n_heads, const int *heads, Alignment alignment,
                               const double *values)
{
    int n = 0, unit = 0;
    double present;
    for (int h = 0; h < n_heads; h++)
        n += count_anchors(set, heads[h], values, &present);
    Anchors anchors = {ARENA_ARRAY(arena, Anchor, n), 0};
    for (int s = set->first; s < set->n; s += set->stride)
        for (int h = 0; h < n_heads; h++, unit++)
            for (int k = 0; k < eligible_end(set, s); k++)
                if (is_anchor(set, s, heads[h], k, values))
                    anchors.items[anchors.n++] = (Anchor){
                        .unit = unit,
                        .place = aligned_place(set, s, k, alignment),
                        .token = set->tokens ? set->tokens[(size_t)s * set->length + k] : -1,
                        .importance = importance_of(set, s, heads[h])[k],
                        .excess = excess_of(set, s, heads[h], k),
                    };
    return anchors;
}

/* ---- pooling by identity ---- */

typedef enum { BY_PLACE, BY_TOKEN } Identity;

static int32_t identity_of(const Anchor *anchor, Identity identity)
{
    return identity == BY_PLACE ? anchor->place : anchor->token;
}

typedef struct {
    int32_t mode;     /* the identity with the largest share, the smallest such */
    double share;     /* of it in the summed excess */
    double effective; /* exp(entropy of the shares) */
    double top_share; /* of the summed excess that each pair's own largest identity holds */
    double units;     /* share of pairs whose top anchor (largest importance) has the mode as its identity */
} Pool;

typedef struct {
    int32_t identity;
    int index; /* keeps the order of equal ones, so that sums have one order everywhere */
    double excess;
} Weight;

static int compare_weights(const void *left, const void *right)
{
    const Weight *a = left, *b = right;
    return a->identity != b->identity ? (a->identity > b->identity) - (a->identity < b->identity) : a->index - b->index;
}

/* Anchors [first, end) are one pair's: their excess on one identity, the largest such sum. */
static double largest_of_unit(const Anchors *anchors, int first, int end, Identity identity)
{
    double largest = 0;
    for (int a = first; a < end; a++) {
        double sum = 0;
        for (int b = first; b < end; b++)
            if (identity_of(&anchors->items[a], identity) == identity_of(&anchors->items[b], identity))
                sum += anchors->items[b].excess;
        largest = fmax(largest, sum);
    }
    return largest;
}

static void pool_units(const Anchors *anchors, Identity identity, double total, Pool *pool)
{
    int n_units = 0, n_modal = 0;
    double tops = 0;
    for (int first = 0, end = 0; first < anchors->n; first = end) {
        int top = first;
        for (end = first; end < anchors->n && anchors->items[end].unit == anchors->items[first].unit; end++)
            top = anchors->items[end].importance > anchors->items[top].importance ? end : top;
        tops += largest_of_unit(anchors, first, end, identity);
        n_modal += identity_of(&anchors->items[top], identity) == pool->mode;
        n_units++;
    }
    pool->top_share = tops / total;
    pool->units = (double)n_modal / n_units;
}

/* At least one anchor. */
static Pool pool_by(Arena *arena, const Anchors *anchors, Identity identity)
{
    Weight *weights = ARENA_ARRAY(arena, Weight, anchors->n);
    Pool pool = {.mode = -1};
    double total = 0, entropy = 0;
    for (int a = 0; a < anchors->n; a++) {
        weights[a] = (Weight){identity_of(&anchors->items[a], identity), a, anchors->items[a].excess};
        total += weights[a].excess;
    }
    qsort(weights, (size_t)anchors->n, sizeof *weights, compare_weights);
    for (int first = 0, end = 0; first < anchors->n; first = end) {
        double share = 0;
        for (end = first; end < anchors->n && weights[end].identity == weights[first].identity; end++)
            share += weights[end].excess / total;
        entropy -= share * log(share);
        if (share > pool.share)
            pool.share = share, pool.mode = weights[first].identity;
    }
    pool.effective = exp(entropy);
    pool_units(anchors, identity, total, &pool);
    return pool;
}

/* Share of the summed excess at a place; with by_token, of anchors there that have the place's modal token. */
static double share_at(Arena *arena, const Anchors *anchors, int place, Identity identity, int32_t *ret_token)
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
    if (there.n == 0 || identity == BY_PLACE)
        return sum / total;
    const Pool pool = pool_by(arena, &there, BY_TOKEN);
    *ret_token = pool.mode;
    return sum / total * pool.share;
}

/* ---- labels ---- */

/* The rules after `none`, in their order. */
static FrameType label(Arena *arena, const FrameInput *input, const Anchors *anchors, const Pool *pool,
                       Identity identity, const double *values)
{
    int32_t start_token, end_token;
    const double start = share_at(arena, anchors, 0, identity, &start_token);
    const double end = share_at(arena, anchors, input->length - 1, identity, &end_token);
    const int are_two = identity == BY_PLACE ? input->length > 1 : start_token != end_token;
    if (!input->is_causal && are_two && start + end >= values[RULE_PAIR] && fmin(start, end) >= values[RULE_PAIR_SIDE])
        return FRAME_BIDIRECTIONAL;
    if (pool->share >= values[RULE_ONE])
        return FRAME_CENTRALIZED;
    /* Many anchors; or each pair has its one, and they are not the same: that would have been centralized. */
    if (pool->effective >= values[RULE_MANY] || pool->top_share >= values[RULE_ONE])
        return FRAME_DISTRIBUTED;
    return FRAME_OTHER;
}

/* exp(entropy of max(0, excess)) of a sequence, the heads' excesses added; its mean over sequences with an anchor. */
static double effective_anchors(Arena *arena, const Set *set, int n_heads, const int *heads, const double *values)
{
    double *excess = ARENA_ARRAY(arena, double, set->length), sum = 0;
    int n = 0;
    for (int s = set->first; s < set->n; s += set->stride) {
        int has_anchor = 0;
        double total = 0, entropy = 0;
        memset(excess, 0, (size_t)set->length * sizeof *excess);
        for (int h = 0; h < n_heads; h++)
            for (int k = 0; k < eligible_end(set, s); k++) {
                has_anchor |= is_anchor(set, s, heads[h], k, values);
                excess[k] += fmax(0, excess_of(set, s, heads[h], k));
            }
        for (int k = 0; k < eligible_end(set, s); k++)
            total += excess[k];
        for (int k = 0; k < eligible_end(set, s) && has_anchor; k++)
            entropy -= excess[k] > 0 ? excess[k] / total * log(excess[k] / total) : 0;
        sum += has_anchor ? exp(entropy) : 0;
        n += has_anchor;
    }
    return n ? sum / n : NAN;
}

/* Start- or end-relative: as the set of length T/2 has more excess at the one or at the other. */
static int signed_place(Arena *arena, const FrameInput *input, int n_heads, const int *heads, int place,
                        const double *values, int *ret_checked)
{
    *ret_checked = place == 0 || place == input->length - 1;
    if (*ret_checked || input->half_length == 0)
        return *ret_checked && place > 0 ? -1 : place;
    const Set set = set_of(input, 1, values);
    const Anchors anchors = collect_anchors(arena, &set, n_heads, heads, FROM_START, values);
    double from_start = 0, from_end = 0;
    for (int a = 0; a < anchors.n; a++) {
        from_start += anchors.items[a].place == place ? anchors.items[a].excess : 0;
        from_end += anchors.items[a].place - set.length == place - input->length ? anchors.items[a].excess : 0;
    }
    *ret_checked = from_start != from_end;
    return from_end > from_start ? place - input->length : place;
}

/* Anchors pooled by place; with several lengths, laid the way that concentrates them more. */
typedef struct {
    Anchors anchors;
    Pool places;
    Alignment alignment;
    int is_decided; /* the one way is not as good as the other */
} Placed;

static Placed place_anchors(Arena *arena, const Set *set, int n_heads, const int *heads, const double *values)
{
    Placed best = {.alignment = FROM_START};
    best.anchors = collect_anchors(arena, set, n_heads, heads, FROM_START, values);
    best.places = pool_by(arena, &best.anchors, BY_PLACE);
    if (!set->lengths)
        return best;
    Placed other = {.alignment = FROM_END};
    other.anchors = collect_anchors(arena, set, n_heads, heads, FROM_END, values);
    other.places = pool_by(arena, &other.anchors, BY_PLACE);
    best.is_decided = other.is_decided = other.places.share != best.places.share;
    return other.places.share > best.places.share ? other : best;
}

/* signed_place where sequences differ in length, and so decide themselves. */
static int placed_from(const FrameInput *input, const Placed *placed, int *ret_checked)
{
    const int place = placed->places.mode, is_last = place > 0 && place == input->length - 1;
    *ret_checked = place == 0 || is_last || placed->is_decided;
    return is_last || (place > 0 && placed->alignment == FROM_END) ? place - input->length : place;
}

void frame_classify_by(Arena *arena, const FrameInput *input, int layer, int head, const double values[RULE_COUNT],
                       Frame *ret_frame)
{
    assert(input->stride >= 1 && input->first >= 0 && !(input->lengths && input->half_length));
    const Set set = set_of(input, 0, values);
    const int begin = layer < 0 ? 0 : layer * input->n_heads + (head < 0 ? 0 : head);
    const int end = layer < 0 ? set.n_heads : head < 0 ? begin + input->n_heads : begin + 1;
    int *heads = ARENA_ARRAY(arena, int, end - begin), n_heads = 0, n_sequences = 0, n_anchors = 0;
    for (int s = set.first; s < set.n; s += set.stride)
        n_sequences += is_counted(&set, s);
    for (int h = begin; h < end; h++) {
        double present;
        n_anchors += count_anchors(&set, h, values, &present);
        if (present > 0 && present >= values[RULE_PRESENT])
            heads[n_heads++] = h;
    }
    Frame frame = {.by_token = input->tokens ? FRAME_NONE : FRAME_COUNT,
                   .n_anchors = n_sequences ? (double)n_anchors / n_sequences / (end - begin) : (double)NAN,
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
    if (n_heads > 0) {
        const Placed placed = place_anchors(arena, &set, n_heads, heads, values);
        const Anchors anchors = placed.anchors;
        const Pool places = placed.places;
        int32_t token;
        frame.by_position = label(arena, input, &anchors, &places, BY_PLACE, values);
        frame.effective_anchors = effective_anchors(arena, &set, n_heads, heads, values);
        frame.start_share = share_at(arena, &anchors, 0, BY_PLACE, &token);
        frame.end_share = share_at(arena, &anchors, input->length - 1, BY_PLACE, &token);
        frame.place_excess = places.share, frame.n_places = places.effective, frame.place_share = places.units;
        frame.place = set.lengths ? placed_from(input, &placed, &frame.place_checked)
                                  : signed_place(arena, input, n_heads, heads, places.mode, values, &frame.place_checked);
        if (input->tokens) {
            const Pool tokens = pool_by(arena, &anchors, BY_TOKEN);
            frame.by_token = label(arena, input, &anchors, &tokens, BY_TOKEN, values);
            frame.token = tokens.mode;
            frame.token_excess = tokens.share, frame.n_tokens = tokens.effective, frame.token_share = tokens.units;
        }
    }
    *ret_frame = frame;
}

void frame_classify(Arena *arena, const FrameInput *input, int layer, int head, Frame *ret_frame)
{
    double values[RULE_COUNT];
    for (int r = 0; r < RULE_COUNT; r++)
        values[r] = frame_rules[r].value;
    frame_classify_by(arena, input, layer, head, values, ret_frame);
}
