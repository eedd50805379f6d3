/* Retrieval: items of a Gaussian mixture, each with its label behind it, and one more item, the query, whose label
 * stands somewhere before it (Reddy 2024, arXiv 2312.03002, section 2, as Wu et al. use it: arXiv 2502.01951, section
 * 5).
 *
 *   x_1 y_1 x_2 y_2 ... x_n y_n x_query        x = (mu_k + spread eta) / sqrt(1 + spread^2)
 *
 * mu_k, eta and the vectors of the labels ~ N(0, 1/n_channels) in each channel. Class k of n_classes has label k mod
 * n_labels. Each class of a sequence has `burstiness` of the n items (the last one what is left), in a random order;
 * the query is a new item of the class of the pair that is asked for: the first or the last, each half of the time
 * (`asked: ends`), or any. With `probe: novel` held-out sequences are of classes that no other sequence has, each item
 * of its own, with labels drawn for them; the first, the middle (n/2) or the last pair is asked for, a third each: so
 * the label can come from its place alone, and the losses by group say how well from which.
 *
 * Content of even length begins with a label whose item is cut off. Ids: item 3, query 4, labels from 5. The query
 * alone has a label; all else is idle. BOS and EOS are zero vectors. Centres and labels are drawn from a stream of
 * their own, the same in all runs. No loss is known to be ideal: classes overlap. Normal deviates are drawn in pairs,
 * as in nop.
 */
#include "data/source/source.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { ID_ITEM = TOKEN_CONTENT, ID_QUERY, ID_LABELS };
enum { GROUP_FIRST, GROUP_MIDDLE, GROUP_LAST, GROUP_OTHER };

typedef enum { ASKED_ENDS, ASKED_ANY, ASKED_FIRST, ASKED_LAST } Asked;
typedef enum { PROBE_SAME, PROBE_NOVEL } Probe;

typedef struct {
    int n_channels, n_classes, n_labels, burstiness;
    double spread;
    Asked asked;
    Probe probe;
    real *centres;        /* (n_classes, n_channels) mu */
    real *label_vectors;  /* (n_labels, n_channels) */
    const char **strings; /* (vocab_size,) */
} Retrieval;

static const char *const asked_choices[] = {
    [ASKED_ENDS] = "ends", [ASKED_ANY] = "any", [ASKED_FIRST] = "first", [ASKED_LAST] = "last", NULL};
static const char *const probe_choices[] = {[PROBE_SAME] = "same", [PROBE_NOVEL] = "novel", NULL};
static const char *const groups[] = {
    [GROUP_FIRST] = "first", [GROUP_MIDDLE] = "middle", [GROUP_LAST] = "last", [GROUP_OTHER] = "other", NULL};

static const SchemaRow params[] = {
    {"n_channels", VALUE_INT, "64", 1, 1024, NULL, "width of the vectors; d_model for `input: identity`",
     FIELD(Retrieval, n_channels)},
    {"n_classes", VALUE_INT, "2048", 1, 16384, NULL, "classes of items, K", FIELD(Retrieval, n_classes)},
    {"n_labels", VALUE_INT, "32", 2, 4096, NULL, "different labels, L", FIELD(Retrieval, n_labels)},
    {"burstiness", VALUE_INT, "4", 1, 4096, NULL, "items of each class that a sequence has, B",
     FIELD(Retrieval, burstiness)},
    {"spread", VALUE_NUMBER, "0.75", 0, 100, NULL,
     "of the items of a class about its centre, as a share of that of the centres", FIELD(Retrieval, spread)},
    {"asked", VALUE_CHOICE, "ends", 0, 0, asked_choices,
     "which pair has the query's label: the first or the last, any, the first alone, the last alone",
     FIELD(Retrieval, asked)},
    {"probe", VALUE_CHOICE, "same", 0, 0, probe_choices,
     "what held-out sequences are: as in training; or of new classes, asked for at the first, middle and last pair",
     FIELD(Retrieval, probe)},
};

