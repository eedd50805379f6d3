/* Fuzzes tokenizer.csv as it stands in a run's folder: a run that goes on takes the table that its text teaches and no
 * other, which stays as it is; a run that begins writes its own. */
#include "fuzz.h"

#include "base/file.h"
#include "program.h"
#include "store/run.h"
#include "train/session.h"

#define TEXT "that this is the hat\n\nthe cat sat on the mat\n\nand that is that\n"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static Session session;
    static Text own;
    Arena *arena = arena_new();
    Error err;
    if (!session.data) {
        session.setup = arena_new();
        const Settings settings =
            fuzz_settings(session.setup, (const char *[]){"data.source.kind", "text", "data.source.files",
                                                          fuzz_file("corpus.txt", TEXT, strlen(TEXT)),
                                                          "data.tokenizer.kind", "bpe", "data.held_out", "0.25", NULL});
        assert(data_open(session.setup, &settings, 8, &session.data, &err) == STATUS_OK);
        data_save_tokenizer(session.data, &own);
    }
    const char *folder = file_dirname(arena, fuzz_file("run/" RUN_TOKENIZER, bytes, n));
    const int is_own = own.size == n && memcmp(own.data, bytes, n) == 0;
    assert(fuzz_is_read(session_keep_tokenizer(&session, folder, 1, &err), &err) == is_own);
    assert(fuzz_holds("run/" RUN_TOKENIZER, bytes, n));
    assert(session_keep_tokenizer(&session, folder, 0, &err) == STATUS_OK);
    assert(fuzz_holds("run/" RUN_TOKENIZER, own.data, own.size));
    arena_free(arena);
    return 0;
}
