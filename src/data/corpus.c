/* The corpus: bytes read once, cut at a document start, tokenized part by part.
 *
 * Invariants: ids[0, n_train) come from bytes before the cut and the rest from bytes behind it, so no token is in both
 * parts; documents are ascending and n_train is one of them; sha256 is that of the bytes, whatever the tokenizer.
 */
#include "data/corpus.h"

#include <assert.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <math.h>
#include <string.h>

#include "base/asset.h"
#include "base/file.h"
#include "base/sha256.h"
#include "data/token_cache.h"

#define FILES_KEY "data.source.files"
#define EMBEDDED  "corpus/austen.txt"

/* Places in a text must fit a 32-bit draw. */
static const size_t max_bytes = (size_t)1 << 31;

/* The bytes of all files in order. */
typedef struct {
    const char *bytes;
    size_t n;
    size_t *file_starts; /* (n_files,) */
    int n_files;
    size_t taken; /* bytes of memory that reading them took */
} Bytes;

/* Where it stands in the program. */
static Bytes embedded_bytes(Arena *arena)
{
    const Asset *asset = asset_find(EMBEDDED);
    assert(asset);
    return (Bytes){.bytes = (const char *)asset->bytes,
                   .n = asset->n,
                   .file_starts = ARENA_ARRAY(arena, size_t, 1),
                   .n_files = 1,
                   .taken = asset->n};
}

/* What packs files starts with these; trained on, they would be noise. */
static const struct {
    const char *name, *start;
    size_t n;
} packings[] = {
    {"gzip", "\x1f\x8b", 2}, {"zstd", "\x28\xb5\x2f\xfd", 4}, {"xz", "\xfd\x37zXZ", 5},
    {"bzip2", "BZh", 3},     {"a ZIP archive", "PK\3\4", 4},  {"7z", "7z\xbc\xaf\x27\x1c", 6},
};

static const char *packing_of(const char *bytes, size_t n)
{
    for (size_t p = 0; p < sizeof packings / sizeof *packings; p++)
        if (n >= packings[p].n && memcmp(bytes, packings[p].start, packings[p].n) == 0)
            return packings[p].name;
    return NULL;
}

/* One file of the list; memory from arena. */
static int read_one(Arena *arena, const Settings *settings, const char *path, size_t n_before, char **ret_bytes,
                    size_t *ret_n, Error *err)
{
    Error reason;
    if (file_read(arena, path, ret_bytes, ret_n, &reason) != 0)
        return settings_error(settings, FILES_KEY, err, "%s", reason.text);
    if (*ret_n == 0)
        return settings_error(settings, FILES_KEY, err, "%s is empty", path);
    if (*ret_n > max_bytes - n_before)
        return settings_error(settings, FILES_KEY, err, "with %s the text is longer than 2 GiB", path);
    const char *packing = packing_of(*ret_bytes, *ret_n);
    if (packing)
        return settings_error(settings, FILES_KEY, err, "%s is %s, not a text: unpack it first", path, packing);
    return STATUS_OK;
}

/* All files one behind the other; a single one as it was read, without a copy. */
static int read_bytes(Arena *arena, const Settings *settings, Bytes *ret_bytes, Error *err)
{
    const Setting *files = settings_find(settings, FILES_KEY);
    if (!files || files->n_items == 0) {
        *ret_bytes = embedded_bytes(arena);
        return STATUS_OK;
    }

    Bytes bytes = {.file_starts = ARENA_ARRAY(arena, size_t, files->n_items), .n_files = files->n_items};
    int status = STATUS_OK;
    size_t n_all = 0, n = 0, most = 0;
    for (int i = 0; i < files->n_items && files->n_items > 1; i++) {
        uint64_t size = 0;
        if (file_size(files->items[i], &size) == 0 && size <= max_bytes)
            n_all += (size_t)size;
    }
    const int is_one = files->n_items == 1; /* which is read without a copy */
    char *all = is_one ? NULL : arena_alloc(arena, n_all + 1);
    bytes.bytes = all;
    for (int i = 0; i < files->n_items && status == STATUS_OK; i++) {
        Arena *scratch = is_one ? NULL : arena_new();
        char *content = NULL;
        status = read_one(scratch ? scratch : arena, settings, files->items[i], bytes.n, &content, &n, err);
        bytes.file_starts[i] = bytes.n;
        if (status == STATUS_OK && !scratch)
            bytes.bytes = content;
        else if (status == STATUS_OK && bytes.n + n > n_all)
            status = settings_error(settings, FILES_KEY, err, "%s has changed while it was read", files->items[i]);
        else if (status == STATUS_OK)
            memcpy(all + bytes.n, content, n);
        bytes.n += status == STATUS_OK ? n : 0;
        most = scratch && n > most ? n : most;
        arena_free(scratch);
    }
    bytes.taken = bytes.n + most;
    if (status == STATUS_OK)
        *ret_bytes = bytes;
    return status;
}