/* x (n,) += scale times standard normals. */
static void add_normals(Pcg *pcg, int n, double scale, real *x)
{
    double pair[2] = {0, 0};
    for (int c = 0; c < n; c++) {
        if (c % 2 == 0)
            pcg_normal_pair(pcg, pair);
        x[c] += (real)(scale * pair[c % 2]);
    }
}

static real *draw_vectors(Arena *arena, const Retrieval *state, const char *stream, int n)
{
    real *vectors = ARENA_ARRAY(arena, real, (int64_t)n * state->n_channels);
    Pcg pcg = pcg_named(1, stream);
    for (int k = 0; k < n; k++)
        add_normals(&pcg, state->n_channels, 1 / sqrt(state->n_channels), vectors + (size_t)k * state->n_channels);
    return vectors;
}

/* The number of classes of a sequence with so many pairs. */
static int n_classes_of(const Retrieval *state, int n_pairs)
{
    return (n_pairs + state->burstiness - 1) / state->burstiness;
}

static int prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err)
{
    (void)corpus;
    Retrieval *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    if (n_classes_of(state, (length - 1) / 2) > state->n_classes)
        return settings_error(settings, "data.source.n_classes", err,
                              "a sequence of %d pairs, burstiness %d, wants %d different classes: there are %d",
                              (length - 1) / 2, state->burstiness, n_classes_of(state, (length - 1) / 2),
                              state->n_classes);
    state->centres = draw_vectors(arena, state, "data/retrieval/centres", state->n_classes);
    state->label_vectors = draw_vectors(arena, state, "data/retrieval/labels", state->n_labels);
    Vocabulary vocabulary = vocabulary_of_symbols(arena, ID_LABELS - TOKEN_CONTENT, state->n_labels);
    vocabulary.strings[ID_ITEM] = "item", vocabulary.strings[ID_QUERY] = "query";
    for (int l = 0; l < state->n_labels; l++)
        vocabulary.strings[ID_LABELS + l] = arena_format(arena, "y%d", l);
    state->strings = vocabulary.strings;
    *ret_state = state;
    return STATUS_OK;
}

static int vocab_size(const void *state)
{
    return ID_LABELS + ((const Retrieval *)state)->n_labels;
}

static void widths(const void *state, int *ret_in, int *ret_out)
{
    *ret_in = ((const Retrieval *)state)->n_channels;
    *ret_out = 0;
}

/* Classes of the pairs, which stand at every other place from `items` on: each `burstiness` times, then shuffled. */
static void draw_classes(const Retrieval *state, int n_pairs, Pcg *pcg, int32_t *items)
{
    for (int k = 0; k < n_pairs; k++) {
        int is_new = k % state->burstiness == 0;
        items[2 * k] = is_new ? -1 : items[2 * (k - 1)];
        while (is_new) {
            const int32_t class = (int32_t)pcg_below(pcg, (uint32_t)state->n_classes);
            is_new = 0;
            for (int before = 0; before < k; before += state->burstiness)
                is_new |= items[2 * before] == class;
            items[2 * k] = class;
        }
    }
    for (int k = n_pairs - 1; k > 0; k--) {
        const int other = (int)pcg_below(pcg, (uint32_t)k + 1);
        const int32_t class = items[2 * k];
        items[2 * k] = items[2 * other], items[2 * other] = class;
    }
}

static int draw_asked(const Retrieval *state, int is_novel, int n_pairs, Pcg *pcg)
{
    const int places[] = {0, n_pairs - 1, n_pairs / 2};
    if (is_novel || state->asked == ASKED_ENDS)
        return places[pcg_below(pcg, is_novel ? 3 : 2)];
    return state->asked == ASKED_FIRST  ? 0
           : state->asked == ASKED_LAST ? n_pairs - 1
                                        : (int)pcg_below(pcg, (uint32_t)n_pairs);
}

static int group_of(int asked, int n_pairs)
{
    return asked == 0             ? GROUP_FIRST
           : asked == n_pairs - 1 ? GROUP_LAST
           : asked == n_pairs / 2 ? GROUP_MIDDLE
                                  : GROUP_OTHER;
}

