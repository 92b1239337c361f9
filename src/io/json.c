/* json.c - JSON text; see json.h.
 *
 * Out of memory, jansson may report an error of syntax, or go on with a text that lacks a character (its scanner
 * does not look whether its buffer could grow). Neither happens twice in the same way, so a text is read twice: what
 * it says, it says again. Headers are small beside what they describe. */
#include "io/json.h"

#include "io/sentence.h"

#include <string.h>

agop_status agop__json_parse(json_t **out, const char *text, size_t length, const char *name, agop__err *e)
{
    agop_status  st    = AGOP_OK;
    json_error_t first = {0}, second = {0};
    json_t      *one = json_loadb(text, length, JSON_REJECT_DUPLICATES, &first);
    json_t      *two = json_loadb(text, length, JSON_REJECT_DUPLICATES, &second);

    *out = NULL;
    if (one && two && json_equal(one, two)) {
        *out = one;
        one  = NULL;
    } else if (one || two || second.text[0] == '\0' || strcmp(first.text, second.text) != 0 ||
               json_error_code(&second) == json_error_out_of_memory) {
        st = agop__fail_memory(e, (double)length, name);
    } else {
        st = agop__fail(e, AGOP_E_FORMAT, "%s: line %d, column %d of its JSON: %s", name, first.line, first.column,
                        agop__show(first.text, strlen(first.text)).text);
    }
    json_decref(one);
    json_decref(two);
    return st;
}
