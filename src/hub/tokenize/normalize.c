#include "hub/tokenize/normalize.h"

#include <string.h>

#include "hub/tokenize/charsmap.h"
#include "hub/tokenize/match.h"
#include "hub/tokenize/part.h"
#include "hub/tokenize/unicode.h"

enum { MOST_STEPS = 64 };

static int add_step(const Part *part, Normalizer *normalizer, NormalizeStep step)
{
    if (normalizer->n_steps == MOST_STEPS)
        return part_refuse(part, "there are more than %d normalizers", MOST_STEPS);
    normalizer->steps[normalizer->n_steps++] = step;
    return STATUS_OK;
}

/* The next character, and how many bytes it has: of UTF-8 that was checked always some. */
static size_t next(const char *text, size_t n, size_t at, uint32_t *ret_code)
{
    *ret_code = 0;
    const int length = text_utf8_decode(text + at, n - at, ret_code);
    return length > 0 ? (size_t)length : 1;
}

/* ---- normal forms ------------------------------------------------------------------------------------------------ */

static const UnicodeForm forms[] = {UNICODE_NFC, UNICODE_NFD, UNICODE_NFKC, UNICODE_NFKD};

static int apply_form(const void *state, const char *text, size_t n, Text *out)
{
    unicode_add_form(out, *(const UnicodeForm *)state, text, n);
    return 0;
}

static int read_form(const Part *part, Normalizer *normalizer)
{
    static const char *const names[] = {"NFC", "NFD", "NFKC", "NFKD"};
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    for (int f = 0; f < 4 && status == STATUS_OK; f++)
        if (strcmp(part->type, names[f]) == 0)
            status = add_step(part, normalizer, (NormalizeStep){apply_form, &forms[f]});
    return status;
}

/* ---- lower case, accents ----------------------------------------------------------------------------------------- */

static int apply_lowercase(const void *state, const char *text, size_t n, Text *out)
{
    uint32_t code;
    (void)state;
    for (size_t at = 0; at < n;) {
        at += next(text, n, at, &code);
        unicode_add_lower(out, code);
    }
    return 0;
}

static int read_lowercase(const Part *part, Normalizer *normalizer)
{
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){apply_lowercase, NULL}) : status;
}

static const int all_marks = UNICODE_MARK, marks_without_width = UNICODE_MN;

/* Leaves the characters of some categories out; state: their bits. */
static int apply_without(const void *state, const char *text, size_t n, Text *out)
{
    const int categories = *(const int *)state;
    uint32_t code;
    for (size_t at = 0, length; at < n; at += length) {
        length = next(text, n, at, &code);
        if (code < 128 || !(unicode_category(code) & categories))
            text_add_bytes(out, text + at, length);
    }
    return 0;
}

static int read_strip_accents(const Part *part, Normalizer *normalizer)
{
    normalizer->moves_start = 1;
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){apply_without, &all_marks}) : status;
}

/* ---- white space at the ends ------------------------------------------------------------------------------------- */

typedef struct {
    int left, right;
} Strip;

static int apply_strip(const void *state, const char *text, size_t n, Text *out)
{
    const Strip *strip = state;
    size_t start = 0, end = 0;
    uint32_t code;
    for (size_t at = 0; at < n;) {
        const size_t length = next(text, n, at, &code);
        if (unicode_is_space(code) && start == at && strip->left)
            start += length;
        at += length;
        if (!unicode_is_space(code) || !strip->right)
            end = at;
    }
    if (end > start)
        text_add_bytes(out, text + start, end - start);
    return 0;
}

static int read_strip(const Part *part, Normalizer *normalizer)
{
    Strip *strip = ARENA_ARRAY(part->arena, Strip, 1);
    int status = part_has_only(part, "strip_left strip_right");
    if (status == STATUS_OK)
        status = part_flag(part, "strip_left", 1, &strip->left);
    if (status == STATUS_OK)
        status = part_flag(part, "strip_right", 1, &strip->right);
    normalizer->moves_start |= strip->left;
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){apply_strip, strip}) : status;
}

