/* The JSON reader: strict RFC 8259, by recursive descent of bounded depth. Stricter still: a key stands once in an
 * object, and no string holds a NUL, as strings are C strings here. */
#include "base/json.h"

#include <string.h>

typedef struct {
    Arena *arena;
    const char *path, *at, *end;
    int line, depth;
    Text scratch; /* the string being read */
    Error *err;
} Reader;

static int refuse(const Reader *r, const char *message)
{
    return error_set(r->err, STATUS_INPUT, "%s:%d: %s", r->path, r->line, message);
}

static void skip_space(Reader *r)
{
    for (; r->at < r->end && memchr(" \t\r\n", *r->at, 4); r->at++)
        r->line += *r->at == '\n';
}

static int next_is(const Reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

/* The four hexadecimal digits of \uXXXX, or -1. */
static int read_hex4(Reader *r)
{
    int code = 0;
    if (r->end - r->at < 4)
        return -1;
    for (int i = 0; i < 4; i++, r->at++) {
        const char c = *r->at;
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static int read_escape(Reader *r)
{
    static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return refuse(r, "a string has no end");
    const char c = *r->at++;
    const char *known = c ? strchr(letters, c) : NULL;
    if (known) {
        text_add_bytes(&r->scratch, &meaning[known - letters], 1);
        return STATUS_OK;
    }
    int code = c == 'u' ? read_hex4(r) : -1;
    if (code >= 0xd800 && code < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        r->at += 2;
        const int low = read_hex4(r);
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (code < 0 || (code >= 0xd800 && code < 0xe000))
        return refuse(r, "a string holds an escape that is none");
    if (code == 0)
        return refuse(r, "a string holds a NUL character");
    text_add_utf8(&r->scratch, (uint32_t)code);
    return STATUS_OK;
}

static int read_string(Reader *r, const char **ret_string)
{
    text_clear(&r->scratch);
    for (r->at++; !next_is(r, '"');) {
        if (r->at == r->end)
            return refuse(r, "a string has no end");
        if ((unsigned char)*r->at < 0x20)
            return refuse(r, "a string holds a control character that is not escaped");
        if (*r->at == '\\') {
            r->at++;
            if (read_escape(r) != STATUS_OK)
                return STATUS_INPUT;
            continue;
        }
        const int length = text_utf8_decode(r->at, (size_t)(r->end - r->at), NULL);
        if (length == 0)
            return refuse(r, "a string is not UTF-8");
        text_add_bytes(&r->scratch, r->at, (size_t)length);
        r->at += length;
    }
    r->at++;
    *ret_string = arena_strndup(r->arena, text_string(&r->scratch), r->scratch.size);
    return STATUS_OK;
}

static size_t count_digits(const Reader *r, const char *at)
{
    size_t n = 0;
    while (at + n < r->end && at[n] >= '0' && at[n] <= '9')
        n++;
    return n;
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
static int read_number(Reader *r, double *ret_number)
{
    const char *at = r->at;
    at += at < r->end && *at == '-';
    const size_t n_whole = count_digits(r, at);
    int is_good = n_whole > 0 && (n_whole == 1 || *at != '0');
    at += n_whole;
    if (at < r->end && *at == '.') {
        const size_t n = count_digits(r, ++at);
        is_good &= n > 0;
        at += n;
    }
    if (at < r->end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < r->end && (*at == '-' || *at == '+');
        const size_t n = count_digits(r, at);
        is_good &= n > 0;
        at += n;
    }
    if (!is_good)
        return refuse(r, "a value was expected");
    text_clear(&r->scratch);
    text_add_bytes(&r->scratch, r->at, (size_t)(at - r->at));
    if (text_parse_double(text_string(&r->scratch), ret_number) != 0)
        return refuse(r, "a number is beyond the range of doubles");
    r->at = at;
    return STATUS_OK;
}

/* The keys of an object that is being read: open addressing, at most half full, so that many keys take no longer each
 * than few do. */
typedef struct {
    const char **slots; /* (n_slots), a power of two; NULL: free */
    size_t n_slots, n;
} KeySet;

/* Where a key stands, or would. FNV-1a (Fowler, Noll, Vo), 64 bits. */
static const char **slot_of(const KeySet *set, const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = key; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    size_t i = (size_t)(hash ^ hash >> 32) & (set->n_slots - 1);
    while (set->slots[i] && strcmp(set->slots[i], key) != 0)
        i = (i + 1) & (set->n_slots - 1);
    return &set->slots[i];
}

/* Whether it was not there before. */
static int add_key(Arena *arena, KeySet *set, const char *key)
{
    if (2 * set->n >= set->n_slots) {
        const KeySet old = *set;
        set->n_slots = old.n_slots ? 2 * old.n_slots : 16;
        set->slots = ARENA_ARRAY(arena, const char *, set->n_slots);
        for (size_t i = 0; i < old.n_slots; i++)
            if (old.slots[i])
                *slot_of(set, old.slots[i]) = old.slots[i];
    }
    const char **slot = slot_of(set, key);
    if (*slot)
        return 0;
    *slot = key;
    set->n++;
    return 1;
}

static int read_value(Reader *r, Json *value);

/* `[a, b]` or `{"k": a, ...}` */
static int read_items(Reader *r, Json *value, char close)
{
    int capacity = 0;
    KeySet keys = {0};
    if (++r->depth > JSON_DEPTH)
        return refuse(r, arena_format(r->arena, "nested deeper than %d levels", JSON_DEPTH));
    r->at++;
    skip_space(r);
    for (int is_first = 1; !next_is(r, close); is_first = 0) {
        if (!is_first) {
            if (!next_is(r, ','))
                return refuse(r, close == ']' ? "\",\" or \"]\" was expected" : "\",\" or \"}\" was expected");
            r->at++;
            skip_space(r);
        }
        Json *item = ARENA_ARRAY(r->arena, Json, 1);
        if (close == '}') {
            if (!next_is(r, '"'))
                return refuse(r, "a key in quotes was expected");
            const char *key;
            if (read_string(r, &key) != STATUS_OK)
                return STATUS_INPUT;
            if (!add_key(r->arena, &keys, key))
                return error_set(r->err, STATUS_INPUT, "%s:%d: key \"%.200s\" appears twice", r->path, r->line, key);
            item->key = key;
            skip_space(r);
            if (!next_is(r, ':'))
                return refuse(r, "\":\" was expected");
            r->at++;
        }
        if (read_value(r, item) != STATUS_OK)
            return STATUS_INPUT;
        if (value->n_items == capacity) {
            Json **old = value->items;
            capacity = capacity ? 2 * capacity : 8;
            value->items = ARENA_ARRAY(r->arena, Json *, capacity);
            for (int i = 0; i < value->n_items; i++)
                value->items[i] = old[i];
        }
        value->items[value->n_items++] = item;
    }
    r->at++;
    r->depth--;
    return STATUS_OK;
}

/* Reads a value and the space around it. */
static int read_value(Reader *r, Json *value)
{
    static const struct {
        const char *word;
        JsonType type;
        double number;
    } words[] = {{"null", JSON_NULL, 0}, {"true", JSON_BOOL, 1}, {"false", JSON_BOOL, 0}};
    int status = STATUS_OK;
    skip_space(r);
    if (next_is(r, '{') || next_is(r, '[')) {
        value->type = next_is(r, '{') ? JSON_OBJECT : JSON_ARRAY;
        status = read_items(r, value, next_is(r, '{') ? '}' : ']');
    } else if (next_is(r, '"')) {
        value->type = JSON_STRING;
        status = read_string(r, &value->string);
    } else {
        for (int i = 0; i < 3; i++) {
            const size_t n = strlen(words[i].word);
            if ((size_t)(r->end - r->at) >= n && memcmp(r->at, words[i].word, n) == 0) {
                value->type = words[i].type;
                value->number = words[i].number;
                r->at += n;
                skip_space(r);
                return STATUS_OK;
            }
        }
        value->type = JSON_NUMBER;
        status = read_number(r, &value->number);
    }
    if (status == STATUS_OK)
        skip_space(r);
    return status;
}

int json_parse(Arena *arena, const char *path, const char *text, size_t n, Json **ret_json, Error *err)
{
    Reader r = {.arena = arena, .path = path, .at = text, .end = text + n, .line = 1, .err = err};
    Json *json = ARENA_ARRAY(arena, Json, 1);
    int status = read_value(&r, json);
    if (status == STATUS_OK && r.at != r.end)
        status = refuse(&r, "text after the end of the document");
    text_free(&r.scratch);
    if (status == STATUS_OK)
        *ret_json = json;
    return status;
}

const Json *json_get(const Json *object, const char *key)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (int i = 0; i < object->n_items; i++)
        if (strcmp(object->items[i]->key, key) == 0)
            return object->items[i];
    return NULL;
}

const char *json_get_string(const Json *object, const char *key, const char *fallback)
{
    const Json *value = json_get(object, key);
    return value && value->type == JSON_STRING ? value->string : fallback;
}

double json_get_number(const Json *object, const char *key, double fallback)
{
    const Json *value = json_get(object, key);
    return value && value->type == JSON_NUMBER ? value->number : fallback;
}
