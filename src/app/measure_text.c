/* --text FILE: a text by the model's own tokenizer.json, as windows of one length, or a sentence a line.
 *
 * What stands around a sequence decides what a head can rest on, so it is chosen: the tokens that the model's tokenizer
 * adds, none, or one in front. They count as positions.
 */
#include <string.h>

#include "app/measure_input.h"
#include "base/file.h"
#include "hub/names.h"
#include "hub/tokenize/tokenize.h"

enum { WINDOW = 128 }; /* positions, where nobody says: maps of every head of a small model fit, and have long ranges */

/* The sequences as they are found. */
typedef struct {
    Arena *arena; /* holds the tokenizer and what is found; gone when the input is made */
    const TextTokenizer *tokenizer;
    const HubFile *file;
    const char *path;
    TokenIds front, back;
    int32_t first[1]; /* of --special first:TOKEN */
    int length;       /* positions of a sequence at most */
    int may_cut;      /* a longer sentence is cut to that */
    int n, limit;
    int *lengths;    /* (n) */
    int32_t *tokens; /* (n_tokens) */
    size_t n_tokens, token_capacity, length_capacity;
    int n_short, n_cut; /* lines that were left out, and that were cut */
    size_t n_left;      /* tokens behind the last window */
    Error *err;
} Finding;

static size_t n_around(const Finding *finding)
{
    return finding->front.n + finding->back.n;
}

/* A sequence of n ids and what stands around them. */
static int add_sequence(Finding *finding, const int32_t *ids, size_t n)
{
    const TokenIds parts[] = {finding->front, {ids, n}, finding->back};
    const size_t length = n + n_around(finding);
    finding->tokens = arena_widen(finding->arena, finding->tokens, sizeof *finding->tokens, finding->n_tokens + length,
                                  &finding->token_capacity);
    finding->lengths = arena_widen(finding->arena, finding->lengths, sizeof *finding->lengths, (size_t)finding->n + 1,
                                   &finding->length_capacity);
    for (int p = 0; p < 3; p++)
        for (size_t i = 0; i < parts[p].n; i++) {
            const int32_t id = parts[p].ids[i];
            const char *word = text_tokenizer_word(finding->tokenizer, id);
            if (id >= finding->file->settings.vocab_size)
                return error_set(finding->err, STATUS_INPUT,
                                 "%s: \"%.100s\" has the id %d; those of this model are 0 to %d", finding->path,
                                 word ? word : "a token around it", id, finding->file->settings.vocab_size - 1);
            finding->tokens[finding->n_tokens++] = id;
        }
    finding->lengths[finding->n++] = (int)length;
    return STATUS_OK;
}

/* ---- windows ---- */

/* Of one length, one behind the other; what is left at the end is not measured, unless it is all there is. */
static int find_windows(Finding *finding, const char *text, size_t n)
{
    TokenIds ids = {NULL, 0};
    const size_t within = (size_t)finding->length - n_around(finding);
    int status = text_tokenizer_ids(finding->tokenizer, finding->arena, text, n, &ids, finding->err);
    if (status != STATUS_OK)
        return error_prefix(finding->err, status, "%s", finding->path);
    size_t at = 0;
    for (; at + within <= ids.n && finding->n < finding->limit && status == STATUS_OK; at += within)
        status = add_sequence(finding, ids.ids + at, within);
    if (status == STATUS_OK && ids.n < within && ids.n + n_around(finding) >= INPUT_SHORTEST && ids.n > 0) {
        status = add_sequence(finding, ids.ids, ids.n);
        at = ids.n;
    }
    finding->n_left = ids.n - at < within ? ids.n - at : 0;
    return status;
}

/* ---- sentences ---- */

static int add_sentence(Finding *finding, const char *line, size_t n, int number)
{
    TokenIds ids = {NULL, 0};
    const int status = text_tokenizer_ids(finding->tokenizer, finding->arena, line, n, &ids, finding->err);
    if (status != STATUS_OK)
        return error_prefix(finding->err, status, "%s:%d", finding->path, number);
    const size_t length = ids.n + n_around(finding), most = (size_t)finding->length;
    if (ids.n == 0 || length < INPUT_SHORTEST) { /* no map to measure */
        finding->n_short++;
        return STATUS_OK;
    }
    if (length > most && !finding->may_cut)
        return error_set(finding->err, STATUS_INPUT,
                         "%s:%d: %zu tokens, and %s %zu positions; with --length longer sentences are cut",
                         finding->path, number, length,
                         (size_t)finding->file->n_positions == most ? "the model has" : "a sequence has at most", most);
    finding->n_cut += length > most;
    return add_sequence(finding, ids.ids, length > most ? most - n_around(finding) : ids.n);
}

