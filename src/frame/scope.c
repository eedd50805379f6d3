/* See scope.h. */
#include "frame/scope.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- anchors of a set ---- */

/* One of the two measuring sets, as a head looks at it. */
typedef struct {
    int n, n_heads, length; /* n_heads: L*H */
    int is_ragged;
    const Visible *visible; /* (1), ragged (N,) */
    const float *afar, *baseline;
    const int32_t *tokens;
    int first, stride;
    int distance;         /* of DISTANCES, the one that rules ask for */
    const double *values; /* (RULE_COUNT) */
    uint8_t *is_counted;  /* (1), ragged (N,): whether a sequence has keys enough to say what frame it has */
} Set;

enum { LEAST_KEYS = 3 }; /* as many anchors tell a distributed frame from the others */

static const Visible *visible_of(const Set *set, int sequence)
{
    return set->visible + (set->is_ragged ? sequence : 0);
}

static int length_of(const Set *set, int sequence)
{
    return visible_of(set, sequence)->length;
}

/* The stored distance that is nearest to a share of the sequence. */
static int distance_of(double share)
{
    const int d = (int)lround(8 * share) - 1;
    return d < 0 ? 0 : d < DISTANCES ? d : DISTANCES - 1;
}

static int is_served(const Set *set, int sequence, int k)
{
    return visible_serves(visible_of(set, sequence), k, set->distance, set->values[RULE_ANCHOR_QUERIES],
                          set->values[RULE_ANCHOR_LATER]);
}

static Set set_of(Arena *arena, const FrameInput *input, int is_half, const double *values)
{
    Set set = {.n_heads = input->n_layers * input->n_heads, .first = input->first, .stride = input->stride};
    set.n = is_half ? input->half_n : input->n;
    set.visible = is_half ? input->half_visible : input->visible;
    set.length = is_half ? set.visible->length : input->length;
    set.is_ragged = !is_half && input->is_ragged;
    set.afar = is_half ? input->half_afar : input->afar;
    set.baseline = is_half ? input->half_baseline : input->baseline;
    set.tokens = is_half ? input->half_tokens : input->tokens;
    set.distance = distance_of(values[RULE_AFAR]);
    set.values = values;
    set.is_counted = ARENA_ARRAY(arena, uint8_t, set.is_ragged ? set.n : 1);
    for (int s = set.is_ragged ? set.first : 0; s < (set.is_ragged ? set.n : 1); s += set.stride) {
        int n_served = 0;
        for (int k = 0; k < length_of(&set, s); k++)
            n_served += is_served(&set, s, k);
        set.is_counted[s] = set.afar && n_served >= LEAST_KEYS;
    }
    return set;
}

/* Sequences that are too short to tell frames apart say nothing about whether there is one. */
static int is_counted(const Set *set, int sequence)
{
    return set->is_counted[set->is_ragged ? sequence : 0];
}

/* Whether a key may be an anchor. */
static int is_eligible(const Set *set, int sequence, int k)
{
    return is_counted(set, sequence) && is_served(set, sequence, k);
}

static const float *importance_of(const Set *set, int sequence, int head)
{
    return set->afar + (((size_t)sequence * set->n_heads + head) * DISTANCES + set->distance) * set->length;
}

static double baseline_of(const Set *set, int sequence, int head, int k)
{
    const size_t own = set->is_ragged ? (size_t)sequence * set->n_heads : 0;
    return set->baseline[((own + head) * DISTANCES + set->distance) * set->length + k];
}

static double excess_of(const Set *set, int sequence, int head, int k)
{
    return (double)importance_of(set, sequence, head)[k] - baseline_of(set, sequence, head, k);
}

static int is_anchor(const Set *set, int sequence, int head, int k)
{
    if (!is_eligible(set, sequence, k))
        return 0;
    const double a = importance_of(set, sequence, head)[k], baseline = baseline_of(set, sequence, head, k);
    return a > set->values[RULE_ANCHOR_LEAST] && a > set->values[RULE_ANCHOR_RATIO] * baseline;
}

