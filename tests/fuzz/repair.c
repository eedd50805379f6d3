/* See repair.h. */
#include "repair.h"

#include <stdio.h>
#include <string.h>

#include "base/deflate.h"

int repair_crc(char *file, size_t n)
{
    static const char key[] = "\"crc32\":\"";
    enum { PREFIX = 8, DIGITS = 8 };
    char digits[DIGITS + 1], before[DIGITS];
    char *found = n > PREFIX ? memmem(file + PREFIX, n - PREFIX, key, sizeof key - 1) : NULL;
    if (!found || (size_t)(file + n - found) < sizeof key - 1 + DIGITS)
        return 0;
    found += sizeof key - 1;
    memcpy(before, found, DIGITS);
    memset(found, '0', DIGITS);
    snprintf(digits, sizeof digits, "%08x", crc32_bytes(file + PREFIX, n - PREFIX));
    memcpy(found, digits, DIGITS);
    return memcmp(before, digits, DIGITS) != 0;
}
