#include "hub/tokenize/words.h"

#include <string.h>

int words_put(Words *words, Arena *arena, const char *word, int32_t id)
{
    if (id < 0 || id >= WORDS_MOST || (id < words->n_ids && words->names[id]))
        return 0;
    if (!words_add(&words->table, word, strlen(word), id))
        return 0;
    if (id >= words->n_ids) {
        int32_t capacity = words->n_ids ? words->n_ids : 1;
        while (capacity <= id)
            capacity *= 2;
        const char **names = ARENA_ARRAY(arena, const char *, capacity);
        if (words->n_ids > 0)
            memcpy(names, words->names, (size_t)words->n_ids * sizeof *names);
        words->names = names, words->n_ids = capacity;
    }
    words->names[id] = word;
    words->n_words++;
    return 1;
}

int32_t words_id(const Words *words, const char *word)
{
    return words_find(&words->table, word, strlen(word));
}

int words_read(const Part *part, Words *ret_words)
{
    const Json *vocabulary = NULL;
    Words words = {.table = {.arena = part->arena}};
    const int status = part_items(part, "vocab", JSON_OBJECT, &vocabulary);
    for (int i = 0; status == STATUS_OK && vocabulary && i < vocabulary->n_items; i++) {
        const Json *item = vocabulary->items[i];
        const int64_t id = json_whole(item, WORDS_MOST - 1);
        if (id < 0)
            return part_refuse(part, "\"vocab\": the id of \"%.100s\" is no whole number from 0 to %d", item->key,
                               WORDS_MOST - 1);
        const char *other = id < words.n_ids ? words.names[id] : NULL;
        if (other || !words_put(&words, part->arena, item->key, (int32_t)id))
            return part_refuse(part, "\"vocab\": id %d belongs to \"%.100s\" and to \"%.100s\"", (int)id,
                               other ? other : "another", item->key);
    }
    if (status == STATUS_OK)
        *ret_words = words;
    return status;
}
