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

struct Data {
    const Source *source;
    void *state;
    Corpus corpus;
    int has_corpus, has_bos, has_eos; /* has_bos: at position 0 of every sequence */
    int length;
};

static const char *const bos_choices[] = {
    [BOS_ALWAYS] = "always", [BOS_DOCUMENT] = "document", [BOS_NEVER] = "never", NULL};
static const char *const eos_choices[] = {"always", "never", NULL};
static const char *const window_choices[] = {[WINDOW_ANYWHERE] = "anywhere", [WINDOW_DOCUMENT] = "document", NULL};

const SchemaRow data_rows[] = {
    {"bos", VALUE_CHOICE, "always", 0, 0, bos_choices,
     "BOS at position 0 of every sequence, before each document start in it, or never", BY_HAND},
    {"eos", VALUE_CHOICE, "never", 0, 0, eos_choices, "EOS as the last input of every sequence, or never", BY_HAND},
    {"window", VALUE_CHOICE, "anywhere", 0, 0, window_choices,
     "where a sequence of text may start: at any token, or at a document (a paragraph between blank lines)", BY_HAND},
    {"held_out", VALUE_NUMBER, "0.1", 0.001, 0.9, NULL,
     "share of the text, from its end, that is never trained on; the cut falls on a document start", BY_HAND},
};
const int data_n_rows = sizeof data_rows / sizeof *data_rows;

static int is_set(const Settings *settings, const char *key, const char *choice)
{
    return strcmp(settings_text(settings, key), choice) == 0;
}

/* What the source cannot do. */
static int check(const Source *source, const Settings *settings, int length, Error *err)
{
    static const char *const keys[] = {"data.bos", "data.eos"};
    for (int i = 0; i < 2 && !source->allows_ends; i++)
        if (!is_set(settings, keys[i], "never"))
            return settings_error(settings, keys[i], err, "source %s has its places by position: it must be `never`",
                                  source->variant.name);
    static const char *const document_keys[] = {"data.bos", "data.window"};
    for (int i = 0; i < 2 && !source->has_documents; i++)
        if (is_set(settings, document_keys[i], "document"))
            return settings_error(settings, document_keys[i], err, "source %s has no documents", source->variant.name);
    if (length < DATA_MIN_LENGTH)
        return settings_error(settings, "model.context_length", err, "must be at least %d, not %d", DATA_MIN_LENGTH,
                              length);
    return STATUS_OK;
}

/* Content tokens of a framed sequence of `length`, the one behind the last input included where there is one. */
static int content_length(const Data *data, int length)
{
    int end = data->has_eos ? length - 1 : data->source->has_next ? length + 1 : length;
    return end - data->has_bos;
}

int data_open(Arena *arena, const Settings *settings, int length, Data **ret_data, Error *err)
{
    Data *data = ARENA_ARRAY(arena, Data, 1);
    data->source = source_find(settings_text(settings, "data.source.kind"));
    assert(data->source);
    data->has_bos = is_set(settings, "data.bos", "always");
    data->has_eos = is_set(settings, "data.eos", "always");
    data->has_corpus = data->source->needs_corpus;
    data->length = length;
    int status = check(data->source, settings, length, err);
    if (status == STATUS_OK && data->has_corpus)
        status = corpus_open(arena, settings, &data->corpus, err);
    if (status == STATUS_OK)
        status = data->source->prepare(arena, settings, data->has_corpus ? &data->corpus : NULL,
                                       content_length(data, length), &data->state, err);
    if (status == STATUS_OK)
        *ret_data = data;
    return status;
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

void data_next(const Data *data, Part part, int length, Pcg *pcg, Sequence *seq)
{
    assert(length >= DATA_MIN_LENGTH / 2 && length <= data->length);
    seq->length = length;
    for (int i = 0; i < length; i++)
        seq->labels[i] = -1;
    memset(seq->flags, 0, (size_t)length);
    memset(seq->groups, 0, (size_t)length + 1);
    seq->ids[length] = -1;

    data->source->next(data->state, part, data->has_bos, content_length(data, length), pcg, seq);
    if (data->has_bos) {
        seq->ids[0] = TOKEN_BOS;
        seq->flags[0] = data->source->has_idle ? FLAG_IDLE : 0;
    }
    if (data->has_eos) {
        seq->ids[length - 1] = TOKEN_EOS;
        seq->flags[length - 1] = FLAG_END | (data->source->labels_ends ? FLAG_IDLE : 0);
    }
    if (seq->ids[length] < TOKEN_CONTENT) /* a document's BOS: never predicted */
        seq->ids[length] = -1;
}

double data_oracle_loss(const Data *data, Part part, int length, double *ret_groups)
{
    for (int g = 0; ret_groups && g < data_n_groups(data); g++)
        ret_groups[g] = NAN;
    if (!data->source->oracle_loss)
        return NAN;
    return data->source->oracle_loss(data->state, part, content_length(data, length), data->has_bos, ret_groups);
}

double data_ideal_loss(const Data *data, const Sequence *seq, int i)
{
    if (!data->source->ideal_loss || seq->ids[i] < TOKEN_CONTENT)
        return NAN;
    return data->source->ideal_loss(data->state, seq, data->has_bos, i);
}

Sequence sequence_new(Arena *arena, int length)
{
    return (Sequence){
        .length = length,
        .ids = ARENA_ARRAY(arena, int32_t, length + 1),
        .labels = ARENA_ARRAY(arena, int32_t, length),
        .flags = ARENA_ARRAY(arena, uint8_t, length),
        .groups = ARENA_ARRAY(arena, uint8_t, length + 1),
    };
}

Batch batch_new(Arena *arena, int n, int length)
{
    size_t size = (size_t)n * (size_t)length;
    return (Batch){
        .n = n,
        .length = length,
        .inputs = ARENA_ARRAY(arena, int32_t, size),
        .targets = ARENA_ARRAY(arena, int32_t, size),
    };
}
