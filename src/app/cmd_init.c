/* refframe init: a first experiment file, complete and commented. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/asset.h"
#include "base/file.h"

static int is_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name) &&
           *name != '.' && *name != '-';
}

static int run(const Arguments *arguments, Error *err)
{
    const char *name = arguments->words[0];
    const Asset *asset = asset_find("configs/first.yaml");
    Arena *arena = arena_new();
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
        status = file_write(path, asset->bytes, asset->n, err);
    if (status == STATUS_OK)
        printf("%s written; next: refframe check %s && refframe run %s\n", path, path, path);
    arena_free(arena);
    return status;
}

const Verb verb_init = {
    .name = "init",
    .usage = "init NAME",
    .summary = "write a first experiment file, NAME.yaml",
    .details = "The file is complete, commented, and trains in under a minute. An existing file is never overwritten.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