/* How many anchors a head has over the sequences; ret_present: share of sequences with one. */
static int count_anchors(const Set *set, int head, double *ret_present)
{
    int n = 0, n_with = 0, n_sequences = 0;
    for (int s = set->first; s < set->n; s += set->stride) {
        int own = 0;
        for (int k = 0; k < length_of(set, s); k++)
            own += is_anchor(set, s, head, k);
        n += own, n_with += own > 0, n_sequences += is_counted(set, s);
    }
    *ret_present = n_sequences ? (double)n_with / n_sequences : 0;
    return n;
}

/* Where a key of a shorter sequence lies among the places of the longest; the first and the last stay what they are. */
static int aligned_place(const Set *set, int sequence, int k, Alignment alignment)
{
    const int shift = set->length - length_of(set, sequence);
    const int is_from_end = k > 0 && (alignment == FROM_END || k == length_of(set, sequence) - 1);
    return is_from_end ? k + shift : k;
}

static Anchors collect_anchors(Arena *arena, const Set *set, int n_heads, const int *heads, Alignment alignment)
{
    int n = 0, unit = 0;
    double present;
    for (int h = 0; h < n_heads; h++)
        n += count_anchors(set, heads[h], &present);
    Anchors anchors = {ARENA_ARRAY(arena, Anchor, n), 0};
    for (int s = set->first; s < set->n; s += set->stride)
        for (int h = 0; h < n_heads; h++, unit++)
            for (int k = 0; k < length_of(set, s); k++)
                if (is_anchor(set, s, heads[h], k))
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

static int32_t identity_of(const Anchor *anchor, FrameIdentity identity)
{
    return identity == FRAME_BY_PLACE ? anchor->place : anchor->token;
}

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

static int compare_identities(const void *left, const void *right)
{
    const FrameAnchor *a = left, *b = right;
    return a->identity != b->identity ? (a->identity > b->identity) - (a->identity < b->identity) : 0;
}

static int compare_shares(const void *left, const void *right)
{
    const FrameAnchor *a = left, *b = right;
    return a->share != b->share ? (a->share < b->share) - (a->share > b->share) : compare_identities(left, right);
}

/* Anchors [first, end) are one pair's: their excess on one identity, the largest such sum. */
static double largest_of_unit(const Anchors *anchors, int first, int end, FrameIdentity identity)
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

/* What pairs say: whose top anchor (largest importance) has which identity. The pool's items are still by identity. */
static void pool_units(const Anchors *anchors, FrameIdentity identity, double total, Pool *pool)
{
    int n_units = 0;
    double tops = 0;
    for (int first = 0, end = 0; first < anchors->n; first = end) {
        int top = first;
        for (end = first; end < anchors->n && anchors->items[end].unit == anchors->items[first].unit; end++)
            top = anchors->items[end].importance > anchors->items[top].importance ? end : top;
        tops += largest_of_unit(anchors, first, end, identity);
        const FrameAnchor key = {.identity = identity_of(&anchors->items[top], identity)};
        FrameAnchor *item = bsearch(&key, pool->items, (size_t)pool->n, sizeof key, compare_identities);
        item->top_share += 1;
        n_units++;
    }
    for (int i = 0; i < pool->n; i++)
        pool->items[i].top_share /= n_units;
    pool->top_share = tops / total;
}

Pool scope_pool(Arena *arena, const Anchors *anchors, FrameIdentity identity)
{
    Weight *weights = ARENA_ARRAY(arena, Weight, anchors->n);
    Pool pool = {.items = ARENA_ARRAY(arena, FrameAnchor, anchors->n)};
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
        share = fmin(share, 1); /* a sum of shares, which may round above */
        pool.items[pool.n++] = (FrameAnchor){
            .identity = weights[first].identity, .is_checked = 1, .n_anchors = end - first, .share = share};
    }
    pool.effective = exp(entropy);
    pool_units(anchors, identity, total, &pool);
    qsort(pool.items, (size_t)pool.n, sizeof *pool.items, compare_shares);
    return pool;
}

/* ---- scopes ---- */

