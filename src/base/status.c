/* status.c - sentences of failures, and names of codes. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

agop_status agop__fail(agop__err *e, agop_status code, const char *format, ...)
{
    if (e) {
        va_list ap;
        e->code = code;
        va_start(ap, format);
        (void)vsnprintf(e->text, sizeof e->text, format, ap);
        va_end(ap);
    }
    return code;
}

void agop__tell_memory(agop__err *e, double bytes, const char *what)
{
    if (bytes >= 1e9)
        (void)agop__fail(e, AGOP_E_NOMEM, "no memory for %.1f GB: %s", bytes / 1e9, what);
    else if (bytes >= 1e6)
        (void)agop__fail(e, AGOP_E_NOMEM, "no memory for %.1f MB: %s", bytes / 1e6, what);
    else
        (void)agop__fail(e, AGOP_E_NOMEM, "no memory: %s", what);
}

/* No default: a code without a name does not compile under -Wswitch -Werror. */
const char *agop_status_name(agop_status s)
{
    switch (s) {
    case AGOP_OK: return "AGOP_OK";
    case AGOP_E_ARG: return "AGOP_E_ARG";
    case AGOP_E_SHAPE: return "AGOP_E_SHAPE";
    case AGOP_E_PARAM: return "AGOP_E_PARAM";
    case AGOP_E_DATA: return "AGOP_E_DATA";
    case AGOP_E_NUMERIC: return "AGOP_E_NUMERIC";
    case AGOP_E_STOPPED: return "AGOP_E_STOPPED";
    case AGOP_E_IO: return "AGOP_E_IO";
    case AGOP_E_FORMAT: return "AGOP_E_FORMAT";
    case AGOP_E_NOMEM: return "AGOP_E_NOMEM";
    case AGOP_E_BACKEND: return "AGOP_E_BACKEND";
    case AGOP_E_UNSUPPORTED: return "AGOP_E_UNSUPPORTED";
    case AGOP_E_BUG: return "AGOP_E_BUG";
    }
    return "AGOP_E_UNKNOWN";
}
