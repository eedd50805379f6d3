/* Keys that count only beside some value of another key: `model.d_ff` where there is an MLP. Which there are, the
 * program says (plan.h); here it is told whether such a key, set to something, has a say in a run, and in words why
 * not.
 */
#include <string.h>

#include "base/value.h"
#include "plan/draft.h"

/* Whether `text` is one of the words in `values`, which spaces part. */
static int is_among(const char *text, const char *values)
{
    const size_t n = strlen(text);
    for (const char *word = values; *word; word += strcspn(word, " "), word += *word == ' ')
        if (strcspn(word, " ") == n && strncmp(word, text, n) == 0)
            return 1;
    return 0;
}

static int holds(const Condition *condition, const Settings *settings)
{
    const Setting *beside = settings_find(settings, condition->beside);
    return beside && is_among(beside->text, condition->values) != condition->is_not;
}

int condition_silences(Arena *arena, const Condition *conditions, const Settings *settings, const char *key)
{
    int n = 0;
    for (const Condition *c = conditions; c && c->key; c++) {
        if (strcmp(c->key, key) != 0)
            continue;
        if (holds(c, settings))
            return 0;
        n++;
    }
    const Setting *setting = n > 0 ? settings_find(settings, key) : NULL;
    return setting && strcmp(setting->text, value_default(arena, key, setting->row).text) != 0;
}

const char *condition_text(Arena *arena, const Condition *conditions, const char *key)
{
    const char *text = "";
    for (const Condition *c = conditions; c && c->key; c++) {
        if (strcmp(c->key, key) != 0)
            continue;
        const char *values = c->values, *words = "";
        for (int n = 0; *values; n++) {
            const size_t length = strcspn(values, " ");
            const int is_last = values[length] == '\0';
            words = arena_format(arena, "%s%s%.*s", words, n == 0 ? "" : is_last ? " or " : ", ", (int)length, values);
            values += length + !is_last;
        }
        text = arena_format(arena, "%s%s%s: %s%s", text, *text ? " or " : "", c->beside, c->is_not ? "other than " : "",
                            words);
    }
    return text;
}

int condition_is_on(const Condition *conditions, const char *key, const char *beside)
{
    for (const Condition *c = conditions; c && c->key; c++)
        if (strcmp(c->key, key) == 0 && strcmp(c->beside, beside) == 0)
            return 1;
    return 0;
}
