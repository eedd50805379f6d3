/* The data of a run: opens what the settings name, and frames each drawn sequence with BOS and EOS (data.h has the
 * table).
 *
 * Idle queries: BOS is idle where the source flags idle ones (it predicts x_0, for which there is nothing to fetch);
 * EOS is not, but where the source labels it. Under `next` nothing is predicted there, so no gradient ever shapes what
 * EOS attends to in the last layer, and a mean over idle queries would count that noise.
 */
#include "data/data.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/order.h"

struct Data {
    const Source *source;
    void *state;
    Corpus corpus;
    int has_corpus, has_bos, has_eos; /* has_bos: in every sequence, or what stands in its place */
    int first, first_at;              /* what that is, and where */
    int length;
    int lengths, least; /* how long a sequence is, and the shortest one; `length` where all are alike */
};

static const char *const bos_choices[] = {
    [BOS_ALWAYS] = "always", [BOS_DOCUMENT] = "document", [BOS_NEVER] = "never", NULL};
static const char *const eos_choices[] = {"always", "never", NULL};
enum { FIRST_BOS, FIRST_FIXED, FIRST_RANDOM, FIRST_REPEATED };
static const char *const first_choices[] = {
    [FIRST_BOS] = "bos", [FIRST_FIXED] = "fixed", [FIRST_RANDOM] = "random", [FIRST_REPEATED] = "repeated", NULL};
static const char *const separator_choices[] = {
    [SEPARATOR_NEVER] = "never", [SEPARATOR_PARAGRAPHS] = "paragraphs", NULL};
static const char *const lengths_choices[] = {
    [LENGTHS_FULL] = "full", [LENGTHS_UNIFORM] = "uniform", [LENGTHS_DOCUMENTS] = "documents", NULL};
static const char *const window_choices[] = {[WINDOW_ANYWHERE] = "anywhere", [WINDOW_DOCUMENT] = "document", NULL};

const SchemaRow data_rows[] = {
    {"bos", VALUE_CHOICE, "always", 0, 0, bos_choices,
     "BOS at position 0 of every sequence, before each document start in it, or never", BY_HAND},
    {"eos", VALUE_CHOICE, "never", 0, 0, eos_choices, "EOS as the last input of every sequence, or never", BY_HAND},
    {"first", VALUE_CHOICE, "bos", 0, 0, first_choices,
     "what stands in BOS's place with `bos: always`: BOS, the first content id, a random one, or the token behind it",
     BY_HAND},
    {"first_at", VALUE_INT, "0", 0, 2, NULL, "position of BOS, or of what stands in its place, with `bos: always`",
     BY_HAND},
    {"lengths.kind", VALUE_CHOICE, "full", 0, 0, lengths_choices,
     "inputs of a sequence: context_length; each number from `least` up to that as likely; or a text's paragraphs, "
     "whole",
     BY_HAND},
    {"lengths.least", VALUE_INT, "8", DATA_MIN_LENGTH, 16384, NULL,
     "fewest inputs of a sequence, with `lengths.kind: uniform` or `documents`", BY_HAND},
    {"separator", VALUE_CHOICE, "never", 0, 0, separator_choices,
     "EOS between the paragraphs of a sequence of text, never hidden or predicted; `eos: always` puts one at its end",
     BY_HAND},
    {"window", VALUE_CHOICE, "anywhere", 0, 0, window_choices,
     "where a sequence of text may start: at any token, or at a document (a paragraph between blank lines)", BY_HAND},
    {"held_out", VALUE_NUMBER, "0.1", 0.001, 0.9, NULL,
     "share of the text, from its end, that is never trained on; the cut falls on a document start", BY_HAND},
    {"unique_tokens", VALUE_INT, "0", 0, 2147483647, NULL,
     "training draws only from the first N tokens of the training part; 0: from all", BY_HAND},
};
const int data_n_rows = sizeof data_rows / sizeof *data_rows;

static int is_set(const Settings *settings, const char *key, const char *choice)
{
    return strcmp(settings_text(settings, key), choice) == 0;
}

