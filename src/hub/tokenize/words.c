#include "hub/tokenize/words.h"

#include <string.h>

int words_put(Words *words, Arena *arena, const char *word, int32_t id)
{
    if (id < 0 || id >= WORDS_MOST || (id < words->n_ids && words->names[id]))
        return 0;
    if (!words_add(&words->table, word, strlen(word), id))
        return 0;
    words->names = arena_widen(arena, words->names, sizeof *words->names, (size_t)id + 1, &words->capacity);
    words->n_ids = id >= words->n_ids ? id + 1 : words->n_ids;
    words->names[id] = word;
    words->n_words++;
    return 1;
}

int32_t words_id(const Words *words, const char *word)
{
    return words_find(&words->table, word, strlen(word));
}

int words_item(const Json *vocabulary, int i, const char **ret_word, int32_t *ret_id)
{
    const Json *item = vocabulary->items[i];
    if (vocabulary->type == JSON_OBJECT) {
        *ret_word = item->key, *ret_id = (int32_t)json_whole(item, WORDS_MOST - 1);
        return 1;
    }
    if (item->type != JSON_ARRAY || item->n_items != 2 || item->items[0]->type != JSON_STRING ||
        item->items[1]->type != JSON_NUMBER)
        return 0;
    *ret_word = item->items[0]->string, *ret_id = i < WORDS_MOST ? i : -1;
    return 1;
}

int words_read(const Part *part, Words *ret_words)
{
    const Json *vocabulary = NULL;
    Words words = {.table = {.arena = part->arena}};
    const int status = part_items(part, "vocab", JSON_OBJECT, &vocabulary);
    for (int i = 0; status == STATUS_OK && vocabulary && i < vocabulary->n_items; i++) {
        const char *word = NULL;
        int32_t id = -1;
        words_item(vocabulary, i, &word, &id);
        if (id < 0)
            return part_refuse(part, "\"vocab\": the id of \"%.100s\" is no whole number from 0 to %d", word,
                               WORDS_MOST - 1);
        const char *other = id < words.n_ids ? words.names[id] : NULL;
        if (other || !words_put(&words, part->arena, word, id))
            return part_refuse(part, "\"vocab\": id %d belongs to \"%.100s\" and to \"%.100s\"", id,
                               other ? other : "another", word);
    }
    if (status == STATUS_OK)
        *ret_words = words;
    return status;
}
