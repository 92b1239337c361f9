/* settings.h - the one table of settings, and a set of values. */
#ifndef AGOP_BASE_SETTINGS_H
#define AGOP_BASE_SETTINGS_H

#include "base/context.h"

/* Values are kept as checked text, the form in which they came, are shown and are stored in a model. */
const char *agop__text(const agop_settings *s, const char *name);          /* never NULL; "" when unset */
int         agop__is_auto(const agop_settings *s, const char *name);
double      agop__real(const agop_settings *s, const char *name, double when_auto);
int64_t     agop__int(const agop_settings *s, const char *name, int64_t when_auto);
double      agop__seconds(const agop_settings *s, const char *name); /* 0: no time was given */
int         agop__bool(const agop_settings *s, const char *name, int when_auto);
int         agop__choice(const agop_settings *s, const char *name, const char *choice); /* is it that one? */
agop_status agop__settings_copy(agop_settings **out, const agop_settings *s, agop__err *e); /* s NULL: the defaults */
agop_status agop__settings_make(agop_settings **out, agop__err *e);
agop_status agop__settings_put(agop_settings *s, agop__err *e, const char *name, const char *value);

#endif
