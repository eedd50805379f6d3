#include "hub/tokenize/normalize.h"

#include <string.h>

#include "hub/tokenize/charsmap.h"
#include "hub/tokenize/normalize_steps.h"
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

/* ---- normal forms ------------------------------------------------------------------------------------------------ */

static const UnicodeForm forms[] = {UNICODE_NFC, UNICODE_NFD, UNICODE_NFKC, UNICODE_NFKD};

static int read_form(const Part *part, Normalizer *normalizer)
{
    static const char *const names[] = {"NFC", "NFD", "NFKC", "NFKD"};
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    for (int f = 0; f < 4 && status == STATUS_OK; f++)
        if (strcmp(part->type, names[f]) == 0)
            status = add_step(part, normalizer, (NormalizeStep){normalize_normal_form, &forms[f]});
    return status;
}

/* ---- lower case, accents ----------------------------------------------------------------------------------------- */

static int read_lowercase(const Part *part, Normalizer *normalizer)
{
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){normalize_lowercase, NULL}) : status;
}

static const int all_marks = UNICODE_MARK, marks_without_width = UNICODE_MN;

static int read_strip_accents(const Part *part, Normalizer *normalizer)
{
    normalizer->moves_start = 1;
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){normalize_without, &all_marks}) : status;
}

/* ---- white space at the ends ------------------------------------------------------------------------------------- */

static int read_strip(const Part *part, Normalizer *normalizer)
{
    Strip *strip = ARENA_ARRAY(part->arena, Strip, 1);
    int status = part_has_only(part, "strip_left strip_right");
    if (status == STATUS_OK)
        status = part_flag(part, "strip_left", 1, &strip->left);
    if (status == STATUS_OK)
        status = part_flag(part, "strip_right", 1, &strip->right);
    normalizer->moves_start |= strip->left;
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){normalize_strip, strip}) : status;
}

/* ---- one string for another -------------------------------------------------------------------------------------- */

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
    return add_step(part, normalizer, (NormalizeStep){normalize_replace, replace});
}

static int read_prepend(const Part *part, Normalizer *normalizer)
{
    const char *prefix = "";
    int status = part_has_only(part, "prepend");
    if (status == STATUS_OK)
        status = part_required_string(part, "prepend", &prefix);
    return status == STATUS_OK ? add_step(part, normalizer, (NormalizeStep){normalize_prepend, prefix}) : status;
}

/* ---- SentencePiece's map ----------------------------------------------------------------------------------------- */

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
    return add_step(part, normalizer, (NormalizeStep){normalize_by_charsmap, map});
}

/* ---- BERT's ------------------------------------------------------------------------------------------------------ */

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
    } steps[] = {{cleans, {normalize_clean, NULL}},
                 {chinese, {normalize_chinese_apart, NULL}},
                 {accents, {normalize_normal_form, &forms[1]}},
                 {accents, {normalize_without, &marks_without_width}},
                 {lowers, {normalize_lowercase, NULL}}};
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
