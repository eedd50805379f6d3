/* Files that travel inside the binary: the default corpus, the report's scripts and styles, shipped configurations.
 *
 * src/base/embed.c is a build tool that writes an assembler file with .incbin and a table of names; the table is here.
 * The list of assets is in src/meson.build.
 */
#ifndef REFFRAME_BASE_ASSET_H
#define REFFRAME_BASE_ASSET_H

#include <stddef.h>

typedef struct {
    const char *name;           /* "corpus/austen.txt", "report/report.js", ... */
    const unsigned char *bytes; /* a NUL follows the last */
    size_t n;
} Asset;

/* The table, ended by a NULL name; written at build time. */
extern const Asset asset_table[];

/* NULL if there is none of that name. */
const Asset *asset_find(const char *name);

#endif
