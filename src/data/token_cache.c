/* FILE = Header, documents (int64), ids (uint16, or int32 for more of them than that can tell apart), the packed
 * vocabulary; base/cache.h seals it. Numbers stand as this machine has them in memory: others find no sense in it.
 */
#include "data/token_cache.h"

#include <assert.h>
#include <string.h>

#include "base/cache.h"

/* To be raised when a tokenizer makes other tokens of a text, or packs them in another way, or this file is another. */
#define VERSION "refframe tokens 1"
#define KIND    "tokens"

typedef struct {
    char version[32], key[64];
    int64_t n, n_train, n_documents, learning_bytes, n_vocabulary, width; /* bytes of the vocabulary, and of an id */
} Header;

enum { ROOM = 64 << 10, VOCABULARY_MOST = 16 << 20 };

/* ---- the key ---- */

/* All settings of the tokenizer: it reads no others. */
static void add_settings(const Settings *settings, Text *text)
{
    static const char group[] = "data.tokenizer.";
    for (int i = 0; i < settings->n_items; i++) {
        const Setting *setting = &settings->items[i];
        if (strncmp(setting->key, group, sizeof group - 1) != 0)
            continue;
        text_addf(text, "%s=%s\n", setting->key, setting->text ? setting->text : "");
        for (int k = 0; k < setting->n_items; k++)
            text_addf(text, " %s\n", setting->items[k]);
    }
}

void token_cache_key(const Settings *settings, const TokenText *text, char ret_key[65])
{
    Text all = {0};
    text_addf(&all, VERSION ", " REFFRAME_VERSION "\n%s\n%zu %zu\n", text->sha256, text->n_bytes, text->n_train_bytes);
    for (int f = 0; f < text->n_files; f++)
        text_addf(&all, " %zu", text->file_starts[f]);
    text_add(&all, "\n");
    add_settings(settings, &all);
    sha256_hex(all.data, all.size, ret_key);
    text_free(&all);
}

static int64_t width_of(const Vocabulary *vocabulary)
{
    return vocabulary->size <= UINT16_MAX + 1 ? (int64_t)sizeof(uint16_t) : (int64_t)sizeof(int32_t);
}

static Header header_of(const char *key, const Corpus *corpus)
{
    Header header = {.version = VERSION,
                     .n = corpus->n,
                     .n_train = corpus->n_train,
                     .n_documents = corpus->n_documents,
                     .learning_bytes = (int64_t)corpus->vocabulary.learning_bytes,
                     .width = width_of(&corpus->vocabulary)};
    memcpy(header.key, key, sizeof header.key);
    return header;
}

/* ---- reading ---- */

static int32_t id_at(const char *ids, int64_t width, int64_t i)
{
    uint16_t narrow;
    int32_t wide;
    if (width == sizeof narrow)
        return memcpy(&narrow, ids + (size_t)i * sizeof narrow, sizeof narrow), narrow;
    return memcpy(&wide, ids + (size_t)i * sizeof wide, sizeof wide), wide;
}

/* Whether the numbers fit each other, the text, and the n bytes that stand there. */
static int is_sound(const Header *header, const char *key, const TokenText *text, size_t n)
{
    Header head = {.version = VERSION};
    memcpy(head.key, key, sizeof head.key);
    if (memcmp(header->version, head.version, sizeof head.version) != 0 ||
        memcmp(header->key, head.key, sizeof head.key) != 0)
        return 0;
    if (header->n < 0 || (uint64_t)header->n > text->n_bytes || header->n_train < 0 || header->n_train > header->n)
        return 0;
    if (header->n_documents < 0 || (uint64_t)header->n_documents > text->n_starts || header->learning_bytes < 0)
        return 0;
    if (header->n_vocabulary < 0 || (uint64_t)header->n_vocabulary > n ||
        (header->width != sizeof(uint16_t) && header->width != sizeof(int32_t)))
        return 0;
    return n == sizeof *header + (size_t)header->n_documents * sizeof(int64_t) +
                    (size_t)header->n * (size_t)header->width + (size_t)header->n_vocabulary;
}

