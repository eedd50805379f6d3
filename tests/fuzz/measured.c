/* See measured.h. */
#include "measured.h"

#include "app/measure_maps.h"
#include "base/json.h"
#include "maps/export.h"
#include "model/mask/mask.h"
#include "tools.h"

enum { MOST_MASKS = 8, MOST_LENGTH = 32, MOST_MAPS = 32 };

/* Those that `measure` may assume: all that have no keys. */
static int mask_rules(MaskRule *ret_rules)
{
    int n = 0;
    for (const Mask *const *mask = mask_registry; *mask; mask++)
        if ((*mask)->variant.n_params == 0 && !(*mask)->prepare)
            ret_rules[n++] = (MaskRule){(*mask)->variant.name, NULL, (*mask)->visible};
    return n;
}

static void check_formats(Arena *arena, const MapsResult *result)
{
    Text text = {0};
    Table *table;
    Json *json;
    Error err;
    maps_to_csv(result, &text);
    assert(table_from_csv(arena, "maps.csv", text_string(&text), &table, &err) == STATUS_OK);
    text_clear(&text);
    maps_to_json(result, &text);
    assert(json_parse(arena, "maps.json", text_string(&text), text.size, &json, &err) == STATUS_OK);
    text_clear(&text);
    maps_to_table(result, 100, 100, 0, &text);
    for (char *line = text.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        assert(text_is_visible(line));
    }
    text_free(&text);
}

void measured(const char *maps, const char *tokens)
{
    Arena *arena = arena_new();
    MaskRule rules[MOST_MASKS];
    MapsSet set;
    MapsResult result;
    Error err;
    const int n_rules = mask_rules(rules);
    FUZZ_MARK(set);
    if (!fuzz_is_read(maps_open(kernels_best(), maps, tokens, &set, &err), &err)) {
        FUZZ_UNTOUCHED(set);
        arena_free(arena);
        return;
    }
    assert(set.n > 0 && set.longest > 0 && set.n_layers > 0 && set.n_heads > 0);
    const int is_small = set.longest <= MOST_LENGTH && (int64_t)set.n * set.n_layers * set.n_heads <= MOST_MAPS;
    if (is_small) { /* of long ones the masks alone take long */
        maps_set_masks(&set, rules, n_rules, 0);
        if (fuzz_is_read(maps_load(&set, &err), &err)) {
            assert(maps_measure(arena, &set, 1, &result, &err) == STATUS_OK);
            check_formats(arena, &result);
        }
    }
    maps_free(&set);
    arena_free(arena);
}
