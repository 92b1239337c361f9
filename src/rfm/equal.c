/* equal.c - a table with equal rows is put into an order that its cells alone decide. A fit of rows of which some are
 * repeated is then the same, to the last bit, wherever the repetitions stand; so a weight can mean repetition. Rows
 * are told apart by a sum of words, one for each cell (SplitMix64's finaliser: Steele, Lea, Flood, OOPSLA 2014). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "base/threads.h"
#include "rfm/fit.h"

enum { PART = 65536, SOME = 1024 }; /* rows of a thread's part; cells looked at together */

typedef struct looked_at {
    const agop__column *column;
    uint64_t            place; /* columns are told apart */
    uint64_t           *level; /* of a text: a word for each */
} looked_at;

typedef struct reading {
    int64_t       rows, columns, width; /* width: of truth */
    looked_at    *column;
    double       *truth;
    const double *weight;
    uint64_t     *word; /* of a row */
} reading;

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t of_text(const char *s, size_t length)
{
    return mix(agop__hash(AGOP__HASH, s, (int64_t)length));
}

/* 0 and -0 are one, and so is all that is no number. */
static uint64_t of_number(double v, uint64_t place)
{
    uint64_t bits = 0;

    if (isnan(v))
        return mix(~place);
    v += 0.0;
    memcpy(&bits, &v, sizeof bits);
    return mix(bits ^ place);
}

static void add_numbers(const reading *w, const looked_at *c, int64_t first, int64_t n)
{
    double v[SOME];

    agop__column_take(v, c->column, first, n);
    for (int64_t i = 0; i < n; i++)
        w->word[first + i] += of_number(v[i], c->place);
}

static void add_texts(const reading *w, const looked_at *c, int64_t first, int64_t n)
{
    int32_t code[SOME];

    agop__column_codes(code, c->column, first, n);
    for (int64_t i = 0; i < n; i++)
        w->word[first + i] += code[i] < 0 ? mix(~c->place) : c->level[code[i]];
}

/* Zeros of a sparse column have no word. */
static void add_nonzeros(const reading *w, const looked_at *c, int64_t first, int64_t n)
{
    const agop__nonzeros *z = c->column->nonzeros;

    for (int64_t i = agop__nonzeros_from(z, first); i < z->count && z->row[i] < first + n; i++)
        w->word[z->row[i]] += of_number((double)z->value[i], c->place);
}

static void add_truth(const reading *w, int64_t row)
{
    for (int64_t k = 0; k < w->width; k++)
        w->word[row] += of_number(w->truth[row * w->width + k], mix((uint64_t)k + 2));
    if (w->weight)
        w->word[row] += of_number(w->weight[row], mix(1));
}

static void read_part(void *user, int part)
{
    const reading *w     = user;
    int64_t        first = (int64_t)part * PART, end = w->rows - first < PART ? w->rows : first + PART;

    for (int64_t i = first; i < end; i++) {
        w->word[i] = 0;
        add_truth(w, i);
    }
    for (int64_t j = 0; j < w->columns; j++) {
        const looked_at *c = &w->column[j];
        if (c->column->nonzeros) {
            add_nonzeros(w, c, first, end - first);
            continue;
        }
        for (int64_t i = first; i < end; i += SOME)
            (c->level ? add_texts : add_numbers)(w, c, i, end - i < SOME ? end - i : SOME);
    }
}

static agop_status open_levels(looked_at *c, agop__err *e)
{
    const agop__dict *levels = &c->column->levels;

    c->level = agop__malloc(levels->count, sizeof *c->level);
    if (!c->level)
        return agop__fail_memory(e, 8.0 * (double)levels->count, "the order of rows");
    for (int64_t k = 0; k < levels->count; k++)
        c->level[k] = mix(of_text(levels->text[k], levels->length[k]) ^ c->place);
    return AGOP_OK;
}

/* The columns that a fit looks at, but for targets and weights; they are told apart by name, so that their order does
 * not matter, either. */
static agop_status open_columns(reading *w, const agop_table *t, const agop__target *g, const agop_settings *s,
                                agop__err *e)
{
    w->column = agop__calloc(t->cols, sizeof *w->column);
    if (!w->column)
        return agop__fail_memory(e, 0, "the order of rows");
    for (int64_t j = 0; j < t->cols; j++) {
        const char *name = t->column[j].name;
        looked_at  *c    = &w->column[w->columns];
        if (agop__schema_leaves(name, g->list, s))
            continue;
        *c = (looked_at){.column = &t->column[j], .place = of_text(name, strlen(name))};
        w->columns++;
        if (c->column->is_text && open_levels(c, e) != AGOP_OK)
            return AGOP_E_NOMEM;
    }
    return AGOP_OK;
}

