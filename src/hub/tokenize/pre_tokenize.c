#include "hub/tokenize/pre_tokenize.h"

#include <string.h>

#include "hub/tokenize/match.h"
#include "hub/tokenize/part.h"
#include "hub/tokenize/pre_tokenize_steps.h"
#include "hub/tokenize/unicode.h"

enum { MOST_STEPS = 64 };

/* What is being read, and what comes before it. */
typedef struct {
    const Normalizer *normalizer;
    PreTokenizer *made;
} Making;

static int add_step(const Part *part, Making *making, PreStep step)
{
    if (making->made->n_steps >= MOST_STEPS)
        return part_refuse(part, "there are more than %d pre-tokenizers", MOST_STEPS);
    making->made->steps[making->made->n_steps++] = step;
    return STATUS_OK;
}

/* ---- those that only cut ----------------------------------------------------------------------------------------- */

static int add_cut(const Part *part, Making *making, Cut cut)
{
    Cut *held = ARENA_ARRAY(part->arena, Cut, 1);
    *held = cut;
    return add_step(part, making, (PreStep){pieces_cut, held});
}

static const char *const behaviours[] = {
    [CUT_ISOLATED] = "Isolated",        [CUT_REMOVED] = "Removed",       [CUT_WITH_PREVIOUS] = "MergedWithPrevious",
    [CUT_WITH_NEXT] = "MergedWithNext", [CUT_CONTIGUOUS] = "Contiguous",
};

static int read_behaviour(const Part *part, CutBehaviour *ret_behaviour)
{
    int choice = 0;
    const int status = part_choice(part, "behavior", behaviours, 5, &choice);
    *ret_behaviour = (CutBehaviour)choice;
    return status;
}

static int read_split(const Part *part, Making *making)
{
    Match *match = ARENA_ARRAY(part->arena, Match, 1);
    Cut cut = {.find = match_find, .state = match};
    const char *behaviour = NULL;
    int status = part_has_only(part, "pattern behavior invert");
    if (status == STATUS_OK)
        status = match_read(part, match);
    if (status == STATUS_OK)
        status = part_required_string(part, "behavior", &behaviour);
    if (status == STATUS_OK)
        status = read_behaviour(part, &cut.behaviour);
    if (status == STATUS_OK)
        status = part_flag(part, "invert", 0, &cut.is_inverted);
    return status == STATUS_OK ? add_cut(part, making, cut) : status;
}

static const CharacterRule spaces = {unicode_is_space}, marks = {unicode_is_punctuation}, numbers = {unicode_is_number};
static const Cut remove_spaces = {cut_find_characters, &spaces, CUT_REMOVED, 0},
                 isolate_marks = {cut_find_characters, &marks, CUT_ISOLATED, 0},
                 keep_words = {cut_find_words, NULL, CUT_REMOVED, 1};

static int read_whitespace(const Part *part, Making *making)
{
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    return status == STATUS_OK ? add_cut(part, making, keep_words) : status;
}

static int read_whitespace_split(const Part *part, Making *making)
{
    const int status = part_has_only(part, "");
    return status == STATUS_OK ? add_cut(part, making, remove_spaces) : status;
}

static int read_bert(const Part *part, Making *making)
{
    int status = part_has_only(part, "");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    if (status == STATUS_OK)
        status = add_cut(part, making, remove_spaces);
    return status == STATUS_OK ? add_cut(part, making, isolate_marks) : status;
}

static int read_punctuation(const Part *part, Making *making)
{
    Cut cut = isolate_marks;
    int status = part_has_only(part, "behavior");
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    if (status == STATUS_OK)
        status = read_behaviour(part, &cut.behaviour);
    return status == STATUS_OK ? add_cut(part, making, cut) : status;
}

