/* What the program asks of a system, where there is none: a page has a clock of its own and one core, and of the files
 * that travel with the program the default text alone, which the page hands over. */
#include <stdlib.h>
#include <string.h>

#include "base/asset.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/variant.h"
#include "web/web.h"

double clock_seconds(void)
{
    return 0;
}

char *clock_timestamp(char buffer[32])
{
    buffer[0] = '\0';
    return buffer;
}

int clock_cores(void)
{
    return 1;
}

static Asset corpus = {.name = "corpus/austen.txt"};

/* Room for so many bytes of it, for the page to write; the same again for good. */
unsigned char *EXPORT(web_corpus)(size_t n)
{
    unsigned char *bytes = calloc(n + 1, 1);
    if (!bytes)
        memory_exhausted(n + 1);
    corpus.bytes = bytes;
    corpus.n = n;
    return bytes;
}

const Asset *asset_find(const char *name)
{
    return corpus.bytes && strcmp(name, corpus.name) == 0 ? &corpus : NULL;
}

/* Nothing is exported from a page, as a table or as a model. */
const Variant *const export_variants[] = {NULL};
const Variant *const architecture_variants[] = {NULL};
