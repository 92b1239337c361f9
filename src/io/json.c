/* json.c - JSON text; see json.h. */
#include "io/json.h"

#include "io/sentence.h"

#include <string.h>

/* jansson reports some failed allocations as errors of syntax. Those of syntax are there again at a second try. */
agop_status agop__json_parse(json_t **out, const char *text, size_t length, const char *name, agop__err *e)
{
    json_error_t first = {0}, second = {0};
    json_t      *again;

    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &first);
    if (*out)
        return AGOP_OK;
    again = json_loadb(text, length, JSON_REJECT_DUPLICATES, &second);
    if (again || second.text[0] == '\0' || json_error_code(&second) == json_error_out_of_memory) {
        json_decref(again);
        return agop__fail_memory(e, (double)length, name);
    }
    return agop__fail(e, AGOP_E_FORMAT, "%s: line %d, column %d of its JSON: %s", name, first.line, first.column,
                      agop__show(first.text, strlen(first.text)).text);
}
