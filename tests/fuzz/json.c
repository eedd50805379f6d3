/* Fuzzes the JSON reader. What it reads, the writer writes so that it is read as the same tree, in one line and in
 * many. */
#include "fuzz.h"

#include "base/json.h"

static void write_tree(JsonWriter *json, const Json *value)
{
    switch (value->type) {
    case JSON_NULL:
        json_null(json);
        break;
    case JSON_BOOL:
        json_bool(json, value->number != 0);
        break;
    case JSON_NUMBER:
        json_number(json, value->number);
        break;
    case JSON_STRING:
        json_string(json, value->string);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        value->type == JSON_ARRAY ? json_open_array(json) : json_open_object(json);
        for (int i = 0; i < value->n_items; i++) {
            if (value->type == JSON_OBJECT)
                json_key(json, value->items[i]->key);
            write_tree(json, value->items[i]);
        }
        value->type == JSON_ARRAY ? json_close_array(json) : json_close_object(json);
        break;
    }
}

static void assert_equal_trees(const Json *a, const Json *b)
{
    assert(a->type == b->type && a->n_items == b->n_items);
    assert(a->type != JSON_STRING || strcmp(a->string, b->string) == 0);
    assert((a->type != JSON_NUMBER && a->type != JSON_BOOL) || memcmp(&a->number, &b->number, sizeof a->number) == 0);
    for (int i = 0; i < a->n_items; i++) {
        const char *key = a->items[i]->key;
        assert(a->type != JSON_OBJECT || (strcmp(key, b->items[i]->key) == 0 && json_get(a, key) == a->items[i]));
        assert_equal_trees(a->items[i], b->items[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    Json *json, *again;
    Error err;
    FUZZ_MARK(json);
    if (fuzz_is_read(json_parse(arena, "input.json", (const char *)bytes, n, &json, &err), &err)) {
        for (int indent = 0; indent <= 2; indent += 2) {
            Text text = {0};
            JsonWriter writer;
            json_start(&writer, &text, indent);
            write_tree(&writer, json);
            assert(json_parse(arena, "written", text_string(&text), text.size, &again, &err) == STATUS_OK);
            assert_equal_trees(json, again);
            text_free(&text);
        }
    } else {
        FUZZ_UNTOUCHED(json);
    }
    arena_free(arena);
    return 0;
}
