/* Fuzzes text of others, where it is shown and where numbers are read from it: on a terminal it moves nothing, in a
 * page it opens nothing, a cell of a table is one cell, and a number is written so that it is read again. */
#include "fuzz.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "sched/sched.h"
#include "tools.h"

static void check_shown(const char *string, size_t n)
{
    Text once = {0}, twice = {0};
    text_add_visible(&once, string, n);
    assert(text_is_visible(text_string(&once)));
    text_add_visible(&twice, text_string(&once), once.size);
    assert(strcmp(text_string(&once), text_string(&twice)) == 0);
    assert(!text_is_visible(string) || strcmp(text_string(&once), string) == 0);
    text_clear(&once);
    text_add_escaped(&once, string, n);
    assert(!strpbrk(text_string(&once), "<>\""));
    for (const char *at = text_string(&once); (at = strchr(at, '&')) != NULL; at++)
        assert(strncmp(at, "&lt;", 4) == 0 || strncmp(at, "&gt;", 4) == 0 || strncmp(at, "&amp;", 5) == 0 ||
               strncmp(at, "&quot;", 6) == 0);
    for (const char *at = text_string(&once); *at; at++)
        assert((unsigned char)*at >= 0x20 || strchr("\t\r\n", *at));
    text_free(&once);
    text_free(&twice);
}

/* A table of the string and a word reads back as that; `may_lead` allows the ' in front of a formula. */
static void check_cell(Arena *arena, void (*add)(Text *, const char *), const char *string, int may_lead)
{
    Text csv = {0};
    Table *table;
    Error err;
    text_add(&csv, "a,b\n");
    add(&csv, string);
    text_add(&csv, ",1\nword,2\n");
    assert(table_from_csv(arena, "cells.csv", text_string(&csv), &table, &err) == STATUS_OK);
    assert(table->n_rows == 2 && table->n_columns == 2);
    const char *cell = table_get_text(table, 0, 0);
    assert(strcmp(cell, string) == 0 || (may_lead && cell[0] == '\'' && strcmp(cell + 1, string) == 0));
    text_free(&csv);
}

static int is_same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void check_numbers(const char *string)
{
    char digits[32];
    double number, again;
    int64_t whole, whole_again;
    if (text_parse_double(string, &number) == 0) {
        assert(text_parse_double(text_number(number, digits), &again) == 0);
        assert(is_same(number, again));
    }
    if (text_parse_int(string, &whole) == 0) {
        snprintf(digits, sizeof digits, "%" PRId64, whole);
        assert(text_parse_int(digits, &whole_again) == 0 && whole_again == whole);
    }
    if (text_parse_whole(string, &whole) == 0 && whole > -(INT64_C(1) << 53) && whole < INT64_C(1) << 53)
        assert(text_parse_double(string, &number) == 0 && number == (double)whole);
}

static void check_progress(const char *line)
{
    Progress progress, again;
    char written[160];
    if (progress_parse(line, &progress) != 0)
        return;
    progress_format(&progress, written);
    assert(progress_parse(written, &again) == 0);
    assert(again.step == progress.step && again.steps == progress.steps && is_same(again.loss, progress.loss) &&
           is_same(again.sink, progress.sink) && is_same(again.tokens_per_second, progress.tokens_per_second));
}

/* As JSON: the same, but for bytes that are no UTF-8. */
static void check_json(Arena *arena, const char *string, size_t n)
{
    Text text = {0};
    JsonWriter writer;
    Json *json;
    Error err;
    int is_utf8 = 1;
    for (size_t i = 0, length; i < n && is_utf8; i += length) {
        length = (size_t)text_utf8_decode(string + i, n - i, NULL);
        is_utf8 = length > 0;
    }
    json_start(&writer, &text, 0);
    json_string(&writer, string);
    assert(json_parse(arena, "written", text_string(&text), text.size, &json, &err) == STATUS_OK);
    assert(json->type == JSON_STRING && (!is_utf8 || strcmp(json->string, string) == 0));
    text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    FuzzParts parts = {(const char *)bytes, (const char *)bytes + n};
    const char *string = fuzz_part(arena, &parts);
    check_shown(string, strlen(string));
    check_cell(arena, text_add_csv, string, 0);
    check_cell(arena, text_add_cell, string, 1);
    check_numbers(string);
    check_progress(string);
    check_json(arena, string, strlen(string));
    arena_free(arena);
    return 0;
}