/* What stands in BOS's place needs that place. */
static int check_first(const Source *source, const Settings *settings, Error *err)
{
    const int first = settings_choice(settings, "data.first"), first_at = (int)settings_int(settings, "data.first_at");
    const char *key = first != FIRST_BOS ? "data.first" : "data.first_at";
    if ((first != FIRST_BOS || first_at > 0) && !is_set(settings, "data.bos", "always"))
        return settings_error(settings, key, err, "needs `bos: always`, in whose place it stands");
    if ((first != FIRST_BOS || first_at > 0) && !source->has_next)
        return settings_error(settings, key, err,
                              "source %s has no next token, only what hangs on its content: it must be %s",
                              source->variant.name, first != FIRST_BOS ? "`bos`" : "0");
    if (first == FIRST_REPEATED && first_at > 0)
        return settings_error(settings, "data.first_at", err, "`first: repeated` repeats x_0 before it: it must be 0");
    return STATUS_OK;
}

/* Lengths that vary need room to, and whole documents a window that begins with one. */
static int check_lengths(const Settings *settings, int length, Error *err)
{
    const int lengths = settings_choice(settings, "data.lengths.kind");
    const int least = (int)settings_int(settings, "data.lengths.least");
    if (lengths != LENGTHS_FULL && least >= length)
        return settings_error(settings, "data.lengths.least", err,
                              "%d must be below model.context_length %d for lengths to vary", least, length);
    if (lengths == LENGTHS_DOCUMENTS && !is_set(settings, "data.window", "document"))
        return settings_error(settings, "data.lengths.kind", err,
                              "`documents` needs `window: document`: a sequence of whole paragraphs begins with one");
    return STATUS_OK;
}

/* What the source cannot do. */
static int check(const Source *source, const Settings *settings, int length, Error *err)
{
    static const char *const keys[] = {"data.bos", "data.eos"};
    for (int i = 0; i < 2 && !source->allows_ends; i++)
        if (!is_set(settings, keys[i], "never"))
            return settings_error(settings, keys[i], err, "source %s has its places by position: it must be `never`",
                                  source->variant.name);
    static const struct {
        const char *key, *value;
    } of_documents[] = {{"data.bos", "document"},
                        {"data.window", "document"},
                        {"data.separator", "paragraphs"},
                        {"data.lengths.kind", "documents"}};
    for (int i = 0; i < 4 && !source->has_documents; i++)
        if (is_set(settings, of_documents[i].key, of_documents[i].value))
            return settings_error(settings, of_documents[i].key, err, "source %s has no documents",
                                  source->variant.name);
    if (!source->has_documents && settings_int(settings, "data.unique_tokens") > 0)
        return settings_error(settings, "data.unique_tokens", err, "source %s draws no windows of a text",
                              source->variant.name);
    if (is_set(settings, "data.bos", "document") && is_set(settings, "data.separator", "paragraphs"))
        return settings_error(settings, "data.separator", err, "`bos: document` marks each document's start already");
    const Setting *tokenizer = settings_find(settings, "data.tokenizer.kind");
    if (source->widths && strcmp(tokenizer->text, tokenizer->row->initial) != 0)
        return settings_error(settings, "data.tokenizer.kind", err,
                              "source %s gives vectors, not a text: there is nothing to cut into tokens",
                              source->variant.name);
    if (check_first(source, settings, err) != STATUS_OK)
        return STATUS_INPUT;
    if (length < DATA_MIN_LENGTH)
        return settings_error(settings, "model.context_length", err, "must be at least %d, not %d", DATA_MIN_LENGTH,
                              length);
    return check_lengths(settings, length, err);
}

/* Content tokens of a framed sequence of `length`, the one behind the last input included where there is one. */
static int content_length(const Data *data, int length)
{
    int end = data->has_eos ? length - 1 : data->source->has_next ? length + 1 : length;
    return end - data->has_bos;
}

/* The other way round. */
static int framed_length(const Data *data, int n_content)
{
    return n_content + data->has_bos + (data->has_eos ? 1 : data->source->has_next ? -1 : 0);
}

int data_open(Arena *arena, const Settings *settings, int length, Data **ret_data, Error *err)
{
    return data_open_shared(arena, settings, length, NULL, ret_data, err);
}

