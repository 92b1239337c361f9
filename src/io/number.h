/* number.h - decimal text to double, correctly rounded, whatever the program's locale. */
#ifndef AGOP_IO_NUMBER_H
#define AGOP_IO_NUMBER_H

#include <locale.h>
#include <stddef.h>

/* The number at the beginning of p: [+-] digits [. digits] [e [+-] digits], with a digit before the exponent, and
 * nothing else: no blanks, hexadecimal, "inf" or "nan". Returns the byte behind it, NULL when there is none. *out is
 * the nearest double, ties to even; infinite when the number is beyond the largest double.
 * c: the "C" locale. The text must end in a byte that is no part of a number, with 8 readable bytes behind it. */
const char *agop__number(const char *p, double *out, locale_t c);

#endif