/* What stands behind a sound header, into the corpus. */
static int take(Arena *arena, const Settings *settings, const TokenText *text, const char *bytes, Corpus *corpus)
{
    const Header *header = (const Header *)bytes;
    const char *documents = bytes + sizeof *header;
    const char *ids = documents + (size_t)header->n_documents * sizeof(int64_t);
    const char *vocabulary = ids + (size_t)header->n * (size_t)header->width;
    Corpus made = *corpus;
    if (made.tokenizer->unpack(arena, settings, vocabulary, (size_t)header->n_vocabulary, &made.vocabulary) !=
            STATUS_OK ||
        header->width != width_of(&made.vocabulary))
        return STATUS_INPUT;
    made.vocabulary.learning_bytes = (size_t)header->learning_bytes;
    made.n = header->n, made.n_train = header->n_train, made.n_documents = header->n_documents;
    made.ids = ARENA_ARRAY(arena, int32_t, made.n);
    for (int64_t i = 0; i < made.n; i++) {
        made.ids[i] = id_at(ids, header->width, i);
        if (made.ids[i] < TOKEN_CONTENT || made.ids[i] >= made.vocabulary.size)
            return STATUS_INPUT;
    }
    made.documents = ARENA_ARRAY(arena, int64_t, text->n_starts);
    memcpy(made.documents, documents, (size_t)made.n_documents * sizeof *made.documents);
    for (int64_t d = 0; d < made.n_documents; d++) {
        if (made.documents[d] < (d > 0 ? made.documents[d - 1] + 1 : 0) || made.documents[d] >= made.n)
            return STATUS_INPUT;
        made.n_train_documents += made.documents[d] < made.n_train;
    }
    *corpus = made;
    return STATUS_OK;
}

int token_cache_read(Arena *arena, const Settings *settings, const TokenText *text, Corpus *corpus)
{
    Arena *scratch = arena_new();
    const char *folder = cache_folder(scratch);
    const size_t most = sizeof(Header) + text->n_starts * sizeof(int64_t) + text->n_bytes * sizeof(int32_t);
    char key[65], *bytes;
    size_t n;
    int status = STATUS_INPUT;
    token_cache_key(settings, text, key);
    if (folder)
        status = cache_read(scratch, cache_path(scratch, folder, key, KIND), most + VOCABULARY_MOST, &bytes, &n);
    if (status == STATUS_OK && (n < sizeof(Header) || !is_sound((const Header *)bytes, key, text, n)))
        status = STATUS_INPUT;
    if (status == STATUS_OK)
        status = take(arena, settings, text, bytes, corpus);
    arena_free(scratch);
    return status;
}

/* ---- writing ---- */

static void add_ids(CacheWriter *writer, const Corpus *corpus)
{
    uint16_t narrow[ROOM / sizeof(uint16_t)];
    const int64_t most = ROOM / sizeof(uint16_t);
    if (width_of(&corpus->vocabulary) == sizeof(int32_t)) {
        cache_add(writer, corpus->ids, (size_t)corpus->n * sizeof *corpus->ids);
        return;
    }
    for (int64_t first = 0, n; first < corpus->n; first += n) {
        n = corpus->n - first < most ? corpus->n - first : most;
        for (int64_t i = 0; i < n; i++)
            narrow[i] = (uint16_t)corpus->ids[first + i];
        cache_add(writer, narrow, (size_t)n * sizeof *narrow);
    }
}

void token_cache_write(const Settings *settings, const TokenText *text, const Corpus *corpus)
{
    Arena *scratch = arena_new();
    const char *folder = cache_folder(scratch);
    char key[65];
    if (folder) {
        Text vocabulary = {0};
        CacheWriter writer;
        token_cache_key(settings, text, key);
        corpus->tokenizer->pack(&corpus->vocabulary, &vocabulary);
        Header header = header_of(key, corpus);
        header.n_vocabulary = (int64_t)vocabulary.size;
        const char *path = cache_path(scratch, folder, key, KIND);
        cache_begin(&writer, path);
        cache_add(&writer, &header, sizeof header);
        cache_add(&writer, corpus->documents, (size_t)corpus->n_documents * sizeof *corpus->documents);
        add_ids(&writer, corpus);
        cache_add(&writer, vocabulary.data, vocabulary.size);
        text_free(&vocabulary);
        if (cache_end(&writer) == STATUS_OK)
            cache_trim(folder, CACHE_BYTES);
    }
    arena_free(scratch);
}