int data_open_shared(Arena *arena, const Settings *settings, int length, CorpusShelf *shelf, Data **ret_data,
                     Error *err)
{
    Data *data = ARENA_ARRAY(arena, Data, 1);
    data->source = source_find(settings_text(settings, "data.source.kind"));
    assert(data->source);
    data->has_bos = is_set(settings, "data.bos", "always");
    data->has_eos = is_set(settings, "data.eos", "always");
    data->first = settings_choice(settings, "data.first");
    data->first_at = (int)settings_int(settings, "data.first_at");
    data->has_corpus = data->source->needs_corpus;
    data->length = length;
    data->lengths = settings_choice(settings, "data.lengths.kind");
    data->least = data->lengths == LENGTHS_FULL ? length : (int)settings_int(settings, "data.lengths.least");
    int status = check(data->source, settings, length, err);
    if (status == STATUS_OK && data->has_corpus)
        status = shelf ? corpus_shelf_open(shelf, settings, &data->corpus, err)
                       : corpus_open(arena, settings, &data->corpus, err);
    if (status == STATUS_OK)
        status = data->source->prepare(arena, settings, data->has_corpus ? &data->corpus : NULL,
                                       content_length(data, length), &data->state, err);
    if (status == STATUS_OK)
        *ret_data = data;
    return status;
}

int data_varies(const Data *data)
{
    return data->lengths != LENGTHS_FULL;
}

int data_least(const Data *data)
{
    return data->least;
}

double data_mean_length(const Data *data)
{
    return data->lengths == LENGTHS_UNIFORM ? (data->least + data->length) / 2.0 : data->length;
}

int data_vocab_size(const Data *data)
{
    return data->source->vocab_size(data->state);
}

const char *data_token_text(const Data *data, int id)
{
    assert(id >= 0 && id < data_vocab_size(data));
    return data->source->token_text ? data->source->token_text(data->state, id) : data->corpus.vocabulary.strings[id];
}

void data_save_tokenizer(const Data *data, Text *ret_text)
{
    if (data->has_corpus && data->corpus.tokenizer->save)
        data->corpus.tokenizer->save(&data->corpus.vocabulary, ret_text);
}

const Source *data_source(const Data *data)
{
    return data->source;
}

const Corpus *data_corpus(const Data *data)
{
    return data->has_corpus ? &data->corpus : NULL;
}

int data_n_groups(const Data *data)
{
    int n = 0;
    while (data->source->groups && data->source->groups[n])
        n++;
    assert(n <= MAX_LOSS_GROUPS);
    return n > 0 ? n : 1;
}

const char *data_group_name(const Data *data, int group)
{
    assert(group >= 0 && group < data_n_groups(data));
    return data->source->groups ? data->source->groups[group] : "all";
}

int64_t data_n_windows(const Data *data, Part part)
{
    if (!data->source->n_windows || data_varies(data))
        return -1;
    return data->source->n_windows(data->state, part, content_length(data, data->length));
}

/* Moves the token at `from`, with all that is said of it, to `to`, and those between by one. */
static void move_token(Sequence *seq, int from, int to)
{
    for (const int step = from < to ? 1 : -1; from != to; from += step) {
        const int next = from + step;
        const int32_t id = seq->ids[from], label = seq->labels[from];
        const uint8_t flags = seq->flags[from], group = seq->groups[from];
        seq->ids[from] = seq->ids[next], seq->labels[from] = seq->labels[next];
        seq->flags[from] = seq->flags[next], seq->groups[from] = seq->groups[next];
        seq->ids[next] = id, seq->labels[next] = label, seq->flags[next] = flags, seq->groups[next] = group;
    }
}

/* Content stands behind position 0, where the source left room. */
static void set_first(const Data *data, Pcg *pcg, Sequence *seq)
{
    const int at = data->first_at;
    const uint8_t idle = data->source->has_idle ? FLAG_IDLE : 0;
    seq->ids[0] = data->first == FIRST_BOS     ? TOKEN_BOS
                  : data->first == FIRST_FIXED ? TOKEN_CONTENT
                  : data->first == FIRST_RANDOM
                      ? TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)(data_vocab_size(data) - TOKEN_CONTENT))
                      : seq->ids[1];
    seq->flags[0] = idle | (data->first == FIRST_BOS ? 0 : FLAG_GIVEN);
    move_token(seq, 0, at);
    if (at > 0) { /* it predicts what the token before it would have predicted */
        seq->flags[at] = (uint8_t)((seq->flags[at] & ~FLAG_IDLE) | (seq->flags[at - 1] & FLAG_IDLE));
        seq->flags[at - 1] &= (uint8_t)~FLAG_IDLE;
    }
}