/* Anchors of sequences of several lengths, laid the way that gives one place more. */
static void align(Arena *arena, const Set *set, Scope *scope)
{
    const Anchors from_end = collect_anchors(arena, set, scope->n_heads, scope->heads, FROM_END);
    if (from_end.n == 0)
        return;
    const double start = scope_pool(arena, &scope->anchors, FRAME_BY_PLACE).items->share;
    const double end = scope_pool(arena, &from_end, FRAME_BY_PLACE).items->share;
    scope->is_decided = start != end;
    if (end > start)
        scope->anchors = from_end, scope->alignment = FROM_END;
}

Scope scope_of(Arena *arena, const FrameInput *input, int layer, int head, const double *values)
{
    assert(input->stride >= 1 && input->first >= 0 && !(input->is_ragged && input->half_visible));
    const Set set = set_of(arena, input, 0, values);
    const int begin = layer < 0 ? 0 : layer * input->n_heads + (head < 0 ? 0 : head);
    const int end = layer < 0 ? set.n_heads : head < 0 ? begin + input->n_heads : begin + 1;
    Scope scope = {.heads = ARENA_ARRAY(arena, int, end - begin)};
    int n_anchors = 0;
    for (int s = set.is_ragged ? set.first : 0; s < (set.is_ragged ? set.n : 1); s += set.stride)
        scope.sees_later |= set.visible[s].sees_later;
    for (int s = set.first; s < set.n; s += set.stride)
        scope.n_sequences += is_counted(&set, s);
    for (int h = begin; h < end; h++) {
        double present;
        n_anchors += count_anchors(&set, h, &present);
        scope.present = fmax(scope.present, present);
        if (present > 0 && present >= values[RULE_PRESENT])
            scope.heads[scope.n_heads++] = h;
    }
    scope.n_anchors = scope.n_sequences ? (double)n_anchors / scope.n_sequences / (end - begin) : (double)NAN;
    scope.anchors = collect_anchors(arena, &set, scope.n_heads, scope.heads, FROM_START);
    if (set.is_ragged)
        align(arena, &set, &scope);
    return scope;
}

double scope_effective(Arena *arena, const FrameInput *input, const Scope *scope, const double *values)
{
    const Set own = set_of(arena, input, 0, values), *set = &own;
    double *excess = ARENA_ARRAY(arena, double, set->length), sum = 0;
    int n = 0;
    for (int s = set->first; s < set->n; s += set->stride) {
        int has_anchor = 0;
        double total = 0, entropy = 0;
        memset(excess, 0, (size_t)set->length * sizeof *excess);
        for (int h = 0; h < scope->n_heads; h++)
            for (int k = 0; k < length_of(set, s); k++) {
                if (!is_eligible(set, s, k))
                    continue;
                has_anchor |= is_anchor(set, s, scope->heads[h], k);
                excess[k] += fmax(0, excess_of(set, s, scope->heads[h], k));
            }
        for (int k = 0; k < length_of(set, s); k++)
            total += excess[k];
        for (int k = 0; k < length_of(set, s) && has_anchor; k++)
            entropy -= excess[k] > 0 ? excess[k] / total * log(excess[k] / total) : 0;
        sum += has_anchor ? exp(entropy) : 0;
        n += has_anchor;
    }
    return n ? sum / n : NAN;
}

int scope_place(Arena *arena, const FrameInput *input, const Scope *scope, int place, const double *values,
                int *ret_checked)
{
    *ret_checked = place == 0 || place == input->length - 1;
    if (input->is_ragged && !*ret_checked) {
        *ret_checked = scope->is_decided;
        return scope->alignment == FROM_END ? place - input->length : place;
    }
    if (*ret_checked || !input->half_visible)
        return *ret_checked && place > 0 ? -1 : place;
    const Set half = set_of(arena, input, 1, values);
    const Anchors anchors = collect_anchors(arena, &half, scope->n_heads, scope->heads, FROM_START);
    double from_start = 0, from_end = 0;
    for (int a = 0; a < anchors.n; a++) {
        from_start += anchors.items[a].place == place ? anchors.items[a].excess : 0;
        from_end += anchors.items[a].place - half.length == place - input->length ? anchors.items[a].excess : 0;
    }
    *ret_checked = from_start != from_end;
    return from_end > from_start ? place - input->length : place;
}
