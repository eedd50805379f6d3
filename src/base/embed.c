/* Build tool: packs files into one blob and writes the assembler file that puts it, and asset_table, into the program.
 *
 *   embed OUT.S OUT.bin NAME=FILE ...
 *
 * Each asset starts at a multiple of 16 and is followed by a NUL. The table holds addresses, so it goes where the
 * loader may relocate (PIE).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn static void die(const char *what, const char *path)
{
    fprintf(stderr, "embed: %s %s: %s\n", what, path, errno ? strerror(errno) : "failed");
    exit(1);
}

static unsigned char *read_whole(const char *path, size_t *ret_n)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die("cannot open", path);
    const long n = ftell(file);
    rewind(file);
    unsigned char *bytes = n < 0 ? NULL : malloc((size_t)n + 1);
    if (!bytes || fread(bytes, 1, (size_t)n, file) != (size_t)n)
        die("cannot read", path);
    fclose(file);
    *ret_n = (size_t)n;
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: embed OUT.S OUT.bin NAME=FILE ...\n");
        return 2;
    }
    FILE *code = fopen(argv[1], "w"), *blob = fopen(argv[2], "wb");
    if (!code || !blob)
        die("cannot write", code ? argv[2] : argv[1]);
    fprintf(code,
            "    .section .rodata\n    .balign 16\nasset_bytes:\n    .incbin \"%s\"\n"
            "    .section .data.rel.ro, \"aw\"\n    .balign 8\n"
            "    .globl asset_table\n    .type asset_table, %%object\nasset_table:\n",
            argv[2]);
    size_t offset = 0;
    for (int i = 3; i < argc; i++) {
        const char *name = argv[i], *equals = strchr(name, '=');
        size_t n;
        errno = 0;
        if (!equals)
            die("no NAME=FILE in", argv[i]);
        unsigned char *bytes = read_whole(equals + 1, &n);
        const size_t padding = 16 - n % 16; /* at least the NUL */
        if (fwrite(bytes, 1, n, blob) != n || fwrite("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 1, padding, blob) != padding)
            die("cannot write", argv[2]);
        free(bytes);
        fprintf(code, "    .quad asset_name_%d, asset_bytes + %zu, %zu\n", i, offset, n);
        fprintf(code, "    .pushsection .rodata\nasset_name_%d:\n    .asciz \"%.*s\"\n    .popsection\n", i,
                (int)(equals - name), name);
        offset += n + padding;
    }
    fprintf(code, "    .quad 0, 0, 0\n    .size asset_table, . - asset_table\n"
                  "    .section .note.GNU-stack, \"\", %%progbits\n");
    if (fclose(code) != 0 || fclose(blob) != 0)
        die("cannot write", argv[1]);
    return 0;
}
