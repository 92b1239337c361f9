/* test_settings.c - the table of settings is sound, and values are held to it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/settings.h"
#include "base/text.h"
#include "fail_alloc.h"

static agop__err e;

static agop_settings *made(void)
{
    agop_settings *s = NULL;
    assert_int_equal(agop__settings_make(&s, &e), AGOP_OK);
    return s;
}

static void put_gives(agop_settings *s, const char *name, const char *value, agop_status want)
{
    agop_status st = agop__settings_put(s, &e, name, value);
    if (st != want)
        fail_msg("%s = '%s' gives %s: %s", name, value, agop_status_name(st), st == AGOP_OK ? "" : e.text);
    if (st != AGOP_OK && (strchr(e.text, '\n') || e.text[0] == '\0' || e.text[strlen(e.text) - 1] == '.'))
        fail_msg("no good sentence: %s", e.text);
}

static void says(const char *part)
{
    if (!strstr(e.text, part))
        fail_msg("the sentence is '%s', without '%s'", e.text, part);
}

/* ---- the table ---- */

static void test_table__every_row_explains_itself(void **state)
{
    int n = 0;

    (void)state;
    for (const agop_setting *r; (r = agop_setting_at(n)); n++) {
        size_t length = strlen(r->help);
        assert_true(length > 10);
        if (r->help[length - 1] == '.' || strchr(r->help, '\n'))
            fail_msg("%s: %s", r->name, r->help);
        assert_true(strspn(r->name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(r->name));
        assert_true(r->verbs && *r->verbs);
        assert_non_null(r->fallback);
        if (r->type != AGOP_REAL) /* which may be "auto" besides where that is not the default */
            assert_int_equal(r->choices != NULL, r->type == AGOP_CHOICE);
        else
            assert_true(!r->choices || (strcmp(r->choices, "auto") == 0 && strcmp(r->fallback, "auto") != 0));
        if (r->type == AGOP_INT || r->type == AGOP_REAL || r->type == AGOP_BYTES) {
            if (!(r->low < r->high) || !r->placeholder)
                fail_msg("%s has no bounds or no placeholder", r->name);
        }
    }
    assert_true(n > 20);
    assert_null(agop_setting_at(-1));
    assert_null(agop_setting_at(n + 1000));
}

static void test_table__names_are_distinct_even_in_dashes(void **state)
{
    (void)state;
    for (int i = 0; agop_setting_at(i); i++)
        for (int k = 0; k < i; k++)
            assert_false(agop__same_name(agop_setting_at(i)->name, agop_setting_at(k)->name));
}

static void test_table__every_default_passes_its_own_check(void **state)
{
    agop_settings *s = made();

    (void)state;
    for (int i = 0; agop_setting_at(i); i++) {
        const agop_setting *r = agop_setting_at(i);
        assert_string_equal(agop_settings_get(s, r->name), r->fallback);
        put_gives(s, r->name, r->fallback, AGOP_OK);
        assert_string_equal(agop_settings_get(s, r->name), r->fallback);
    }
    agop_settings_free(s);
}

static void test_table__every_choice_is_taken_and_comes_back(void **state)
{
    agop_settings *s = made();

    (void)state;
    for (int i = 0; agop_setting_at(i); i++) {
        const agop_setting *r = agop_setting_at(i);
        char                one[64];
        for (const char *p = r->type == AGOP_CHOICE ? r->choices : ""; *p;) {
            size_t k = strcspn(p, "|");
            assert_true(k > 0 && k < sizeof one);
            memcpy(one, p, k);
            one[k] = '\0';
            put_gives(s, r->name, one, AGOP_OK);
            assert_true(agop__choice(s, r->name, one));
            p += k + (p[k] == '|');
        }
    }
    agop_settings_free(s);
}

static void test_table__bounds_hold_at_their_edges(void **state)
{
    agop_settings *s = made();
    char           text[64];
    int            looked = 0;

    (void)state;
    for (int i = 0; agop_setting_at(i); i++) {
        const agop_setting *r = agop_setting_at(i);
        if (r->type != AGOP_INT && r->type != AGOP_REAL && r->type != AGOP_BYTES)
            continue;
        const char *format = r->type == AGOP_REAL ? "%.17g" : "%.0f";
        double      below  = r->type == AGOP_REAL ? nextafter(r->low, -INFINITY) : r->low - 1;
        double      above  = r->type == AGOP_REAL ? nextafter(r->high, INFINITY) : r->high * 1.01 + 1;
        (void)snprintf(text, sizeof text, format, r->low);
        put_gives(s, r->name, text, r->low_open ? AGOP_E_PARAM : AGOP_OK);
        (void)snprintf(text, sizeof text, format, r->high);
        put_gives(s, r->name, text, AGOP_OK);
        (void)snprintf(text, sizeof text, format, below);
        put_gives(s, r->name, text, AGOP_E_PARAM);
        (void)snprintf(text, sizeof text, format, above);
        put_gives(s, r->name, text, AGOP_E_PARAM);
        if (r->low_open) {
            (void)snprintf(text, sizeof text, format, nextafter(r->low, INFINITY));
            put_gives(s, r->name, text, AGOP_OK);
        }
        looked++;
    }
    assert_true(looked > 8);
    agop_settings_free(s);
}

static void test_table__no_type_takes_the_words_of_another(void **state)
{
    static const char *const nonsense[] = {"",
                                           "nan",
                                           "inf",
                                           "-inf",
                                           "1e999",
                                           "x",
                                           "1 2",
                                           "0x",
                                           "1,5",
                                           "yes",
                                           "\xff",
                                           "True",
                                           "99999999999999999999999999999999999999999999999999999999999999999999999"};
    agop_settings           *s          = made();

    (void)state;
    for (int i = 0; agop_setting_at(i); i++) {
        const agop_setting *r = agop_setting_at(i);
        for (size_t k = 0; k < sizeof nonsense / sizeof nonsense[0]; k++)
            put_gives(s, r->name, nonsense[k], r->type == AGOP_TEXT ? AGOP_OK : AGOP_E_PARAM);
        if (strcmp(r->fallback, "auto") != 0 && r->type != AGOP_TEXT)
            put_gives(s, r->name, "auto",
                      r->choices && strstr(r->choices, "auto") ? AGOP_OK : AGOP_E_PARAM);
    }
    agop_settings_free(s);
}

/* ---- one set of values ---- */

static void test_set__dash_and_underscore_are_equal(void **state)
{
    agop_settings *s = made();

    (void)state;
    put_gives(s, "centre-gradients", "true", AGOP_OK);
    assert_string_equal(agop_settings_get(s, "centre_gradients"), "true");
    assert_int_equal(agop__bool(s, "centre-gradients", 0), 1);
    put_gives(s, "early_stop", "2", AGOP_OK);
    assert_true(agop__real(s, "early-stop", 0) == 2);
    agop_settings_free(s);
}

static void test_set__a_refused_value_leaves_the_old_one(void **state)
{
    agop_settings *s = made();

    (void)state;
    put_gives(s, "ridge", "0.25", AGOP_OK);
    put_gives(s, "ridge", "-1", AGOP_E_PARAM);
    says("ridge must be at least 0 and at most 1e+12, not -1");
    put_gives(s, "ridge", "soft", AGOP_E_PARAM);
    says("ridge must be a number or auto, not 'soft'");
    assert_string_equal(agop_settings_get(s, "ridge"), "0.25");
    put_gives(s, "iters", "2.5", AGOP_E_PARAM);
    says("a whole number or auto");
    put_gives(s, "max_levels", "auto", AGOP_E_PARAM);
    says("max_levels must be a whole number, not 'auto'");
    put_gives(s, "bandwidth", "0", AGOP_E_PARAM);
    says("more than 0");
    put_gives(s, "centre_gradients", "1", AGOP_E_PARAM);
    says("true or false");
    agop_settings_free(s);
}

static void test_set__misspelt_names_are_told_the_closest(void **state)
{
    agop_settings *s = made();

    (void)state;
    put_gives(s, "bandwith", "1", AGOP_E_ARG);
    says("no setting is called 'bandwith': did you mean bandwidth?");
    put_gives(s, "time-limt", "1", AGOP_E_ARG);
    says("did you mean time_limit?");
    put_gives(s, "zzzzzzzzzz", "1", AGOP_E_ARG);
    says("no setting is called 'zzzzzzzzzz'");
    assert_null(strstr(e.text, "did you mean"));
    put_gives(s, "", "1", AGOP_E_ARG);
    put_gives(s, "kernel", "gausian", AGOP_E_PARAM);
    says("did you mean gaussian?");
    put_gives(s, "kernel", "polynomial", AGOP_E_PARAM);
    says("l2|gaussian|l1");
    put_gives(s, "kernel", "l2|gaussian", AGOP_E_PARAM);
    assert_null(agop_settings_get(s, "bandwith"));
    agop_settings_free(s);
}

static void test_set__every_name_is_near_to_itself_misspelt(void **state)
{
    agop_settings *s = made();

    (void)state;
    for (int i = 0; agop_setting_at(i); i++) {
        char   wrong[64];
        size_t n = strlen(agop_setting_at(i)->name);
        memcpy(wrong, agop_setting_at(i)->name, n + 1);
        wrong[n / 2] = '9'; /* one letter wrong */
        put_gives(s, wrong, "1", AGOP_E_ARG);
        says("did you mean");
        says(agop_setting_at(i)->name);
    }
    agop_settings_free(s);
}

static void test_set__nothing_is_refused_not_followed(void **state)
{
    agop_settings *s   = made();
    agop_ctx       ctx = {0};
    char           huge[3000];

    (void)state;
    assert_int_equal(agop_settings_set(s, &ctx, NULL, "1"), AGOP_E_ARG);
    assert_int_equal(agop_settings_set(s, &ctx, "ridge", NULL), AGOP_E_ARG);
    assert_int_equal(agop_settings_set(NULL, &ctx, "ridge", "1"), AGOP_E_ARG);
    assert_string_equal(agop_errmsg(&ctx), "a setting needs a name and a value");
    assert_null(agop_settings_get(s, NULL));
    assert_string_equal(agop_settings_get(NULL, "kernel"), "auto"); /* no set of values: the defaults */
    agop_settings_free(NULL);
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(agop_settings_set(s, &ctx, huge, huge), AGOP_E_ARG);
    assert_int_equal(agop_settings_set(s, &ctx, "ridge", huge), AGOP_E_PARAM);
    assert_int_equal(agop_settings_set(s, &ctx, "memory", huge), AGOP_E_PARAM);
    assert_int_equal(agop_settings_set(s, &ctx, "kernel", huge), AGOP_E_PARAM);
    assert_int_equal(agop_settings_set(s, &ctx, "target", huge), AGOP_OK);
    assert_string_equal(agop_settings_get(s, "target"), huge);
    agop_settings_free(s);
}

static void test_units__of_the_time_limit(void **state)
{
    static const struct {
        const char *text;
        double      want;
    } good[] = {{"90", 90}, {"90s", 90}, {"1.5m", 90}, {"2h", 7200}, {"1e3", 1000}, {"0.001", .001}};
    static const char *const bad[] = {"0", "0s", "-1s", "s", "h", "1d", "1hm", "1ms", "1e12h", "5 m x"};
    agop_settings           *s     = made();

    (void)state;
    assert_true(agop__is_auto(s, "time_limit"));
    assert_true(agop__real(s, "time_limit", -3) == -3);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        put_gives(s, "time_limit", good[i].text, AGOP_OK);
        if (agop__real(s, "time_limit", -3) != good[i].want)
            fail_msg("%s came to %g", good[i].text, agop__real(s, "time_limit", -3));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        put_gives(s, "time_limit", bad[i], AGOP_E_PARAM);
    put_gives(s, "ridge", "5m", AGOP_E_PARAM); /* no other number has a unit */
    agop_settings_free(s);
}

static void test_units__of_memory(void **state)
{
    agop_settings *s = made();

    (void)state;
    assert_int_equal(agop__int(s, "memory", -3), -3);
    put_gives(s, "memory", "8G", AGOP_OK);
    assert_true(agop__int(s, "memory", 0) == 8000000000);
    put_gives(s, "memory", "512MiB", AGOP_OK);
    assert_true(agop__int(s, "memory", 0) == 536870912);
    assert_string_equal(agop_settings_get(s, "memory"), "512MiB"); /* kept as it was written */
    put_gives(s, "memory", "0", AGOP_E_PARAM);
    put_gives(s, "memory", "8X", AGOP_E_PARAM);
    says("an amount of memory such as 8G or auto, not '8X'");
    agop_settings_free(s);
}

static void test_copy__is_its_own(void **state)
{
    agop_settings *a = made(), *b = NULL;

    (void)state;
    put_gives(a, "ridge", "0.5", AGOP_OK);
    put_gives(a, "target", "price", AGOP_OK);
    assert_int_equal(agop__settings_copy(&b, a, &e), AGOP_OK);
    put_gives(a, "ridge", "0.75", AGOP_OK);
    put_gives(b, "target", "rent", AGOP_OK);
    assert_string_equal(agop_settings_get(b, "ridge"), "0.5");
    assert_string_equal(agop_settings_get(a, "target"), "price");
    assert_string_equal(agop_settings_get(b, "kernel"), "auto");
    agop_settings_free(a);
    assert_string_equal(agop_settings_get(b, "ridge"), "0.5");
    agop_settings_free(b);
    assert_int_equal(agop__settings_copy(&b, NULL, &e), AGOP_OK); /* no set of values: the defaults */
    assert_string_equal(agop_settings_get(b, "ridge"), "auto");
    agop_settings_free(b);
}

static void test_copy__without_memory_nothing_is_left(void **state)
{
    agop_settings *a = made();

    (void)state;
    put_gives(a, "ridge", "0.5", AGOP_OK);
    put_gives(a, "target", "price", AGOP_OK);
    for (int64_t n = 1;; n++) {
        agop_settings *b = NULL;
        agop_status    st;
        int            failed;
        fail_alloc_arm(n);
        st     = agop__settings_copy(&b, a, &e);
        failed = fail_alloc_disarm();
        assert_int_equal(st, failed ? AGOP_E_NOMEM : AGOP_OK);
        if (!failed) {
            assert_int_equal(n, 4);
            agop_settings_free(b);
            break;
        }
        assert_null(b);
    }
    agop_settings_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__every_row_explains_itself),
        cmocka_unit_test(test_table__names_are_distinct_even_in_dashes),
        cmocka_unit_test(test_table__every_default_passes_its_own_check),
        cmocka_unit_test(test_table__every_choice_is_taken_and_comes_back),
        cmocka_unit_test(test_table__bounds_hold_at_their_edges),
        cmocka_unit_test(test_table__no_type_takes_the_words_of_another),
        cmocka_unit_test(test_set__dash_and_underscore_are_equal),
        cmocka_unit_test(test_set__a_refused_value_leaves_the_old_one),
        cmocka_unit_test(test_set__misspelt_names_are_told_the_closest),
        cmocka_unit_test(test_set__every_name_is_near_to_itself_misspelt),
        cmocka_unit_test(test_set__nothing_is_refused_not_followed),
        cmocka_unit_test(test_units__of_the_time_limit),
        cmocka_unit_test(test_units__of_memory),
        cmocka_unit_test(test_copy__is_its_own),
        cmocka_unit_test(test_copy__without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
