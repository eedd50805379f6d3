/* The hashes in a finished run's manifest: whoever copies a run can check that it is whole. */
#include "store/run.h"

#include "base/file.h"

int manifest_hash_files(Arena *arena, const char *run_folder, Manifest *manifest, Error *err)
{
    static const char *const folders[] = {RUN_SNAPSHOTS, RUN_CHECKPOINTS};
    enum { N_FOLDERS = 2 };
    char **names[N_FOLDERS];
    int n_names[N_FOLDERS], n = 0, status = STATUS_OK, most = 2;
    for (int f = 0; f < N_FOLDERS && status == STATUS_OK; f++) {
        status = file_list(arena, file_join(arena, run_folder, folders[f]), &names[f], &n_names[f], err);
        most += status == STATUS_OK ? n_names[f] : 0;
    }
    if (status != STATUS_OK)
        return status;

    const char **files = ARENA_ARRAY(arena, const char *, most), **hashes = ARENA_ARRAY(arena, const char *, most);
    if (file_exists(file_join(arena, run_folder, RUN_TOKENIZER)))
        files[n++] = RUN_TOKENIZER;
    files[n++] = RUN_SERIES;
    for (int f = 0; f < N_FOLDERS; f++)
        for (int i = 0; i < n_names[f]; i++)
            files[n++] = file_join(arena, folders[f], names[f][i]);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        char hex[65];
        status = file_sha256(file_join(arena, run_folder, files[i]), hex, err);
        hashes[i] = status == STATUS_OK ? arena_strdup(arena, hex) : NULL;
    }
    if (status == STATUS_OK)
        manifest->files = files, manifest->files_sha256 = hashes, manifest->n_files = n;
    return status;
}
