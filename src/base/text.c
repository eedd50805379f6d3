/* A growing byte string, UTF-8, and what messages need: sizes and times for people, the nearest word for a
 * wrong one. */
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

static void reserve(Text *text, size_t more)
{
    if (more > SIZE_MAX / 2 - text->size)
        memory_exhausted(more);
    const size_t needed = text->size + more + 1;
    if (needed <= text->capacity)
        return;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data)
        memory_exhausted(capacity);
    text->data = data;
    text->capacity = capacity;
}

void text_add_bytes(Text *text, const void *bytes, size_t n)
{
    reserve(text, n);
    if (n)
        memcpy(text->data + text->size, bytes, n);
    text->size += n;
    text->data[text->size] = '\0';
}

void text_add(Text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_addv(Text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(n >= 0);
    reserve(text, (size_t)n);
    vsnprintf(text->data + text->size, (size_t)n + 1, format, args);
    text->size += (size_t)n;
}

void text_addf(Text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_addv(text, format, args);
    va_end(args);
}

void text_clear(Text *text)
{
    text->size = 0;
    if (text->data)
        text->data[0] = '\0';
}

void text_free(Text *text)
{
    free(text->data);
    *text = (Text){0};
}

const char *text_string(const Text *text)
{
    return text->data ? text->data : "";
}

int text_utf8_decode(const void *bytes, size_t n, uint32_t *ret_code)
{
    /* Smallest code of each length: a shorter form exists below it. */
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *b = bytes;
    const int length = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
    if (!length || (size_t)length > n)
        return 0;
    uint32_t code = length == 1 ? b[0] : b[0] & (0xffu >> (length + 1));
    for (int i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (b[i] & 0x3f);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    if (ret_code)
        *ret_code = code;
    return length;
}

void text_add_utf8(Text *text, uint32_t code)
{
    const int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    unsigned char b[4];
    for (int i = length - 1; i > 0; i--, code >>= 6)
        b[i] = (unsigned char)(0x80 | (code & 0x3f));
    b[0] = (unsigned char)(lead[length] | code);
    text_add_bytes(text, b, (size_t)length);
}

#define WORD_MAX 127 /* longer words have no near word */

static int min3(int a, int b, int c)
{
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Damerau-Levenshtein distance in its optimal string alignment form (Boytsov 2011, section 2.2): insert, delete,
 * replace, swap neighbours, each 1. Three rows of the usual table; row i, column j: a[0, i) against b[0, j). */
static int distance(const char *a, int n_a, const char *b, int n_b)
{
    int rows[3][WORD_MAX + 1];
    for (int j = 0; j <= n_b; j++)
        rows[0][j] = j;
    for (int i = 1; i <= n_a; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= n_b; j++) {
            const int replace = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, replace);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[n_a % 3][n_b];
}

const char *text_nearest(const char *word, const char *const *candidates, int n)
{
    const size_t length = strlen(word);
    if (length > WORD_MAX)
        return NULL;
    const char *nearest = NULL;
    int best = length / 3 > 2 ? (int)(length / 3) : 2;
    for (int i = 0; i < n; i++) {
        const size_t other = strlen(candidates[i]);
        if (other > WORD_MAX)
            continue;
        const int d = distance(word, (int)length, candidates[i], (int)other);
        /* A word with nothing in common is not near, however short it is. Of equals, the first. */
        if (d < (int)(length > other ? length : other) && (nearest ? d < best : d <= best)) {
            best = d;
            nearest = candidates[i];
        }
    }
    return nearest;
}

char *text_bytes(double bytes, char buffer[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    int unit = 0;
    while (fabs(bytes) >= 1023.95 && unit < 5) {
        bytes /= 1024;
        unit++;
    }
    /* One decimal, in integers: printf would ask the locale for the point. */
    const long long tenths = llround(bytes * 10);
    if (unit == 0)
        snprintf(buffer, 32, "%lld %s", llround(bytes), units[unit]);
    else
        snprintf(buffer, 32, "%s%lld.%lld %s", tenths < 0 ? "-" : "", llabs(tenths) / 10, llabs(tenths) % 10,
                 units[unit]);
    return buffer;
}

char *text_seconds(double seconds, char buffer[32])
{
    if (!(seconds >= 0) || seconds > 1e12) {
        snprintf(buffer, 32, "unknown");
        return buffer;
    }
    const long long whole = llround(seconds), tenths = llround(seconds * 10);
    if (tenths < 100)
        snprintf(buffer, 32, "%lld.%lld s", tenths / 10, tenths % 10);
    else if (whole < 60)
        snprintf(buffer, 32, "%lld s", whole);
    else if (whole < 3600)
        snprintf(buffer, 32, "%lld min %lld s", whole / 60, whole % 60);
    else if (whole < 86400)
        snprintf(buffer, 32, "%lld h %lld min", whole / 3600, whole / 60 % 60);
    else
        snprintf(buffer, 32, "%lld d %lld h", whole / 86400, whole / 3600 % 24);
    return buffer;
}

int text_is_among(const char *text, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, texts[i]) == 0)
            return 1;
    return 0;
}
