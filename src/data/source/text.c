/* Windows of the corpus: `length` consecutive tokens from a start drawn uniformly among those where the window fits its
 * part.
 *
 * `window: document` draws among document starts only. Under `bos: document` a BOS stands before each document start
 * that the window holds, under `separator: paragraphs` an EOS before each but the window's first token: [SEP] of BERT
 * (Devlin et al. 2018, arXiv 1810.04805, section 3), which `eos: always` puts at the end, too. Each takes one of the
 * window's places, so such a window reads correspondingly fewer tokens. With `unique_tokens` the training part ends
 * behind so many of its tokens, and each is seen the more often (Gu et al., arXiv 2410.10781, on the amount of data).
 * Under `lengths.kind: documents` a window ends where a document does, once it is long enough.
 * Invariants: a window never leaves its part. Text has no known oracle, and says of no query that it is idle.
 */
#include "data/source/source.h"

typedef struct {
    const Corpus *corpus;
    int starts_at_documents; /* window: document */
    int32_t mark;            /* what stands before a document start: BOS, EOS, or -1 */
    int marks_first;         /* also where the window starts with it */
    int64_t n_train;         /* tokens of the training part that are drawn from */
} TextState;

/* A part's tokens [first, end) and its documents (n,). */
typedef struct {
    int64_t first, end;
    const int64_t *documents;
    int64_t n_documents;
} Span;

/* Index of the first document that starts at or behind `place`. */
static int64_t first_document(const Span *span, int64_t place)
{
    int64_t low = 0, high = span->n_documents;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (span->documents[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static Span span_of(const TextState *state, Part part)
{
    const Corpus *corpus = state->corpus;
    if (part == PART_HELD_OUT)
        return (Span){corpus->n_train, corpus->n, corpus->documents + corpus->n_train_documents,
                      corpus->n_documents - corpus->n_train_documents};
    Span span = {0, state->n_train, corpus->documents, corpus->n_train_documents};
    span.n_documents = first_document(&span, state->n_train);
    return span;
}

/* The number of places where a window of `length` may start. */
static int64_t n_starts(const TextState *state, const Span *span, int length)
{
    int64_t last = span->end - length;
    if (last < span->first)
        return 0;
    return state->starts_at_documents ? first_document(span, last + 1) : last - span->first + 1;
}

static int text_prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                        Error *err)
{
    TextState *state = ARENA_ARRAY(arena, TextState, 1);
    state->corpus = corpus;
    state->starts_at_documents = settings_choice(settings, "data.window") == WINDOW_DOCUMENT;
    state->marks_first = settings_choice(settings, "data.bos") == BOS_DOCUMENT;
    const int separates = settings_choice(settings, "data.separator") == SEPARATOR_PARAGRAPHS;
    state->mark = state->marks_first ? TOKEN_BOS : separates ? TOKEN_EOS : -1;
    const int64_t n_unique = settings_int(settings, "data.unique_tokens");
    state->n_train = n_unique > 0 ? n_unique : corpus->n_train;
    if (n_unique > corpus->n_train)
        return settings_error(settings, "data.unique_tokens", err, "the training part of the text has only %lld tokens",
                              (long long)corpus->n_train);
    if (settings_choice(settings, "data.lengths.kind") == LENGTHS_DOCUMENTS) /* one may be as short as that */
        length -= (int)(settings_int(settings, "model.context_length") - settings_int(settings, "data.lengths.least"));
    for (Part part = PART_TRAIN; part <= PART_HELD_OUT; part++) {
        Span span = span_of(state, part);
        if (n_starts(state, &span, length) > 0)
            continue;
        if (part == PART_TRAIN && n_unique > 0)
            return settings_error(settings, "data.unique_tokens", err,
                                  "no %s among the first %lld tokens has %d behind it",
                                  state->starts_at_documents ? "document start" : "place", (long long)n_unique, length);
        return settings_error(settings, "data.source.files", err,
                              "the %s part of the text is too short: no %s has %d tokens behind it (training part %lld "
                              "tokens, held-out part %lld; see data.held_out, data.window and model.context_length)",
                              part == PART_TRAIN ? "training" : "held-out",
                              state->starts_at_documents ? "document start" : "place", length,
                              (long long)corpus->n_train, (long long)(corpus->n - corpus->n_train));
    }
    *ret_state = state;
    return STATUS_OK;
}

static int text_vocab_size(const void *state)
{
    return ((const TextState *)state)->corpus->vocabulary.size;
}

static int64_t text_n_windows(const void *opaque, Part part, int length)
{
    const TextState *state = opaque;
    const Span span = span_of(state, part);
    return n_starts(state, &span, length);
}

/* A window of `most` tokens, or that ends with the first document to end when there are `least`. Returns how many. */
static int text_next_documents(const void *opaque, Part part, int first, int least, int most, Pcg *pcg, Sequence *seq)
{
    const TextState *state = opaque;
    Span span = span_of(state, part);
    int64_t place = pcg_below(pcg, (uint32_t)n_starts(state, &span, least));
    place = state->starts_at_documents ? span.documents[place] : span.first + place;
    int64_t document = first_document(&span, place + !state->marks_first);
    int n = 0;
    for (int is_marked = 0; n < most; n++) {
        const int is_start = document < span.n_documents && span.documents[document] == place;
        if (n >= least && ((is_start && !is_marked) || place == span.end))
            break;
        if (is_start && state->mark >= 0 && !is_marked) {
            seq->ids[first + n] = state->mark;
            is_marked = 1;
            continue;
        }
        document += is_start, is_marked = 0;
        seq->ids[first + n] = state->corpus->ids[place++];
    }
    return n;
}

static void text_next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    text_next_documents(opaque, part, first, length, length, pcg, seq);
}

static const SchemaRow params[] = {
    {"files", VALUE_FILES, "[]", 0, 0, NULL,
     "text files, read in order; none: the built-in corpus; paths are relative to the file that names them", BY_HAND},
};

const Source source_text = {
    .variant = {.name = "text",
                .summary = "windows of text files, or of the built-in corpus",
                .source = "design of this program",
                PARAMS(params)},
    .needs_corpus = 1,
    .has_documents = 1,
    .has_next = 1,
    .allows_ends = 1,
    .prepare = text_prepare,
    .vocab_size = text_vocab_size,
    .n_windows = text_n_windows,
    .next = text_next,
    .next_documents = text_next_documents,
};
