/* sentence.c - pieces of failure sentences; see sentence.h. */
#include "io/sentence.h"

#include <string.h>

agop_status agop__fail_system(agop__err *e, const char *what, const char *name, int number)
{
    char words[128];
    return agop__fail(e, AGOP_E_IO, "cannot %s %s: %s", what, name, strerror_r(number, words, sizeof words));
}

agop__shown agop__show(const char *text, size_t length)
{
    agop__shown s;
    size_t      n = length > 40 ? 40 : length;

    /* A cut never leaves the first half of a UTF-8 sequence behind. */
    if (length > 40)
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        s.text[i]       = c < 0x20 || c == 0x7F ? '?' : (char)c;
    }
    memcpy(s.text + n, length > 40 ? "..." : "", length > 40 ? 4 : 1);
    return s;
}