static int read_digits(const Part *part, Making *making)
{
    int is_individual = 0, status = part_has_only(part, "individual_digits");
    if (status == STATUS_OK)
        status = part_flag(part, "individual_digits", 0, &is_individual);
    if (status == STATUS_OK)
        status = part_needs_unicode(part);
    const Cut cut = {cut_find_characters, &numbers, is_individual ? CUT_ISOLATED : CUT_CONTIGUOUS, 0};
    return status == STATUS_OK ? add_cut(part, making, cut) : status;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* GPT-2's cuts (Radford et al. 2019, encoder.py). */
static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static int read_byte_level(const Part *part, Making *making)
{
    int has_prefix = 1, has_regex = 1, trims = 1;
    int status = part_has_only(part, "add_prefix_space trim_offsets use_regex"); /* offsets are not asked for */
    if (status == STATUS_OK)
        status = part_flag(part, "add_prefix_space", 1, &has_prefix);
    if (status == STATUS_OK)
        status = part_flag(part, "trim_offsets", 1, &trims);
    if (status == STATUS_OK)
        status = part_flag(part, "use_regex", 1, &has_regex);
    if (status == STATUS_OK && has_prefix)
        status = add_step(part, making, (PreStep){pieces_prefix_space, NULL});
    if (status == STATUS_OK && has_regex)
        status = part_needs_unicode(part);
    if (status == STATUS_OK && has_regex) {
        Pattern *pattern = NULL;
        Match *match = ARENA_ARRAY(part->arena, Match, 1);
        status = pattern_read(part->arena, gpt2, &pattern, part->err);
        *match = (Match){NULL, pattern};
        if (status == STATUS_OK)
            status = add_cut(part, making, (Cut){.find = match_find, .state = match});
    }
    making->made->is_byte_level = 1;
    return status == STATUS_OK ? add_step(part, making, (PreStep){pieces_to_bytes, NULL}) : status;
}

/* ---- SentencePiece's blanks -------------------------------------------------------------------------------------- */

static int read_prepend(const Part *part, const Making *making, Prepend *ret_prepend)
{
    static const char *const schemes[] = {"always", "first", "never"};
    int has_prefix = -1, scheme = 0, status = part_flag(part, "add_prefix_space", -1, &has_prefix);
    if (status == STATUS_OK)
        status = part_choice(part, "prepend_scheme", schemes, 3, &scheme);
    if (status != STATUS_OK)
        return status;
    *ret_prepend = (Prepend)scheme;
    if (has_prefix == 0 && *ret_prepend != PREPEND_NEVER)
        return part_refuse(part, "\"add_prefix_space\" is false, which \"prepend_scheme\" \"%s\" contradicts",
                           schemes[scheme]);
    const int n_before = making->normalizer->n_steps;
    if (*ret_prepend == PREPEND_FIRST &&
        (making->normalizer->moves_start || (n_before > 0 && making->made->n_steps > 0)))
        return part_refuse(part, "with \"prepend_scheme\" \"first\", refframe knows of no normalizer that may take a "
                                 "text's first character away");
    return STATUS_OK;
}

static int read_metaspace(const Part *part, Making *making)
{
    Metaspace *metaspace = ARENA_ARRAY(part->arena, Metaspace, 1);
    Match *match = ARENA_ARRAY(part->arena, Match, 1);
    int splits = 1, status = part_has_only(part, "replacement prepend_scheme split add_prefix_space str_rep");
    if (status == STATUS_OK)
        status = part_required_string(part, "replacement", &metaspace->mark);
    if (status == STATUS_OK) {
        const size_t n = strlen(metaspace->mark);
        if (n == 0 || (size_t)text_utf8_decode(metaspace->mark, n, NULL) != n)
            status = part_refuse(part, "\"replacement\" is not one character");
    }
    if (status == STATUS_OK)
        status = part_flag(part, "split", 1, &splits);
    if (status == STATUS_OK)
        status = read_prepend(part, making, &metaspace->prepend);
    if (status == STATUS_OK)
        status = add_step(part, making, (PreStep){pieces_to_metaspace, metaspace});
    *match = (Match){metaspace->mark, NULL};
    if (status == STATUS_OK && splits)
        status = add_cut(part, making, (Cut){.find = match_find, .state = match, .behaviour = CUT_WITH_NEXT});
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int read_one(Part part, Making *making);

static int read_sequence(const Part *part, Making *making)
{
    const Json *items = NULL;
    int status = part_has_only(part, "pretokenizers");
    if (status == STATUS_OK)
        status = part_items(part, "pretokenizers", JSON_ARRAY, &items);
    for (int i = 0; status == STATUS_OK && items && i < items->n_items; i++) {
        Part item = *part;
        item.json = items->items[i];
        status = read_one(item, making);
    }
    return status;
}

static const struct {
    const char *type;
    int (*read)(const Part *part, Making *making);
} kinds[] = {
    {"Sequence", read_sequence},     {"Split", read_split},
    {"ByteLevel", read_byte_level},  {"Metaspace", read_metaspace},
    {"Whitespace", read_whitespace}, {"WhitespaceSplit", read_whitespace_split},
    {"Digits", read_digits},         {"Punctuation", read_punctuation},
    {"BertPreTokenizer", read_bert},
};

static int read_one(Part part, Making *making)
{
    const int status = part_type(&part);
    if (status != STATUS_OK)
        return status;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(part.type, kinds[k].type) == 0)
            return kinds[k].read(&part, making);
    return part_refuse(&part, "not one that refframe knows");
}

int pre_tokenize_read(Arena *arena, const char *path, const Json *json, const Normalizer *normalizer,
                      PreTokenizer *ret_pre_tokenizer, Error *err)
{
    PreTokenizer made = {.steps = ARENA_ARRAY(arena, PreStep, MOST_STEPS)};
    Making making = {normalizer, &made};
    int status = STATUS_OK;
    if (json && json->type != JSON_NULL)
        status = read_one((Part){arena, path, "pre_tokenizer", NULL, json, err}, &making);
    if (status == STATUS_OK)
        *ret_pre_tokenizer = made;
    return status;
}

int pre_tokenize(const PreTokenizer *pre_tokenizer, Pieces *pieces)
{
    for (int s = 0; s < pre_tokenizer->n_steps; s++) {
        Pieces next = {.arena = pieces->arena};
        if (pre_tokenizer->steps[s].apply(pre_tokenizer->steps[s].state, pieces, &next) != 0)
            return -1;
        *pieces = next;
    }
    return 0;
}
