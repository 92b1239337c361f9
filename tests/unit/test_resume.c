/* test_resume.c - a fit that was interrupted and taken up again gives the model of one that was not; files that are
 * cut, changed or of another fit do no harm. */
#include "coin_support.h"

#include <unistd.h>

#include "fail_alloc.h"
#include "io/journal.h"
#include "rfm/model.h"

static agop_ctx *ctx;
static char      folder[] = "/tmp/agop_resume_XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- the file ---- */

static agop__journal *open_journal(uint64_t fit)
{
    agop__journal *j = NULL;
    assert_int_equal(agop__journal_open(&j, in_folder("journal"), fit, &ctx->err), AGOP_OK);
    return j;
}

static void must_hold(const agop__journal *j, uint64_t key, const char *text)
{
    int64_t     bytes = 0;
    const char *found = agop__journal_find(j, key, &bytes);
    assert_non_null(found);
    assert_int_equal(bytes, strlen(text));
    assert_memory_equal(found, text, strlen(text));
}

static void test_journal__what_is_kept_is_found_again(void **state)
{
    agop__journal *j = open_journal(7);
    int64_t        bytes;
    (void)state;
    agop__journal_keep(j, 1, "one", 3);
    agop__journal_keep(j, 2, "", 0);
    agop__journal_close(j);
    j = open_journal(7);
    agop__journal_keep(j, 3, "three", 5);
    agop__journal_keep(j, 1, "once more", 9);
    assert_null(agop__journal_trouble(j));
    agop__journal_close(j);
    j = open_journal(7);
    must_hold(j, 1, "once more"); /* the last one counts */
    must_hold(j, 2, "");
    must_hold(j, 3, "three");
    assert_null(agop__journal_find(j, 4, &bytes));
    agop__journal_close(j);
    (void)unlink(in_folder("journal"));
}

static char *read_all(const char *path, int64_t *size)
{
    FILE *f = fopen(path, "rb");
    char *bytes;
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = ftell(f);
    rewind(f);
    bytes = malloc((size_t)*size + 1);
    assert_int_equal(fread(bytes, 1, (size_t)*size, f), *size);
    assert_int_equal(fclose(f), 0);
    return bytes;
}

