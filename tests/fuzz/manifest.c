/* Fuzzes manifest.json. What is read is written so that it is read as the same; what is listed there is looked for
 * without harm, whatever its name. */
#include "fuzz.h"

#include "base/file.h"
#include "store/manifest.h"

static const char *folder_of(Arena *arena, const char *name)
{
    return file_join(arena, fuzz_folder(), name);
}

/* Written, read and written again: the same bytes. */
static void round_trip(Arena *arena, const Manifest *manifest)
{
    Manifest again;
    Error err;
    char *first, *second;
    size_t n_first, n_second;
    fuzz_file("written/" RUN_MANIFEST, "", 0);
    const char *folder = folder_of(arena, "written"), *path = file_join(arena, folder, RUN_MANIFEST);
    assert(manifest_write(folder, manifest, &err) == STATUS_OK);
    assert(manifest_read(arena, folder, &again, &err) == STATUS_OK);
    assert(file_read(arena, path, &first, &n_first, &err) == STATUS_OK);
    assert(manifest_write(folder, &again, &err) == STATUS_OK);
    assert(file_read(arena, path, &second, &n_second, &err) == STATUS_OK);
    assert(n_first == n_second && memcmp(first, second, n_first) == 0);
    assert(fuzz_count("written") == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    Manifest manifest;
    Error err;
    const char *first = NULL;
    fuzz_file("run/" RUN_MANIFEST, bytes, n);
    const char *folder = folder_of(arena, "run");
    FUZZ_MARK(manifest);
    if (fuzz_is_read(manifest_read(arena, folder, &manifest, &err), &err)) {
        round_trip(arena, &manifest);
        assert(manifest_lost(&manifest, folder, "", &first) <= manifest.n_files);
        if (manifest_check_files(folder, &manifest, &err) != STATUS_OK)
            assert(err.text[0] && text_is_visible(err.text));
    } else {
        FUZZ_UNTOUCHED(manifest);
    }
    assert(fuzz_holds("run/" RUN_MANIFEST, bytes, n));
    arena_free(arena);
    return 0;
}