static void close_reading(reading *w, int64_t cols)
{
    for (int64_t j = 0; w->column && j < cols; j++)
        free(w->column[j].level);
    free(w->column);
    free(w->truth);
    free(w->word);
}

static int64_t equal_words(const agop__pair *p, int64_t n)
{
    int64_t equal = 0;

    for (int64_t i = 1; i < n; i++)
        equal += p[i].key == p[i - 1].key;
    return equal;
}

/* p, in the order of words, in that of the first target: features that are moved or scaled, whose words are others,
 * leave most numbers where they are. */
static void sort_by_target(agop__pair *p, const reading *w)
{
    for (int64_t i = 0; i < w->rows; i++) {
        double y = w->truth[p[i].value * w->width];
        p[i].key = isnan(y) ? UINT64_MAX : agop__key(y + 0.0);
    }
    agop__sort_pairs(p, p + w->rows, w->rows);
}

/* NULL where no two words are the same. */
static agop_status sort_rows(int64_t **order, const reading *w, agop__err *e)
{
    agop__pair *p     = agop__malloc(2 * w->rows, sizeof *p);
    int64_t     equal;

    if (!p)
        return agop__fail_memory(e, 32.0 * (double)w->rows, "the order of rows");
    for (int64_t i = 0; i < w->rows; i++)
        p[i] = (agop__pair){.key = w->word[i], .value = i};
    agop__sort_pairs(p, p + w->rows, w->rows);
    equal = equal_words(p, w->rows);
    if (equal > 0 && (*order = agop__malloc(w->rows, sizeof **order)) != NULL) {
        sort_by_target(p, w);
        for (int64_t i = 0; i < w->rows; i++)
            (*order)[i] = p[i].value;
    }
    free(p);
    return equal == 0 || *order ? AGOP_OK : agop__fail_memory(e, 8.0 * (double)w->rows, "the order of rows");
}

/* l->order, or NULL where no two rows are equal. */
static agop_status find_order(agop__settled *l, agop_ctx *ctx, const agop_table *t, const agop_settings *s)
{
    reading     w = {.rows = t->rows, .width = l->target->columns, .weight = l->weight};
    agop_status st;

    TRY(open_columns(&w, t, l->target, s, &ctx->err));
    w.truth = agop__malloc(w.rows * w.width, sizeof *w.truth);
    w.word  = agop__malloc(w.rows, sizeof *w.word);
    if (!w.truth || !w.word) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(w.rows * (w.width + 1)), "the order of rows");
        goto done;
    }
    TRY(agop__target_truth(w.truth, l->target, ctx, t));
    agop__parallel(ctx->threads, (int)((w.rows + PART - 1) / PART), read_part, &w);
    TRY(sort_rows(&l->order, &w, &ctx->err));
done:
    close_reading(&w, t->cols);
    return st;
}

/* ---- all of it ---- */

static agop_status learn(agop__settled *l, agop_ctx *ctx, const agop_table *t, const agop_settings *s)
{
    agop_status st;

    TRY(agop__fit_weights(&l->weight, ctx, t, s));
    TRY(agop__target_learn(l->target, &l->keep, ctx, t, s, l->weight));
done:
    return st;
}

static void forget(agop__settled *l)
{
    free(l->keep);
    free(l->weight);
    l->keep   = NULL;
    l->weight = NULL;
}

agop_status agop__settle_rows(agop__settled *l, agop_ctx *ctx, const agop_table *t, const agop_settings *s)
{
    agop_note_fn *note = ctx->note;
    agop_status   st;

    TRY(learn(l, ctx, t, s));
    TRY(find_order(l, ctx, t, s));
    if (!l->order)
        return AGOP_OK;
    forget(l);
    agop__target_free(l->target);
    TRY(agop__table_subset(&l->table, t, l->order, t->rows, agop__text(s, "cache"), &ctx->err));
    ctx->note = NULL; /* everything has been said */
    st        = learn(l, ctx, l->table, s);
    ctx->note = note;
done:
    return st;
}

void agop__settled_names(agop_model *m, const agop__settled *l)
{
    for (int64_t k = 0; l->order && k < m->leaves; k++)
        for (int64_t i = 0; m->leaf[k].row && i < m->leaf[k].n; i++)
            m->leaf[k].row[i] = l->order[m->leaf[k].row[i]];
}

void agop__settled_free(agop__settled *l)
{
    forget(l);
    free(l->order);
    agop_table_free(l->table);
}
