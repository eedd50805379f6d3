/* Numbers as text without the locale: the shortest digits that round-trip, and exact parses (declared in text.h).
 *
 * The locale enters printf and strtod only through the decimal point, so neither ever sees one: a number travels as
 * DIGITSeEXPONENT, a whole mantissa and a power of ten. Any decimal of up to 15 digits survives the way to a normal
 * double and back, so if a shorter form exists, rounding to 15 shows it behind trailing zeros; 17 always do.
 */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* mantissa * 10^exponent, mantissa of up to 17 digits without trailing zeros. */
typedef struct {
    uint64_t mantissa;
    int exponent;
} Decimal;

static Decimal without_zeros(Decimal d)
{
    while (d.mantissa && d.mantissa % 10 == 0) {
        d.mantissa /= 10;
        d.exponent++;
    }
    return d;
}

/* The nearest decimal of n digits to a positive finite value. */
static Decimal decimal_rounded(double value, int n)
{
    char printed[40]; /* d.ddde-ddd, the point being whatever the locale says */
    snprintf(printed, sizeof printed, "%.*e", n - 1, value);
    Decimal d = {0};
    const char *c = printed;
    for (; *c != 'e'; c++)
        if (*c >= '0' && *c <= '9')
            d.mantissa = d.mantissa * 10 + (uint64_t)(*c - '0');
    d.exponent = atoi(c + 1) - (n - 1);
    return d;
}

static int reads_back(Decimal d, double value)
{
    char whole[40];
    snprintf(whole, sizeof whole, "%" PRIu64 "e%d", d.mantissa, d.exponent);
    return strtod(whole, NULL) == value;
}

static Decimal decimal_shortest(double value)
{
    enum { MOST = 17 };
    for (int n = value < DBL_MIN ? 1 : 15; n < MOST; n++) {
        Decimal d = decimal_rounded(value, n);
        if (reads_back(d, value))
            return without_zeros(d);
        /* At a power of two the gap below is half the gap above: the neighbour above may fit though it is farther. */
        d.mantissa++;
        if (reads_back(d, value))
            return without_zeros(d);
    }
    return without_zeros(decimal_rounded(value, MOST));
}

/* Plain notation from 0.0001 to 15 digits before the point (17 where it is the shorter), else d.ddde-7. */
static void decimal_write(Decimal d, int is_negative, char buffer[32])
{
    char digits[24], exponent[16], *out = buffer;
    const int n = snprintf(digits, sizeof digits, "%" PRIu64, d.mantissa);
    const int point = n + d.exponent; /* value = 0.DIGITS * 10^point */
    if (is_negative)
        *out++ = '-';
    if (point > -4 && (point <= 15 || (point <= 17 && point <= n + 3))) {
        for (int i = point < 1 ? point - 1 : 0; i < (point > n ? point : n); i++) {
            if (i == point)
                *out++ = '.';
            *out++ = i >= 0 && i < n ? digits[i] : '0';
        }
        *out = '\0';
    } else {
        *out++ = digits[0];
        if (n > 1)
            *out++ = '.';
        memcpy(out, digits + 1, (size_t)(n - 1));
        snprintf(exponent, sizeof exponent, "e%d", point - 1);
        strcpy(out + n - 1, exponent);
    }
}

char *text_number(double value, char buffer[32])
{
    if (isnan(value))
        strcpy(buffer, "nan");
    else if (isinf(value))
        strcpy(buffer, value < 0 ? "-inf" : "inf");
    else if (value == rint(value) && fabs(value) < 1e15)
        snprintf(buffer, 32, "%s%" PRIu64, signbit(value) ? "-" : "", (uint64_t)fabs(value));
    else
        decimal_write(decimal_shortest(fabs(value)), value < 0, buffer);
    return buffer;
}

void text_add_number(Text *text, double value)
{
    char buffer[32];
    text_add(text, text_number(value, buffer));
}

/* ---- parsing ---- */

/* A double is decided by its first 767 significant digits and whether anything but zeros follows. */
#define DIGITS_KEPT    770
#define EXPONENT_LIMIT 100000000

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads [digits][.digits], at least one digit, into a whole mantissa (text) and its power of ten. NULL if there is
 * none. */
static const char *scan_mantissa(const char *s, char digits[DIGITS_KEPT + 2], int *ret_exponent)
{
    int n = 0, exponent = 0, seen = 0, after_point = 0, is_rest_zero = 1;
    for (; is_digit(*s) || (*s == '.' && !after_point); s++) {
        if (*s == '.') {
            after_point = 1;
            continue;
        }
        seen = 1;
        if (n == 0 && *s == '0') { /* leading */
            exponent -= after_point;
            continue;
        }
        if (n < DIGITS_KEPT) {
            digits[n++] = *s;
            exponent -= after_point;
        } else {
            is_rest_zero &= *s == '0';
            exponent += !after_point;
        }
        if (exponent > EXPONENT_LIMIT || exponent < -EXPONENT_LIMIT)
            return NULL;
    }
    if (!is_rest_zero) {
        digits[n++] = '1';
        exponent--;
    }
    if (n == 0)
        digits[n++] = '0';
    digits[n] = '\0';
    *ret_exponent = exponent;
    return seen ? s : NULL;
}

int text_parse_double(const char *string, double *ret_value)
{
    const char *s = string;
    const int is_negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    double value;
    if (strcmp(s, "inf") == 0) {
        value = INFINITY;
    } else if (strcmp(string, "nan") == 0) {
        value = NAN;
    } else {
        char whole[DIGITS_KEPT + 32];
        int exponent, given = 0;
        s = scan_mantissa(s, whole, &exponent);
        if (!s)
            return -1;
        if (*s == 'e' || *s == 'E') {
            s++;
            const int sign = *s == '-' ? -1 : 1;
            if (*s == '-' || *s == '+')
                s++;
            if (!is_digit(*s))
                return -1;
            for (; is_digit(*s); s++)
                if (given < EXPONENT_LIMIT)
                    given = given * 10 + (*s - '0');
            given *= sign;
        }
        if (*s)
            return -1;
        const size_t n = strlen(whole);
        snprintf(whole + n, sizeof whole - n, "e%d", exponent + given);
        value = strtod(whole, NULL);
        if (isinf(value))
            return -1; /* beyond the range of doubles */
    }
    *ret_value = is_negative ? -value : value;
    return 0;
}

int text_parse_int(const char *string, int64_t *ret_value)
{
    const char *digits = string + (*string == '-' || *string == '+');
    if (!is_digit(*digits))
        return -1;
    char *end;
    errno = 0;
    const long long value = strtoll(string, &end, 10);
    if (errno || *end)
        return -1;
    *ret_value = value;
    return 0;
}

int text_parse_whole(const char *string, int64_t *ret_value)
{
    static const double most = 9007199254740992.0; /* above, a double no longer knows which whole number it is */
    double value;
    if (text_parse_int(string, ret_value) == 0)
        return 0;
    if (text_parse_double(string, &value) != 0 || !(fabs(value) <= most) || value != floor(value))
        return -1;
    *ret_value = (int64_t)value;
    return 0;
}
