/* Puts the committed corpus of a target through its entry point: without this, a seed that once ended the program, or
 * broke a property, could do so again. replay FOLDER: a line of TAP for each file, told before it is tried. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

int main(int argc, char **argv)
{
    Arena *arena = arena_new();
    Error err = {"wanted: replay FOLDER"};
    char **names;
    int n = 0;
    if (argc != 2 || file_list(arena, argv[1], &names, &n, &err) != STATUS_OK || n == 0) {
        printf("Bail out! %s: %s\n", argc == 2 ? argv[1] : "", n == 0 ? "no seeds" : err.text);
        return 1;
    }
    printf("1..%d\n", n + 1);
    for (int i = 0; i < n; i++) {
        char *bytes;
        size_t size;
        printf("# %s\n", names[i]);
        fflush(stdout);
        if (file_read(arena, file_join(arena, argv[1], names[i]), &bytes, &size, &err) != STATUS_OK) {
            printf("not ok %d - %s: %s\n", i + 1, names[i], err.text);
            continue;
        }
        uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees its end */
        memcpy(exact, bytes, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        printf("ok %d - %s\n", i + 1, names[i]);
        fflush(stdout);
    }
    printf("%sok %d - one of them is read\n", fuzz_read_none() ? "not " : "", n + 1);
    arena_free(arena);
    return fuzz_read_none();
}
