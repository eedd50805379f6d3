/* A tokenizer to start from: bytes, with ASCII capitals folded into small letters or left. It compiles and passes the
 * generic tests (tests/data) as it stands, but is not in the registry.
 *
 * To add one:
 *  1. Copy this file to NAME.c and rename `template_` and `tokenizer_template` to NAME. In this header say what a token
 * is, the source (paper, section) and the invariants.
 *  2. Settings below data.tokenizer are rows in `params`, each with the member of your state that holds its value. Read
 *     them in prepare, there and nowhere else. A tokenizer without settings leaves params NULL.
 *  3. prepare: learn what there is to learn from the text's training part (its first n_train bytes); an alphabet may
 * come from the whole text. Name each id from TOKEN_CONTENT on, in byte order of the tokens; keep what encode needs in
 *     `state`, from the arena.
 *  4. encode: any text to ids in [TOKEN_CONTENT, size). It is called once for the training and once for the held-out
 * part, so no token straddles the cut. No token is shorter than a byte. Refuse with err, never guess.
 *  5. save: what was learnt, as a CSV with a row per id for the run's folder, in the columns that results/README.md
 *     describes. A tokenizer that learns nothing beyond what its strings show leaves it NULL, as this one does.
 *  6. pack, unpack: what was learnt as bytes and back, if learning or encoding takes long; tokens then come from the
 * cache (data/token_cache.h). Raise VERSION there when a tokenizer of the program changes what it makes of a text.
 *  7. Add the word NAME to 'data/tokenizer' in `variants` of src/meson.build, and a row to README.md. Help, validation,
 * `refframe list` and the generic tests follow from the registry.
 */
#include "data/tokenizer/tokenizer.h"

/* Step 2. */
typedef struct {
    int keeps_capitals;
} Template;

static const SchemaRow params[] = {
    {"keeps_capitals", VALUE_BOOL, "false", 0, 0, NULL, "leave capitals as they are", FIELD(Template, keeps_capitals)},
};

/* Step 3. */
static int template_prepare(Arena *arena, const Settings *settings, const char *text, size_t n, size_t n_train,
                            Vocabulary *ret_vocabulary, Error *err)
{
    (void)text, (void)n, (void)n_train, (void)err;
    Vocabulary vocabulary = vocabulary_new(arena, TOKEN_CONTENT + 256);
    vocabulary.state = settings_read_new(arena, settings, "data.tokenizer", ROWS(params), sizeof(Template));
    for (int b = 0; b < 256; b++)
        vocabulary.strings[TOKEN_CONTENT + b] = vocabulary_byte_text(arena, (unsigned char)b);
    *ret_vocabulary = vocabulary;
    return STATUS_OK;
}

/* Step 4. */
static int64_t template_encode(const Vocabulary *vocabulary, const char *text, size_t n, int32_t *ret_ids,
                               size_t *ret_starts, Error *err)
{
    const Template *template = vocabulary->state;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        int folds = byte >= 'A' && byte <= 'Z' && !template->keeps_capitals;
        ret_ids[i] = TOKEN_CONTENT + byte + (folds ? 'a' - 'A' : 0);
        if (ret_starts)
            ret_starts[i] = i;
    }
    return (int64_t)n;
}

/* Step 1: the strategy. The name is what the user writes in data.tokenizer.kind. */
const Tokenizer tokenizer_template = {
    .variant = {.name = "template",
                .summary = "bytes, without capitals or with them",
                .source = "none",
                PARAMS(params)},
    .prepare = template_prepare,
    .encode = template_encode,
};
