/* See download.h. */
#include "serve/download.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "report/export/export.h"
#include "store/sums.h"

static const struct {
    const char *ending, *type;
} types[] = {
    {".csv", "text/csv; charset=utf-8"},
    {".json", "application/json"},
    {".svg", "image/svg+xml"},
    {".html", "text/html; charset=utf-8"},
};

static const char *type_of(const char *name)
{
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof types / sizeof *types; i++)
        if (strcmp(ending, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* The export that writes it; NULL for none. */
static const Export *export_of(const char *name)
{
    for (const Export *const *export = export_registry; *export; export ++)
        if (strcmp((*export)->file, name) == 0)
            return *export;
    return NULL;
}

/* A regular file, opened for reading; -1 for anything else. A pipe that lies there keeps nobody waiting. */
static int open_regular(const char *path, uint64_t *ret_size)
{
    struct stat stat;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return -1;
    if (fstat(file, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        close(file);
        return -1;
    }
    *ret_size = (uint64_t)stat.st_size;
    return file;
}

Answer download(const char *folder, const char *name)
{
    const Export *export = export_of(name);
    if (!export)
        return answer_words(404, "refframe: no report writes such a file");
    Answer answer = answer_empty(200);
    Arena *arena = arena_new();
    answer.file = open_regular(file_join(arena, folder, export->file), &answer.file_size);
    arena_free(arena);
    if (answer.file < 0)
        return answer_words(404,
                            "refframe: this file is not there yet: `run` writes it at its end, and `report` again");
    answer.type = type_of(export->file);
    answer.attachment = export->file;
    return answer;
}

/* Whether it is a file as the last report left it, of what stands here: SHA256SUMS lists no other. Those of a fresh
 * checkout are of other runs. */
static int is_of_report(Arena *arena, const char *folder, const Sums *sums, const char *name)
{
    struct stat stat;
    return sums_hash(sums, name) && lstat(file_join(arena, folder, name), &stat) == 0 && S_ISREG(stat.st_mode);
}

void download_names(const char *folder, JsonWriter *json)
{
    Arena *arena = arena_new();
    Sums sums;
    if (sums_read(arena, folder, &sums, NULL) != STATUS_OK)
        sums.n = 0;
    json_open_array(json);
    for (const Export *const *export = export_registry; *export; export ++)
        if (is_of_report(arena, folder, &sums, (*export)->file))
            json_string(json, (*export)->file);
    json_close_array(json);
    arena_free(arena);
}
