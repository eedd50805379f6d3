/* Build tool: packs files into one blob and writes the assembler file that puts it, and asset_table, into the program.
 *
 *   embed OUT.S OUT.bin [gz:]NAME=FILE ...
 *
 * `gz:` compresses with a header without name and time, so the blob is a pure function of the files. Each asset starts
 * at a multiple of 16 and is followed by a NUL. The table holds addresses, so it goes where the loader may relocate
 * (PIE).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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

static unsigned char *gzipped(unsigned char *bytes, size_t n, size_t *ret_n)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        die("cannot start", "zlib");
    const size_t bound = deflateBound(&stream, n);
    unsigned char *out = malloc(bound);
    stream.next_in = bytes;
    stream.avail_in = (uInt)n;
    stream.next_out = out;
    stream.avail_out = (uInt)bound;
    if (!out || deflate(&stream, Z_FINISH) != Z_STREAM_END)
        die("cannot compress with", "zlib");
    *ret_n = stream.total_out;
    deflateEnd(&stream);
    free(bytes);
    return out;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: embed OUT.S OUT.bin [gz:]NAME=FILE ...\n");
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
        const int is_gzip = strncmp(argv[i], "gz:", 3) == 0;
        const char *name = argv[i] + 3 * is_gzip, *equals = strchr(name, '=');
        size_t n;
        errno = 0;
        if (!equals)
            die("no NAME=FILE in", argv[i]);
        unsigned char *bytes = read_whole(equals + 1, &n);
        if (is_gzip)
            bytes = gzipped(bytes, n, &n);
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
