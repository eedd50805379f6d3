/* refframe play: writes the page that trains. */
#include <stdio.h>

#include "app/app.h"
#include "base/asset.h"
#include "base/file.h"

static int run(const Arguments *arguments, Error *err)
{
    const char *path = arguments->n_words > 0 ? arguments->words[0] : "play.html";
    const Asset *page = asset_find("play.html");
    Arena *arena = arena_new();
    int status = STATUS_OK;
    if (file_exists(path))
        status = error_set(err, STATUS_INPUT, "refframe play: %s exists already; it was left as it is", path);
    if (status == STATUS_OK)
        status = file_write(path, page->bytes, page->n, err);
    if (status == STATUS_OK)
        printf("%s written: open it in a browser\n", terminal_text(arena, path));
    arena_free(arena);
    return status;
}

const Verb verb_play = {
    .name = "play",
    .usage = "play [FILE.html]",
    .summary = "write a page on which a transformer trains, and a sink forms",
    .details =
        "Writes play.html, or FILE.html: one file that trains small transformers in the browser that opens it. It has "
        "switches for score, mask, first and last token, encoding and loss. It needs no network and no program beside "
        "it.",
    .min_words = 0,
    .max_words = 1,
    .run = run,
};
