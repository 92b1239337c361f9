/* json.h - JSON text that came from a file, with failures told apart. */
#ifndef AGOP_IO_JSON_H
#define AGOP_IO_JSON_H

#include <jansson.h>

#include "base/status.h"

/* `name` begins the sentence. Duplicate keys and what follows the value are refused. */
agop_status agop__json_parse(json_t **out, const char *text, size_t length, const char *name, agop__err *e);

#endif
