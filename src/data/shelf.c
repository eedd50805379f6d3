/* Open corpora by what corpus_open reads of the settings: keys below data.tokenizer, data.held_out, the files. Each has
 * an arena of its own. */
#include <stdlib.h>
#include <string.h>

#include "data/corpus.h"

typedef struct {
    Arena *arena; /* of its own */
    char *key;
    Corpus corpus;
} Shelved;

enum { MOST_SHELVED = 8 };

struct CorpusShelf {
    Shelved items[MOST_SHELVED];
    int n;
};

static const size_t shelf_bytes = (size_t)256 << 20; /* more than this is not kept beside the last */

CorpusShelf *corpus_shelf_new(void)
{
    CorpusShelf *shelf = calloc(1, sizeof *shelf);
    if (!shelf)
        memory_exhausted(sizeof *shelf);
    return shelf;
}

static void shelf_clear(CorpusShelf *shelf)
{
    for (int i = 0; i < shelf->n; i++)
        arena_free(shelf->items[i].arena);
    shelf->n = 0;
}

CorpusShelf *corpus_shelf_free(CorpusShelf *shelf)
{
    if (shelf)
        shelf_clear(shelf);
    free(shelf);
    return NULL;
}

/* All that corpus_open reads, as one text. */
static char *shelf_key(Arena *arena, const Settings *settings)
{
    static const char tokenizer[] = "data.tokenizer.";
    Text text = {0};
    for (int i = 0; i < settings->n_items; i++) {
        const Setting *setting = &settings->items[i];
        if (strncmp(setting->key, tokenizer, sizeof tokenizer - 1) != 0 && strcmp(setting->key, "data.held_out") != 0 &&
            strcmp(setting->key, "data.source.files") != 0)
            continue;
        text_addf(&text, "%s=%s", setting->key, setting->text ? setting->text : "");
        for (int k = 0; k < setting->n_items; k++)
            text_addf(&text, "\n %s", setting->items[k]);
        text_add(&text, "\n");
    }
    char *key = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return key;
}

int corpus_shelf_open(CorpusShelf *shelf, const Settings *settings, Corpus *ret_corpus, Error *err)
{
    Shelved item = {.arena = arena_new()};
    item.key = shelf_key(item.arena, settings);
    for (int i = 0; i < shelf->n; i++)
        if (strcmp(shelf->items[i].key, item.key) == 0) {
            *ret_corpus = shelf->items[i].corpus;
            arena_free(item.arena);
            return STATUS_OK;
        }
    size_t taken = 0;
    for (int i = 0; i < shelf->n; i++)
        taken += shelf->items[i].corpus.bytes;
    if (shelf->n == MOST_SHELVED || taken > shelf_bytes)
        shelf_clear(shelf);
    const int status = corpus_open(item.arena, settings, &item.corpus, err);
    if (status == STATUS_OK)
        *ret_corpus = (shelf->items[shelf->n++] = item).corpus;
    else
        arena_free(item.arena);
    return status;
}