static void write_file(const char *path, const char *bytes, int64_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Cut anywhere, or with any byte changed: whole records before that place are there, and the file goes on from them. */
static void test_journal__a_torn_file_keeps_its_whole_records(void **state)
{
    agop__journal *j = open_journal(7);
    int64_t        size, bytes;
    char          *all;
    (void)state;
    agop__journal_keep(j, 1, "one", 3);
    agop__journal_keep(j, 2, "second", 6);
    agop__journal_close(j);
    all = read_all(in_folder("journal"), &size);
    assert_int_equal(size, 16 + 24 + 3 + 24 + 6);
    for (int64_t at = 16; at < size; at++)
        for (int cut = 0; cut < 2; cut++) {
            char was = all[at];
            all[at]  = (char)(was + 1);
            write_file(in_folder("journal"), all, cut ? at : size);
            all[at] = was;
            j       = open_journal(7);
            if (at >= 16 + 24 + 3)
                must_hold(j, 1, "one");
            else if (at >= 16 + 8) /* a changed key is another's record */
                assert_null(agop__journal_find(j, 1, &bytes));
            if (cut || at >= 16 + 24 + 3 + 8)
                assert_null(agop__journal_find(j, 2, &bytes));
            agop__journal_keep(j, 3, "third", 5);
            agop__journal_close(j);
            j = open_journal(7);
            must_hold(j, 3, "third");
            agop__journal_close(j);
        }
    free(all);
    (void)unlink(in_folder("journal"));
}

static void refused(const char *path, agop_status want, const char *part)
{
    agop__journal *j = NULL;
    assert_int_equal(agop__journal_open(&j, path, 8, &ctx->err), want);
    assert_null(j);
    if (!strstr(ctx->err.text, part))
        fail_msg("'%s' lacks '%s'", ctx->err.text, part);
}

static void test_journal__other_files_are_refused_and_left_alone(void **state)
{
    agop__journal *j = open_journal(7);
    int64_t        size;
    char          *all;
    (void)state;
    refused(in_folder("journal"), AGOP_E_IO, "in use by another run");
    agop__journal_close(j);
    refused(in_folder("journal"), AGOP_E_FORMAT, "the state of another run");
    write_file(in_folder("journal"), "x1,x2\n1,2\n3,4\n5,6\n", 18);
    refused(in_folder("journal"), AGOP_E_FORMAT, "does not hold the state of a run");
    all = read_all(in_folder("journal"), &size);
    assert_int_equal(size, 18);
    free(all);
    refused("/dev/null", AGOP_E_IO, "it is no file");
    refused("/nowhere/at/all", AGOP_E_IO, "cannot open /nowhere/at/all");
    (void)unlink(in_folder("journal"));
}

/* ---- the fit ---- */

typedef struct patience {
    int calls, stop_at; /* 0: never */
} patience;

static int listen(void *user, const agop_progress *p)
{
    patience *own = user;
    (void)p;
    own->calls++;
    return own->stop_at && own->calls >= own->stop_at;
}

static agop_model *fit_with(const agop_table *t, const char *words, const char *state, patience *p)
{
    char           all[256];
    agop_model    *m = NULL;
    agop_settings *s;
    (void)snprintf(all, sizeof all, "%s%s%s", words, state ? " resume=" : "", state ? in_folder(state) : "");
    s        = settings_of(ctx, all);
    p->calls = 0;
    agop_on_progress(ctx, listen, p);
    if (agop_fit(&m, ctx, t, NULL, s) != AGOP_OK && !p->stop_at)
        fail_msg("%s: %s", all, agop_errmsg(ctx));
    agop_on_progress(ctx, NULL, NULL);
    agop_settings_free(s);
    return m;
}

static void same_models(const agop_model *a, const agop_model *b)
{
    assert_int_equal(a->leaves, b->leaves);
    assert_int_equal(b->stopped, 0);
    for (int64_t l = 0; l < a->leaves; l++) {
        assert_int_equal(a->leaf[l].members, b->leaf[l].members);
        for (int64_t k = 0; k < a->leaf[l].members; k++) {
            const agop__member *x = &a->leaf[l].member[k], *y = &b->leaf[l].member[k];
            int64_t             size = a->leaf[l].n * a->target.outputs;
            assert_true(x->weight == y->weight && x->ridge == y->ridge);
            assert_memory_equal(x->alpha, y->alpha, (size_t)size * sizeof *x->alpha);
        }
    }
    for (int part = 0; part < 2; part++) { /* what the report tells of it, but for seconds */
        static const char *const names[] = {"validation", "members"};
        json_t *i = json_loads(agop_model_info(a), 0, NULL), *j = json_loads(agop_model_info(b), 0, NULL), *one;
        size_t  k;
        for (int side = 0; side < 2; side++)
            json_array_foreach(json_object_get(side ? i : j, "members"), k, one)
                (void)json_object_del(one, "seconds");
        assert_true(json_equal(json_object_get(i, names[part]), json_object_get(j, names[part])) ||
                    (!json_object_get(i, names[part]) && !json_object_get(j, names[part])));
        json_decref(i);
        json_decref(j);
    }
}

static const char *const ways[] = {"target=kind tune=full divisions=2 iters=1", "target=kind",
                                   "target=x1 drop=kind tune=full divisions=1 iters=1",
                                   "target=kind leaf_size=80 iters=1", "target=kind loss=logistic iters=1",
                                   "target=x1 drop=kind target_transform=normal divisions=2 iters=1", "target=x1 tune=off"};

static void test_resume__an_interrupted_fit_goes_on_to_the_same_model(void **state)
{
    agop_table *t;
    (void)state;
    make_coin(&t, ctx, 200, 3);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        patience    whole = {0}, rest = {0};
        agop_model *want = fit_with(t, ways[w], NULL, &whole), *m;
        for (int share = 1; share < 10; share += 2) {
            patience some = {.stop_at = 1 + whole.calls * share / 10};
            agop_model_free(fit_with(t, ways[w], "state", &some));
            m = fit_with(t, ways[w], "state", &rest);
            same_models(want, m);
            agop_model_free(m);
            if (share == 9 && strstr(ways[w], "divisions=2") && rest.calls > whole.calls / 2)
                fail_msg("%s: %d of %d calls were made again", ways[w], rest.calls, whole.calls);
            /* once more, all of it from the file */
            m = fit_with(t, ways[w], "state", &rest);
            same_models(want, m);
            agop_model_free(m);
            if (rest.calls > whole.calls * (strstr(ways[w], "leaf_size") ? .7 : .5)) /* a tree grows anew */
                fail_msg("%s: %d calls, and the whole fit has %d", ways[w], rest.calls, whole.calls);
            (void)unlink(in_folder("state"));
        }
        agop_model_free(want);
    }
    agop_table_free(t);
}

/* More is asked of a search than when it was stopped: the machines there are taken, and more are made. */
static void test_resume__a_search_may_be_widened(void **state)
{
    agop_table *t;
    agop_model *want, *m;
    patience    whole = {0}, rest = {0};
    (void)state;
    make_coin(&t, ctx, 200, 3);
    want = fit_with(t, "target=x1 drop=kind tune=full divisions=2 iters=1", NULL, &whole);
    agop_model_free(fit_with(t, "target=x1 drop=kind divisions=1 iters=1", "state", &rest));
    m = fit_with(t, "target=x1 drop=kind tune=full divisions=2 iters=1", "state", &rest);
    same_models(want, m);
    assert_true(rest.calls < whole.calls);
    agop_model_free(m);
    agop_model_free(want);
    (void)unlink(in_folder("state"));
    agop_table_free(t);
}

