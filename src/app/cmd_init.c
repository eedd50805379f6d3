/* refframe init: a first experiment file, complete and commented. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/asset.h"
#include "base/file.h"
#include "base/text.h"

static int is_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name) &&
           *name != '.' && *name != '-';
}

/* The shipped file under a name of its own, so that two of a folder have results of their own. */
static int write_named(const Asset *asset, const char *name, size_t length, const char *path, Error *err)
{
    static const char line[] = "\nname: first\n";
    const char *bytes = (const char *)asset->bytes, *at = memmem(bytes, asset->n, line, sizeof line - 1);
    assert(at);
    Text text = {0};
    text_add_bytes(&text, bytes, (size_t)(at - bytes));
    text_addf(&text, "\nname: %.*s\n", (int)length, name);
    at += sizeof line - 1;
    text_add_bytes(&text, at, asset->n - (size_t)(at - bytes));
    const int status = file_write(path, text.data, text.size, err);
    text_free(&text);
    return status;
}

static int run(const Arguments *arguments, Error *err)
{
    const char *name = arguments->words[0];
    const Asset *asset = asset_find("configs/first.yaml");
    Arena *arena = arena_new();
    const char *program = terminal_text(arena, arguments->program);
    size_t length = strlen(name);
    int has_ending = length > 5 && strcmp(name + length - 5, ".yaml") == 0;
    const char *path = arena_format(arena, "%s%s", name, has_ending ? "" : ".yaml");
    int status = STATUS_OK;
    if (!is_name(name))
        status = error_set(err, STATUS_INPUT,
                           "refframe init: \"%s\": a name has letters, digits, '.', '_' and '-' only", name);
    else if (file_exists(path))
        status = error_set(err, STATUS_INPUT, "refframe init: %s exists already; it was left as it is", path);
    if (status == STATUS_OK)
        status = write_named(asset, name, has_ending ? length - 5 : length, path, err);
    if (status == STATUS_OK)
        terminal_rowf("%s written; next: %s check %s && %s run %s\n", path, program, path, program, path);
    arena_free(arena);
    return status;
}

const Verb verb_init = {
    .name = "init",
    .usage = "init NAME",
    .summary = "write a first experiment file, NAME.yaml",
    .details = "Writes NAME.yaml, an experiment that is complete and commented, and trains in a few minutes. An "
               "existing file is never overwritten.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