/* ---- one string for another -------------------------------------------------------------------------------------- */

typedef struct {
    Match match;
    const char *content;
} Replace;

static int apply_replace(const void *state, const char *text, size_t n, Text *out)
{
    const Replace *replace = state;
    size_t at = 0, start = 0, end = 0;
    uint64_t steps = 0;
    int found;
    while ((found = match_find(&replace->match, text, n, at, &steps, &start, &end)) == 1) {
        text_add_bytes(out, text + at, start - at);
        text_add(out, replace->content);
        at = end;
    }
    text_add_bytes(out, text + at, n - at);
    return found;
}

static int read_replace(const Part *part, Normalizer *normalizer)
{
    Replace *replace = ARENA_ARRAY(part->arena, Replace, 1);
    int status = part_has_only(part, "pattern content");
    if (status == STATUS_OK)
        status = part_required_string(part, "content", &replace->content);
    if (status == STATUS_OK)
        status = match_read(part, &replace->match);
    if (status != STATUS_OK)
        return status;
    normalizer->moves_start |= !*replace->content;
    return add_step(part, normalizer, (NormalizeStep){apply_replace, replace});
}

static int apply_prepend(const void *state, const char *text, size_t n, Text *out)
{
    if (n > 0)
        text_add(out, state);
    text_add_bytes(out, text, n);
    return 0;
}

static int read_prepend(const Part *part, Normalizer *normalizer)
{
    const char *prefix = "";
    int status = part_has_only(part, "prepend");
    if (status == STATUS_OK)
        status = part_required_string(part, "prepend", &prefix);
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){apply_prepend, prefix}) : status;
}

/* ---- SentencePiece's map ----------------------------------------------------------------------------------------- */

static int apply_charsmap(const void *state, const char *text, size_t n, Text *out)
{
    charsmap_apply(state, text, n, out);
    return 0;
}

static int read_precompiled(const Part *part, Normalizer *normalizer)
{
    const char *base64 = "";
    normalizer->moves_start = 1;
    int status = part_has_only(part, "precompiled_charsmap");
    if (status == STATUS_OK)
        status = part_required_string(part, "precompiled_charsmap", &base64);
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    if (status != STATUS_OK)
        return status;
    const Charsmap *map = charsmap_read(part->arena, base64);
    if (!map)
        return part_refuse(part, "\"precompiled_charsmap\" is no such map");
    return add_step(part, normalizer, (NormalizeStep){apply_charsmap, map});
}

/* ---- BERT's ------------------------------------------------------------------------------------------------------ */

/* Control characters go, and what is white is a blank. */
static int apply_clean(const void *state, const char *text, size_t n, Text *out)
{
    uint32_t code;
    (void)state;
    for (size_t at = 0, length; at < n; at += length) {
        length = next(text, n, at, &code);
        const int is_white = code == '\t' || code == '\n' || code == '\r';
        if (code == 0 || code == 0xfffd || (!is_white && (unicode_category(code) & UNICODE_CONTROL)))
            continue;
        if (unicode_is_space(code))
            text_add(out, " ");
        else
            text_add_bytes(out, text + at, length);
    }
    return 0;
}