/* Position i is an item whose vector is its class's centre: moves it away from there. */
static void spread_item(const Retrieval *state, int i, Pcg *pcg, Sequence *seq)
{
    const int C = state->n_channels;
    real *x = seq->vectors + (size_t)i * C;
    add_normals(pcg, C, state->spread / sqrt(C), x);
    for (int c = 0; c < C; c++)
        x[c] = (real)((double)x[c] / sqrt(1 + state->spread * state->spread));
}

/* Puts the centre of a class at position i; -1: that of a new one. */
static void put_centre(const Retrieval *state, int32_t class, int i, Pcg *pcg, Sequence *seq)
{
    const int C = state->n_channels;
    real *x = seq->vectors + (size_t)i * C;
    if (class >= 0) {
        memcpy(x, state->centres + (size_t) class * C, (size_t)C * sizeof *x);
    } else {
        memset(x, 0, (size_t)C * sizeof *x);
        add_normals(pcg, C, 1 / sqrt(C), x);
    }
}

static void put_label(const Retrieval *state, int32_t label, int i, Sequence *seq)
{
    const size_t C = (size_t)state->n_channels;
    memcpy(seq->vectors + (size_t)i * C, state->label_vectors + (size_t)label * C, C * sizeof(real));
    seq->ids[i] = ID_LABELS + label;
}

static void next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    const Retrieval *state = opaque;
    const int is_novel = part == PART_HELD_OUT && state->probe == PROBE_NOVEL;
    const int n_pairs = (length - 1) / 2, query = first + length - 1, items = query - 2 * n_pairs;
    const size_t C = (size_t)state->n_channels;
    int32_t *classes = seq->labels + items; /* of the items, as long as these have no other use of their labels */
    assert(length >= 1 && query < seq->length);
    for (int i = items; i < query; i++)
        seq->labels[i] = -1;
    if (!is_novel)
        draw_classes(state, n_pairs, pcg, classes);
    if (items > first)
        put_label(state, (int32_t)pcg_below(pcg, (uint32_t)state->n_labels), first, seq);
    const int asked = n_pairs > 0 ? draw_asked(state, is_novel, n_pairs, pcg) : -1;
    if (asked < 0)
        put_centre(state, is_novel ? -1 : (int32_t)pcg_below(pcg, (uint32_t)state->n_classes), query, pcg, seq);
    int32_t answer = 0;
    for (int k = 0; k < n_pairs; k++) {
        const int i = items + 2 * k;
        put_centre(state, classes[2 * k], i, pcg, seq);
        const int32_t label =
            is_novel ? (int32_t)pcg_below(pcg, (uint32_t)state->n_labels) : classes[2 * k] % state->n_labels;
        if (k == asked) {
            memcpy(seq->vectors + (size_t)query * C, seq->vectors + (size_t)i * C, C * sizeof(real));
            answer = label;
        }
        spread_item(state, i, pcg, seq);
        put_label(state, label, i + 1, seq);
        seq->ids[i] = ID_ITEM;
    }
    spread_item(state, query, pcg, seq);
    for (int i = first; i < query; i++) {
        seq->labels[i] = -1;
        seq->flags[i] |= FLAG_IDLE;
    }
    seq->ids[query] = ID_QUERY;
    seq->labels[query] = asked < 0 ? -1 : ID_LABELS + answer;
    seq->groups[query] = asked < 0 ? GROUP_OTHER : (uint8_t)group_of(asked, n_pairs);
}

static void frame(const void *opaque, int i, Sequence *seq)
{
    const size_t C = (size_t)((const Retrieval *)opaque)->n_channels;
    memset(seq->vectors + (size_t)i * C, 0, C * sizeof(real));
}

static const char *token_text(const void *state, int id)
{
    return ((const Retrieval *)state)->strings[id];
}

const Source source_retrieval = {
    .variant = {.name = "retrieval",
                .summary =
                    "vectors: items of a Gaussian mixture and their labels; the label of one more item is asked for",
                .source = "Reddy, arXiv 2312.03002; Wu et al., arXiv 2502.01951, section 5",
                PARAMS(params)},
    .has_labels = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .groups = groups,
    .prepare = prepare,
    .vocab_size = vocab_size,
    .next = next,
    .widths = widths,
    .frame = frame,
    .token_text = token_text,
};