static int find_sentences(Finding *finding, const char *text, size_t n)
{
    int status = STATUS_OK, number = 1;
    for (size_t at = 0, end; at < n && finding->n < finding->limit && status == STATUS_OK; at = end + 1, number++) {
        const char *newline = memchr(text + at, '\n', n - at);
        end = newline ? (size_t)(newline - text) : n;
        const size_t length = end - at - (end > at && text[end - 1] == '\r');
        if (length > 0)
            status = add_sentence(finding, text + at, length, number);
    }
    return status;
}

/* ---- what stands around them ---- */

/* --special as-model|none|first:TOKEN */
static int read_special(Finding *finding, const char *word)
{
    static const char first[] = "first:";
    const size_t n = strlen(first);
    if (!word || strcmp(word, "as-model") == 0) {
        finding->front = text_tokenizer_front(finding->tokenizer);
        finding->back = text_tokenizer_back(finding->tokenizer);
        return STATUS_OK;
    }
    if (strcmp(word, "none") == 0)
        return STATUS_OK;
    if (strncmp(word, first, n) != 0)
        return error_set(finding->err, STATUS_INPUT,
                         "refframe measure: --special: \"%s\" is not one of as-model, none, first:TOKEN", word);
    finding->first[0] = text_tokenizer_find(finding->tokenizer, word + n);
    if (finding->first[0] < 0)
        return error_set(finding->err, STATUS_INPUT,
                         "refframe measure: --special: \"%s\" is no token of this model's tokenizer", word + n);
    finding->front = (TokenIds){finding->first, 1};
    return STATUS_OK;
}

static int read_length(Finding *finding, const Arguments *arguments, int is_by_line)
{
    const int context = finding->file->settings.context_length,
              fallback = is_by_line || context < WINDOW ? context : WINDOW;
    finding->may_cut = argument_given(arguments, "--length");
    const int status =
        argument_int(arguments, "--length", INPUT_SHORTEST, context, fallback, &finding->length, finding->err);
    if (status == STATUS_OK && (size_t)finding->length <= n_around(finding))
        return error_set(finding->err, STATUS_INPUT,
                         "refframe measure: --length: %d positions are no more than the %zu tokens around a sequence",
                         finding->length, n_around(finding));
    return status;
}

/* ---- all of it ---- */

/* "[CLS] in front, [SEP] behind", or "nothing". */
static const char *around(Arena *arena, const TextTokenizer *tokenizer, TokenIds front, TokenIds back)
{
    const TokenIds parts[] = {front, back};
    static const char *const where[] = {" in front", " behind"};
    const char *said = "";
    for (int p = 0; p < 2; p++) {
        for (size_t i = 0; i < parts[p].n; i++) {
            const char *word = text_tokenizer_word(tokenizer, parts[p].ids[i]);
            said = arena_format(arena, "%s%s%s", said,
                                i       ? " "
                                : *said ? ", "
                                        : "",
                                word ? word : arena_format(arena, "%d", parts[p].ids[i]));
        }
        if (parts[p].n > 0)
            said = arena_format(arena, "%s%s", said, where[p]);
    }
    return *said ? said : "nothing";
}

static const char *own_around(Arena *arena, const TextTokenizer *tokenizer)
{
    return around(arena, tokenizer, text_tokenizer_front(tokenizer), text_tokenizer_back(tokenizer));
}

static void add_fact(const char *key, const char *term, const char *value, ModelInput *input)
{
    input->facts[input->n_facts++] = (MapsFact){key, term, value};
}

static void add_facts(Arena *arena, const Finding *finding, int is_by_line, ModelInput *input)
{
    const char *kind = !is_by_line        ? arena_format(arena, "windows of %d positions", finding->length)
                       : finding->may_cut ? arena_format(arena, "a line each, cut at %d positions", finding->length)
                                          : "a line each";
    add_fact("text", "Text", arena_strdup(arena, finding->path), input);
    add_fact("sequences", "Sequences", kind, input);
    add_fact("special", "Special tokens", around(arena, finding->tokenizer, finding->front, finding->back), input);
}

