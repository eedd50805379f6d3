/* Fuzzes SHA256SUMS. What is read is written as the same bytes; a listed hash is compared with bytes that it is not of.
 */
#include "fuzz.h"

#include "base/file.h"
#include "store/sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    Sums sums;
    Error err;
    fuzz_file("folder/" SUMS_FILE, bytes, n);
    const char *folder = file_join(arena, fuzz_folder(), "folder");
    FUZZ_MARK(sums);
    if (fuzz_is_read(sums_read(arena, folder, &sums, &err), &err)) {
        for (int i = 0; i < sums.n; i++)
            if (sums_check(&sums, "folder", sums.names[i], "", 0, &err) != STATUS_OK)
                fuzz_refused(STATUS_INPUT, &err);
        assert(sums_write(folder, &sums, &err) == STATUS_OK);
        assert(fuzz_count("folder") == 1);
    } else {
        FUZZ_UNTOUCHED(sums);
    }
    assert(fuzz_holds("folder/" SUMS_FILE, bytes, n));
    arena_free(arena);
    return 0;
}