static void test_resume__another_fit_is_refused(void **state)
{
    static const char *const others[] = {"target=kind seed=1", "target=kind shrink=0.3", "target=kind drop=x2"};
    agop_table *t, *more;
    patience    p = {0};
    (void)state;
    make_coin(&t, ctx, 200, 3);
    make_coin(&more, ctx, 210, 3);
    agop_model_free(fit_with(t, "target=kind iters=1", "state", &p));
    for (size_t k = 0; k <= sizeof others / sizeof *others; k++) {
        int            other_rows = k == sizeof others / sizeof *others;
        char           words[256];
        agop_settings *s;
        agop_model    *m = NULL;
        (void)snprintf(words, sizeof words, "%s iters=1 resume=%s", other_rows ? "target=kind" : others[k],
                       in_folder("state"));
        s = settings_of(ctx, words);
        assert_int_equal(agop_fit(&m, ctx, other_rows ? more : t, NULL, s), AGOP_E_FORMAT);
        assert_non_null(strstr(agop_errmsg(ctx), "holds the state of another run"));
        agop_settings_free(s);
    }
    (void)unlink(in_folder("state"));
    agop_table_free(more);
    agop_table_free(t);
}

/* Payloads with wrong bytes and right sums: a machine is refused and made again, or taken; nothing else happens. */
static void test_resume__hostile_records_do_no_harm(void **state)
{
    static const char words[] = "target=x1 drop=kind target_transform=normal kernel=l2 iters=1 divisions=1";
    agop_table *t;
    patience    p = {0};
    int64_t     size;
    char       *all;
    (void)state;
    make_coin(&t, ctx, 40, 3);
    agop_model_free(fit_with(t, words, "state", &p));
    all = read_all(in_folder("state"), &size);
    for (int64_t at = 40; at < size; at += at < 400 ? 1 : 97) {
        char *hurt = malloc((size_t)size);
        memcpy(hurt, all, (size_t)size);
        hurt[at] = (char)0xff;
        for (int64_t from = 16; from + 24 <= size;) { /* sums are made good */
            uint64_t head[3];
            memcpy(head, all + from, sizeof head);
            head[2] = agop__hash(AGOP__HASH, hurt + from + 24, (int64_t)head[1]);
            memcpy(hurt + from + 16, &head[2], sizeof head[2]);
            from += 24 + (int64_t)head[1];
        }
        write_file(in_folder("state"), hurt, size);
        p.stop_at = 1 << 30; /* a fit that fails for its numbers is no failure here */
        agop_model_free(fit_with(t, words, "state", &p));
        free(hurt);
    }
    free(all);
    (void)unlink(in_folder("state"));
    agop_table_free(t);
}

static void test_resume__every_failed_allocation_comes_back(void **state)
{
    static const char words[] = "target=kind iters=0 divisions=1";
    agop_table *t;
    patience    p = {0};
    char        all[256];
    (void)state;
    make_coin(&t, ctx, 24, 3);
    agop_model_free(fit_with(t, words, "state", &p));
    (void)snprintf(all, sizeof all, "%s resume=%s", words, in_folder("state"));
    for (int64_t n = 1;; n++) {
        agop_settings *s = settings_of(ctx, all);
        agop_model    *m = NULL;
        agop_status    st;
        int            failed;
        fail_alloc_arm(n);
        st     = agop_fit(&m, ctx, t, NULL, s);
        failed = fail_alloc_disarm();
        agop_settings_free(s);
        agop_model_free(m);
        assert_true(st == AGOP_OK || (failed && st == AGOP_E_NOMEM));
        if (!failed)
            break;
    }
    (void)unlink(in_folder("state"));
    agop_table_free(t);
}

static int open_all(void **state)
{
    (void)state;
    return mkdtemp(folder) && agop_open(&ctx, "cpu", 2) == AGOP_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    (void)rmdir(folder);
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal__what_is_kept_is_found_again),
        cmocka_unit_test(test_journal__a_torn_file_keeps_its_whole_records),
        cmocka_unit_test(test_journal__other_files_are_refused_and_left_alone),
        cmocka_unit_test(test_resume__an_interrupted_fit_goes_on_to_the_same_model),
        cmocka_unit_test(test_resume__a_search_may_be_widened),
        cmocka_unit_test(test_resume__another_fit_is_refused),
        cmocka_unit_test(test_resume__hostile_records_do_no_harm),
        cmocka_unit_test(test_resume__every_failed_allocation_comes_back),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