/* What the library calls Chinese: one range of it starts at U+2B920, where the block does at U+2B820. */
static int is_chinese(uint32_t code)
{
    static const uint32_t ranges[][2] = {{0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df},
                                         {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf},
                                         {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
        if (code >= ranges[r][0] && code <= ranges[r][1])
            return 1;
    return 0;
}

static int apply_chinese(const void *state, const char *text, size_t n, Text *out)
{
    uint32_t code;
    (void)state;
    for (size_t at = 0, length; at < n; at += length) {
        length = next(text, n, at, &code);
        if (is_chinese(code))
            text_add(out, " ");
        text_add_bytes(out, text + at, length);
        if (is_chinese(code))
            text_add(out, " ");
    }
    return 0;
}

static int read_bert(const Part *part, Normalizer *normalizer)
{
    int cleans = 1, chinese = 1, accents = -1, lowers = 1;
    normalizer->moves_start = 1;
    int status = part_has_only(part, "clean_text handle_chinese_chars strip_accents lowercase");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    if (status == STATUS_OK)
        status = part_flag(part, "clean_text", 1, &cleans);
    if (status == STATUS_OK)
        status = part_flag(part, "handle_chinese_chars", 1, &chinese);
    if (status == STATUS_OK)
        status = part_flag(part, "strip_accents", -1, &accents);
    if (status == STATUS_OK)
        status = part_flag(part, "lowercase", 1, &lowers);
    if (accents < 0)
        accents = lowers; /* as null has it */
    const struct {
        int is_on;
        NormalizeStep step;
    } steps[] = {{cleans, {apply_clean, NULL}},
                 {chinese, {apply_chinese, NULL}},
                 {accents, {apply_form, &forms[1]}},
                 {accents, {apply_without, &marks_without_width}},
                 {lowers, {apply_lowercase, NULL}}};
    for (size_t s = 0; s < sizeof steps / sizeof *steps && status == STATUS_OK; s++)
        if (steps[s].is_on)
            status = add_step(part, normalizer, steps[s].step);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int read_one(Part part, Normalizer *normalizer);

static int read_sequence(const Part *part, Normalizer *normalizer)
{
    const Json *items = NULL;
    int status = part_has_only(part, "normalizers");
    if (status == STATUS_OK)
        status = part_items(part, "normalizers", JSON_ARRAY, &items);
    for (int i = 0; status == STATUS_OK && items && i < items->n_items; i++) {
        Part item = *part;
        item.json = items->items[i];
        status = read_one(item, normalizer);
    }
    return status;
}

static const struct {
    const char *type;
    int (*read)(const Part *part, Normalizer *normalizer);
} kinds[] = {
    {"Sequence", read_sequence},
    {"NFC", read_form},
    {"NFD", read_form},
    {"NFKC", read_form},
    {"NFKD", read_form},
    {"Lowercase", read_lowercase},
    {"Strip", read_strip},
    {"StripAccents", read_strip_accents},
    {"Replace", read_replace},
    {"Prepend", read_prepend},
    {"Precompiled", read_precompiled},
    {"BertNormalizer", read_bert},
};

static int read_one(Part part, Normalizer *normalizer)
{
    const int status = part_type(&part);
    if (status != STATUS_OK)
        return status;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(part.type, kinds[k].type) == 0)
            return kinds[k].read(&part, normalizer);
    return part_refuse(&part, "not one that refframe knows");
}

int normalize_read(Arena *arena, const char *path, const Json *json, Normalizer *ret_normalizer, Error *err)
{
    Normalizer normalizer = {.steps = ARENA_ARRAY(arena, NormalizeStep, MOST_STEPS)};
    int status = STATUS_OK;
    if (json && json->type != JSON_NULL)
        status = read_one((Part){arena, path, "normalizer", NULL, json, err}, &normalizer);
    if (status == STATUS_OK)
        *ret_normalizer = normalizer;
    return status;
}

int normalize(const Normalizer *normalizer, const char *text, size_t n, Text *out)
{
    Text next_out = {0};
    int status = 0;
    text_clear(out);
    text_add_bytes(out, text, n);
    for (int s = 0; s < normalizer->n_steps && status == 0; s++) {
        text_clear(&next_out);
        status = normalizer->steps[s].apply(normalizer->steps[s].state, text_string(out), out->size, &next_out);
        const Text held = *out;
        *out = next_out, next_out = held;
    }
    text_free(&next_out);
    return status;
}
