/* json_print.h - reports for machines, by jansson, with as few digits as carry each number. */
#ifndef CLI_JSON_PRINT_H
#define CLI_JSON_PRINT_H

#include <jansson.h>
#include <stdio.h>

struct run;

/* Two spaces per level; arrays of plain numbers on one line; a final newline. */
void json_write(FILE *f, const json_t *j);
/* `j` to r->json, when that is asked for. */
int json_report(struct run *r, const json_t *j);
/* What a verb found, as it goes out: the report to r->json, when that is asked for, and all of it to `path`, NULL being
 * standard output, for people, unless the report is there. kind: RESULT_..., or one more of the writer's own; `write`
 * writes every kind but JSON, which is the report. */
typedef int report_writer(struct run *r, FILE *f, int kind, const void *what);
int         report_tell(struct run *r, const json_t *report, const char *path, int kind, report_writer *write,
                        const void *what);
/* Text of ours (from the library) as an object; NULL and a sentence when it is none. */
json_t *json_read(struct run *r, const char *text);
/* JSON has no NaN: what is not finite becomes null. */
json_t *json_number(double v);
/* Any bytes as a text, or as a key. */
json_t *json_text(const char *s);
void    json_put(json_t *object, const char *key, json_t *value);

double      json_get_number(const json_t *object, const char *key, double otherwise);
const char *json_get_text(const json_t *object, const char *key, const char *otherwise);

#endif