/* "s" where there are several. */
static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void add_remarks(Arena *arena, const Finding *finding, ModelInput *input)
{
    const char *own = own_around(arena, finding->tokenizer),
               *here = around(arena, finding->tokenizer, finding->front, finding->back);
    if (strcmp(own, here) != 0)
        input->remarks[input->n_remarks++] = arena_format(
            arena, "special tokens are not as the model's tokenizer has them: %s, where it has %s", here, own);
    if (finding->n_short > 0)
        input->remarks[input->n_remarks++] =
            arena_format(arena, "%d line%s of fewer than two tokens %s left out", finding->n_short,
                         plural((size_t)finding->n_short), finding->n_short == 1 ? "was" : "were");
    if (finding->n_cut > 0)
        input->remarks[input->n_remarks++] =
            arena_format(arena, "%d line%s %s cut at %d positions", finding->n_cut, plural((size_t)finding->n_cut),
                         finding->n_cut == 1 ? "was" : "were", finding->length);
    if (finding->n_left > 0)
        input->remarks[input->n_remarks++] =
            arena_format(arena, "%zu token%s at the end of the text fill%s no window", finding->n_left,
                         plural(finding->n_left), finding->n_left == 1 ? "s" : "");
}

/* The next token is to be predicted, if it is one of the text and no special one around it. */
static void put_targets(const Finding *finding, int length, const int32_t *tokens, int32_t *ret_targets)
{
    const int first = (int)finding->front.n, end = length - (int)finding->back.n;
    for (int i = 0; i < length; i++)
        ret_targets[i] = i + 1 >= first && i + 1 < end ? tokens[i + 1] : -1;
}

static void take(Arena *arena, const Finding *finding, int is_by_line, ModelInput *ret_input)
{
    int *lengths = ARENA_ARRAY(arena, int, finding->n), longest = 0;
    int32_t *tokens = ARENA_ARRAY(arena, int32_t, finding->n_tokens);
    int32_t *targets = ARENA_ARRAY(arena, int32_t, finding->n_tokens);
    size_t at = 0;
    memcpy(tokens, finding->tokens, finding->n_tokens * sizeof *tokens);
    for (int s = 0; s < finding->n; s++) {
        lengths[s] = finding->lengths[s];
        longest = lengths[s] > longest ? lengths[s] : longest;
        put_targets(finding, lengths[s], tokens + at, targets + at);
        at += (size_t)lengths[s];
    }
    *ret_input =
        (ModelInput){.n = finding->n, .longest = longest, .lengths = lengths, .tokens = tokens, .targets = targets};
    add_facts(arena, finding, is_by_line, ret_input);
    add_remarks(arena, finding, ret_input);
}

static int find(Finding *finding, const Arguments *arguments)
{
    const char *json = file_join(finding->arena, arguments->words[0], HUB_TOKENIZER);
    const int is_by_line = argument_given(arguments, "--sentences");
    TextTokenizer *tokenizer = NULL;
    char *text = NULL;
    size_t n = 0;
    int status = text_tokenizer_read(finding->arena, json, &tokenizer, finding->err);
    finding->tokenizer = tokenizer;
    if (status == STATUS_OK)
        status = read_special(finding, argument(arguments, "--special"));
    if (status == STATUS_OK)
        status = read_length(finding, arguments, is_by_line);
    if (status == STATUS_OK)
        status = file_read(finding->arena, finding->path, &text, &n, finding->err);
    if (status == STATUS_OK)
        status = is_by_line ? find_sentences(finding, text, n) : find_windows(finding, text, n);
    if (status == STATUS_OK && finding->n == 0)
        status = error_set(finding->err, STATUS_INPUT, "%s: there is no sequence of two tokens in it", finding->path);
    return status;
}

int measure_read_text(Arena *arena, const Arguments *arguments, int limit, const HubFile *file, ModelInput *ret_input,
                      Error *err)
{
    Finding finding = {
        .arena = arena_new(), .file = file, .path = argument(arguments, "--text"), .limit = limit, .err = err};
    const int status = find(&finding, arguments);
    if (status == STATUS_OK)
        take(arena, &finding, argument_given(arguments, "--sentences"), ret_input);
    arena_free(finding.arena);
    return status;
}