/* The text is UTF-8, a character that two files share included; the message says where in which file it is not. */
static int check_utf8(const Settings *settings, const Bytes *bytes, Error *err)
{
    const Setting *files = settings_find(settings, FILES_KEY);
    size_t at = 0, length = 1;
    int f = bytes->n_files - 1;
    if (!files || files->n_items == 0) /* the embedded corpus is */
        return STATUS_OK;
    for (; at < bytes->n && length > 0; at += length)
        length = (size_t)text_utf8_decode(bytes->bytes + at, bytes->n - at, NULL);
    if (length > 0)
        return STATUS_OK;
    while (bytes->file_starts[f] > at)
        f--;
    return settings_error(settings, FILES_KEY, err,
                          "%s is not UTF-8 at byte %zu (0x%02X); convert it, or set data.tokenizer.kind: byte, which "
                          "reads any bytes",
                          files->items[f], at - bytes->file_starts[f], (unsigned)(unsigned char)bytes->bytes[at]);
}

static int is_blank(const char *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r\n", line[i]) || line[i] == '\0')
            return 0;
    return 1;
}

/* Document starts in [first, end): each line that is not blank and follows a blank one or begins the range. Returns
 * their number; ret_starts may be NULL. */
static size_t find_documents(const char *text, size_t first, size_t end, size_t *ret_starts)
{
    size_t n = 0;
    int was_blank = 1;
    for (size_t line = first; line < end;) {
        const char *newline = memchr(text + line, '\n', end - line);
        size_t next = newline ? (size_t)(newline - text) + 1 : end;
        int blank = is_blank(text + line, next - line);
        if (was_blank && !blank) {
            if (ret_starts)
                ret_starts[n] = line;
            n++;
        }
        was_blank = blank;
        line = next;
    }
    return n;
}

static size_t find_all_documents(const Bytes *bytes, size_t *ret_starts)
{
    size_t n = 0;
    for (int i = 0; i < bytes->n_files; i++) {
        size_t end = i + 1 < bytes->n_files ? bytes->file_starts[i + 1] : bytes->n;
        n += find_documents(bytes->bytes, bytes->file_starts[i], end, ret_starts ? ret_starts + n : NULL);
    }
    return n;
}

/* Where the held-out part starts. Adds that place to the starts (room for one more) if it is not among them. */
static size_t cut(const Bytes *bytes, double held_out, size_t *starts, size_t *n_starts)
{
    size_t n_held_out = (size_t)floor(held_out * (double)bytes->n + 0.5);
    size_t wish = bytes->n - n_held_out, best = wish, best_distance = n_held_out / 2 + 1;
    for (size_t i = 0; i < *n_starts; i++) {
        size_t distance = starts[i] > wish ? starts[i] - wish : wish - starts[i];
        if (starts[i] > 0 && distance < best_distance)
            best = starts[i], best_distance = distance;
    }
    if (best_distance <= n_held_out / 2)
        return best;
    /* Few documents: between characters, as far as the text is UTF-8 (a continuation byte is 10xxxxxx). */
    for (int k = 0; k < 3 && best < bytes->n && (bytes->bytes[best] & 0xC0) == 0x80; k++)
        best++;
    size_t i = *n_starts;
    for (; i > 0 && starts[i - 1] > best; i--)
        starts[i] = starts[i - 1];
    starts[i] = best;
    ++*n_starts;
    return best;
}

/* The id index of each document's first token: the first token that starts at or behind it. */
static void locate_documents(const size_t *starts, size_t n_starts, const size_t *token_starts, Corpus *corpus)
{
    int64_t token = 0;
    for (size_t i = 0; i < n_starts; i++) {
        while (token < corpus->n && token_starts[token] < starts[i])
            token++;
        int is_new = corpus->n_documents == 0 || corpus->documents[corpus->n_documents - 1] < token;
        if (token < corpus->n && is_new)
            corpus->documents[corpus->n_documents++] = token;
    }
    while (corpus->n_train_documents < corpus->n_documents &&
           corpus->documents[corpus->n_train_documents] < corpus->n_train)
        corpus->n_train_documents++;
}