/* Content of a sequence of at most `most`; sets its length. */
static void draw_content(const Data *data, Part part, int most, Pcg *pcg, Sequence *seq)
{
    const int least = smaller(data->least, most);
    seq->length = most;
    if (data->lengths == LENGTHS_DOCUMENTS) {
        const int n = data->source->next_documents(data->state, part, data->has_bos, content_length(data, least),
                                                   content_length(data, most), pcg, seq);
        seq->length = framed_length(data, n);
        return;
    }
    if (data->lengths == LENGTHS_UNIFORM)
        seq->length = least + (int)pcg_below(pcg, (uint32_t)(most - least + 1));
    data->source->next(data->state, part, data->has_bos, content_length(data, seq->length), pcg, seq);
}

void data_next(const Data *data, Part part, int most, Pcg *pcg, Sequence *seq)
{
    assert(most >= DATA_MIN_LENGTH / 2 && most <= data->length);
    for (int i = 0; i < most; i++)
        seq->labels[i] = -1;
    memset(seq->flags, 0, (size_t)most);
    memset(seq->groups, 0, (size_t)most + 1);
    for (int i = 0; i <= most; i++)
        seq->ids[i] = -1;

    draw_content(data, part, most, pcg, seq);
    const int length = seq->length;
    if (data->has_bos)
        set_first(data, pcg, seq);
    if (data->has_eos) {
        seq->ids[length - 1] = TOKEN_EOS;
        seq->flags[length - 1] = FLAG_END | (data->source->labels_ends ? FLAG_IDLE : 0);
    }
    for (int i = 0; data->source->frame && i < length; i++)
        if (seq->ids[i] < TOKEN_CONTENT)
            data->source->frame(data->state, i, seq);
    if (seq->ids[length] < TOKEN_CONTENT) /* a document's BOS: never predicted */
        seq->ids[length] = -1;
}

/* Of sequences of one length. */
static double oracle_loss_of(const Data *data, Part part, int length, double *ret_groups)
{
    const int n = content_length(data, length);
    if (data->first != FIRST_REPEATED)
        return data->source->oracle_loss(data->state, part, n, data->has_bos && data->first_at == 0, ret_groups);
    /* x_0 is a target that costs nothing; in which group is not known. */
    return data->source->oracle_loss(data->state, part, n, 0, NULL) * (n - 1) / n;
}

double data_oracle_loss(const Data *data, Part part, int length, double *ret_groups)
{
    for (int g = 0; ret_groups && g < data_n_groups(data); g++)
        ret_groups[g] = NAN;
    if (!data->source->oracle_loss || data->lengths == LENGTHS_DOCUMENTS)
        return NAN;
    if (data->lengths == LENGTHS_FULL)
        return oracle_loss_of(data, part, length, ret_groups);
    double sum = 0, n_targets = 0; /* under `next`; where targets are labels, they cost nothing */
    for (int own = smaller(data->least, length); own <= length; own++) {
        const int n = content_length(data, own) - (data->has_bos && data->first_at == 0 ? 0 : 1);
        sum += n * oracle_loss_of(data, part, own, NULL);
        n_targets += n;
    }
    return sum / n_targets;
}

double data_ideal_loss(const Data *data, const Sequence *seq, int i)
{
    if (!data->source->ideal_loss || seq->ids[i] < (data->source->frame ? 0 : TOKEN_CONTENT))
        return NAN;
    const int at = data->first_at;
    if (data->first == FIRST_REPEATED && i == 1)
        return 0;
    Sequence content = *seq; /* its arrays are the caller's: they are as before when this returns */
    move_token(&content, at, 0);
    const double loss = data->source->ideal_loss(data->state, &content, data->has_bos, i < at ? i + 1 : i);
    move_token(&content, 0, at);
    return loss;
}

Widths data_widths(const Data *data)
{
    Widths widths = {0, 0};
    if (data->source->widths)
        data->source->widths(data->state, &widths.in, &widths.out);
    return widths;
}
