/* The words behind a verb. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/text.h"

static int option_index(const Verb *verb, const char *name, size_t length)
{
    for (int o = 0; o < verb->n_options; o++)
        if (strlen(verb->options[o].name) == length && strncmp(verb->options[o].name, name, length) == 0)
            return o;
    return -1;
}

static int unknown_option(const Verb *verb, const char *word, Error *err)
{
    const char *names[MOST_OPTIONS];
    for (int o = 0; o < verb->n_options; o++)
        names[o] = verb->options[o].name;
    const char *nearest = text_nearest(word, names, verb->n_options);
    if (nearest)
        return error_set(err, STATUS_INPUT, "refframe %s: unknown option \"%s\"; did you mean \"%s\"?", verb->name,
                         word, nearest);
    return error_set(err, STATUS_INPUT, "refframe %s: unknown option \"%s\"; see refframe %s --help", verb->name, word,
                     verb->name);
}

int arguments_parse(const Verb *verb, int argc, char **argv, Arguments *ret_arguments, Error *err)
{
    Arguments arguments = {.verb = verb};
    assert(verb->n_options <= MOST_OPTIONS && verb->max_words <= MOST_WORDS);
    for (int a = 0; a < argc; a++) {
        const char *word = argv[a], *equals = strchr(word, '=');
        if (word[0] != '-' || word[1] == 0) {
            if (arguments.n_words == verb->max_words)
                return error_set(err, STATUS_INPUT, "refframe %s: \"%s\" is one word too many; usage: refframe %s",
                                 verb->name, word, verb->usage);
            arguments.words[arguments.n_words++] = word;
            continue;
        }
        size_t length = equals ? (size_t)(equals - word) : strlen(word);
        int o = option_index(verb, word, length);
        if (o < 0)
            return unknown_option(verb, word, err);
        const char *value = "";
        if (verb->options[o].value_name) {
            value = equals ? equals + 1 : ++a < argc ? argv[a] : NULL;
            if (!value)
                return error_set(err, STATUS_INPUT, "refframe %s: %s needs a value: %s", verb->name, word,
                                 verb->options[o].value_name);
        } else if (equals) {
            return error_set(err, STATUS_INPUT, "refframe %s: %s takes no value", verb->name, verb->options[o].name);
        }
        if (arguments.n_values[o] == (verb->options[o].is_repeatable ? MOST_REPEATS : 1))
            return error_set(err, STATUS_INPUT, "refframe %s: %s was given too often", verb->name,
                             verb->options[o].name);
        arguments.values[o][arguments.n_values[o]++] = value;
    }
    if (arguments.n_words < verb->min_words)
        return error_set(err, STATUS_INPUT, "usage: refframe %s", verb->usage);
    *ret_arguments = arguments;
    return STATUS_OK;
}

const char *argument(const Arguments *arguments, const char *option)
{
    int o = option_index(arguments->verb, option, strlen(option));
    return o >= 0 && arguments->n_values[o] > 0 ? arguments->values[o][arguments->n_values[o] - 1] : NULL;
}

int argument_given(const Arguments *arguments, const char *option)
{
    return argument(arguments, option) != NULL;
}

int argument_all(const Arguments *arguments, const char *option, const char *const **ret_values)
{
    const int o = option_index(arguments->verb, option, strlen(option));
    *ret_values = arguments->values[o];
    return arguments->n_values[o];
}

int argument_sets(Arena *arena, const Arguments *arguments, Assignment **ret_sets, int *ret_n, Error *err)
{
    const char *const *given;
    const int n = argument_all(arguments, "--set", &given);
    Assignment *sets = ARENA_ARRAY(arena, Assignment, n + 1);
    for (int i = 0; i < n; i++) {
        const char *equals = strchr(given[i], '=');
        if (!equals)
            return error_set(err, STATUS_INPUT, "refframe %s: --set wants KEY=VALUE, not \"%s\"", arguments->verb->name,
                             given[i]);
        sets[i] = (Assignment){
            .key = arena_strndup(arena, given[i], (size_t)(equals - given[i])), .text = equals + 1, .file = "--set"};
    }
    *ret_sets = sets, *ret_n = n;
    return STATUS_OK;
}

int argument_int(const Arguments *arguments, const char *option, int min, int max, int fallback, int *ret_value,
                 Error *err)
{
    const char *text = argument(arguments, option);
    int64_t value = fallback;
    if (text && (text_parse_whole(text, &value) != 0 || value < min || value > max))
        return error_set(err, STATUS_INPUT, "refframe %s: %s: \"%s\" is not a whole number in %d..%d",
                         arguments->verb->name, option, text, min, max);
    *ret_value = (int)value;
    return STATUS_OK;
}

/* "MASK: causal | window:width=8,n_first=2", the keys with their defaults. */
static void add_choices(const char *word, const Variant *const *variants, Text *text)
{
    text_addf(text, "\n%s:", word);
    for (int v = 0; variants[v]; v++) {
        text_addf(text, "%s%s", v ? " | " : " ", variants[v]->name);
        for (int p = 0; p < variants[v]->n_params; p++)
            text_addf(text, "%c%s=%s", p ? ',' : ':', variants[v]->params[p].key, variants[v]->params[p].initial);
    }
    text_add(text, "\n");
}

void print_verb_help(const Verb *verb)
{
    Text text = {0};
    terminal_rowf("usage: refframe %s\n", verb->usage);
    terminal_prose("\n");
    terminal_prose(verb->details);
    text_add(&text, verb->n_options > 0 ? "\n\n" : "\n");
    for (int o = 0; o < verb->n_options; o++) {
        char left[64];
        const Option *option = &verb->options[o];
        snprintf(left, sizeof left, "%s%s%s", option->name, option->value_name ? " " : "",
                 option->value_name ? option->value_name : "");
        text_addf(&text, "  %-23s  %s\n", left, option->help);
    }
    if (verb->choice)
        add_choices(verb->choice, verb->variants, &text);
    terminal_rows(&text);
}