/* Encodes both parts; ids go to the arena, the bytes' offsets of all tokens to ret_starts (room for n bytes). */
static int encode(Arena *arena, Arena *scratch, const Bytes *bytes, size_t n_train_bytes, Corpus *corpus,
                  size_t *ret_starts, Error *err)
{
    int32_t *ids = ARENA_ARRAY(scratch, int32_t, bytes->n);
    const Tokenizer *tokenizer = corpus->tokenizer;
    int64_t n_train = tokenizer->encode(&corpus->vocabulary, bytes->bytes, n_train_bytes, ids, ret_starts, err);
    if (n_train < 0)
        return STATUS_INPUT;
    int64_t n_held_out = tokenizer->encode(&corpus->vocabulary, bytes->bytes + n_train_bytes, bytes->n - n_train_bytes,
                                           ids + n_train, ret_starts + n_train, err);
    if (n_held_out < 0)
        return STATUS_INPUT;
    for (int64_t i = n_train; i < n_train + n_held_out; i++)
        ret_starts[i] += n_train_bytes;
    corpus->n_train = n_train;
    corpus->n = n_train + n_held_out;
    corpus->ids = ARENA_ARRAY(arena, int32_t, corpus->n);
    memcpy(corpus->ids, ids, (size_t)corpus->n * sizeof *ids);
    return STATUS_OK;
}

/* Vocabulary, ids and documents: from the cache, or made and left there. */
static int tokenize(Arena *arena, Arena *scratch, const Settings *settings, const Bytes *bytes, size_t n_train,
                    const size_t *starts, size_t n_starts, Corpus *corpus, Error *err)
{
    const TokenText text = {corpus->sha256, bytes->n, n_train, bytes->file_starts, bytes->n_files, n_starts};
    const Tokenizer *tokenizer = corpus->tokenizer;
    if (tokenizer->pack && token_cache_read(arena, settings, &text, corpus) == STATUS_OK)
        return STATUS_OK;
    int status = tokenizer->prepare(arena, settings, bytes->bytes, bytes->n, n_train, &corpus->vocabulary, err);
    size_t *token_starts = ARENA_ARRAY(scratch, size_t, bytes->n);
    if (status == STATUS_OK)
        status = encode(arena, scratch, bytes, n_train, corpus, token_starts, err);
    if (status != STATUS_OK)
        return status;
    corpus->documents = ARENA_ARRAY(arena, int64_t, n_starts);
    locate_documents(starts, n_starts, token_starts, corpus);
    if (tokenizer->pack)
        token_cache_write(settings, &text, corpus);
    return STATUS_OK;
}

int corpus_open(Arena *arena, const Settings *settings, Corpus *ret_corpus, Error *err)
{
    Arena *scratch = arena_new();
    Corpus corpus = {.tokenizer = tokenizer_find(settings_text(settings, "data.tokenizer.kind"))};
    assert(corpus.tokenizer);
    Bytes bytes;
    Error reason;
    const size_t used = arena_used(arena);
    int status = read_bytes(scratch, settings, &bytes, err);
    if (status == STATUS_OK && corpus.tokenizer->needs_utf8)
        status = check_utf8(settings, &bytes, err);
    if (status != STATUS_OK)
        goto done;
    sha256_hex(bytes.bytes, bytes.n, corpus.sha256);
    size_t n_newlines = 0;
    for (size_t i = 0; i < bytes.n; i++)
        n_newlines += bytes.bytes[i] == '\n';
    corpus.newline_share = (double)n_newlines / (double)bytes.n;

    size_t n_starts = find_all_documents(&bytes, NULL);
    size_t *starts = ARENA_ARRAY(scratch, size_t, n_starts + 1);
    find_all_documents(&bytes, starts);
    size_t n_train = cut(&bytes, settings_number(settings, "data.held_out"), starts, &n_starts);

    status = tokenize(arena, scratch, settings, &bytes, n_train, starts, n_starts, &corpus, &reason);
    if (status != STATUS_OK) {
        status = settings_error(settings, FILES_KEY, err, "%s", reason.text);
        goto done;
    }
    /* What is touched without the cache; with it, it is less. */
    const size_t encoding = (sizeof *corpus.ids + sizeof *starts) * (size_t)corpus.n;
    corpus.bytes = arena_used(arena) - used;
    corpus.opening_bytes = bytes.taken + sizeof *starts * n_starts +
                           (encoding > corpus.vocabulary.learning_bytes ? encoding : corpus.vocabulary.learning_bytes);
    *ret_corpus = corpus;
done:
    arena_free(scratch);
#ifdef __GLIBC__
    malloc_trim(0); /* to the system, before a run takes its own: the C library would keep what it had */
#endif
    return status;
}

int corpus_hash(Arena *arena, const Settings *settings, char ret_hex[65], Error *err)
{
    (void)arena;
    Arena *scratch = arena_new();
    Bytes bytes;
    int status = read_bytes(scratch, settings, &bytes, err);
    if (status == STATUS_OK)
        sha256_hex(bytes.bytes, bytes.n, ret_hex);
    arena_free(scratch);
    return status;
}
