/* refframe measure --html: the page of anybody's maps (maps/page.h), written whole or not at all. */
#include <string.h>
#include <sys/stat.h>

#include "app/measure_maps.h"
#include "base/file.h"
#include "maps/page.h"

static int is_html(const char *path)
{
    const char *suffix = strrchr(path, '.');
    return suffix && (strcmp(suffix, ".html") == 0 || strcmp(suffix, ".htm") == 0);
}

/* What lies where the page goes is replaced: it must be nothing that is read. */
static int check_inputs(const Arguments *arguments, const char *path, Error *err)
{
    static const char *const options[] = {"--ids", "--text", "--tokens"};
    const char *inputs[1 + sizeof options / sizeof *options] = {arguments->words[0]};
    struct stat page, input;
    if (stat(path, &page) != 0)
        return STATUS_OK;
    for (size_t o = 0; o < sizeof options / sizeof *options; o++)
        inputs[1 + o] = argument(arguments, options[o]);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (inputs[i] && stat(inputs[i], &input) == 0 && input.st_dev == page.st_dev && input.st_ino == page.st_ino)
            return error_set(err, STATUS_INPUT, "refframe measure: --html: %s is what is to be measured", path);
    return STATUS_OK;
}

int measure_check_page(const Arguments *arguments, int n_layers, int n_heads, Error *err)
{
    const char *path = argument(arguments, "--html");
    if (!path)
        return STATUS_OK;
    if (!is_html(path))
        return error_set(err, STATUS_INPUT, "refframe measure: --html: \"%s\" should end in .html", path);
    if (file_is_folder(path))
        return error_set(err, STATUS_INPUT, "refframe measure: --html: %s is a folder", path);
    if (check_inputs(arguments, path, err) != STATUS_OK)
        return STATUS_INPUT;
    Arena *arena = arena_new();
    const char *folder = file_dirname(arena, path);
    const int status =
        file_is_folder(folder)
            ? maps_page_check(arguments->words[0], n_layers, n_heads, err)
            : error_set(err, STATUS_INPUT, "refframe measure: --html: %s: there is no folder %s", path, folder);
    arena_free(arena);
    return status;
}

int measure_write_page(const Arguments *arguments, const MapsResult *result, Text *text, Error *err)
{
    const char *path = argument(arguments, "--html"), *format = argument(arguments, "--format");
    Text html = {0};
    if (!path)
        return STATUS_OK;
    maps_to_page(result, &html);
    const int status = file_write(path, html.data, html.size, err);
    if (status == STATUS_OK && (!format || strcmp(format, "table") == 0)) {
        Arena *arena = arena_new();
        text_addf(text, "  %s written: open it in a browser\n\n", terminal_text(arena, path));
        arena_free(arena);
    }
    text_free(&html);
    return status;
}
