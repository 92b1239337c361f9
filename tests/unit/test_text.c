/* test_text.c - the growing text, the dictionary, names that are near, and numbers in text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agop/agop.h"
#include "base/text.h"
#include "comma_locale.h"
#include "fail_alloc.h"

/* ---- the growing text ---- */

static void test_buffer__is_terminated_after_every_append(void **state)
{
    agop__buffer b = {0};

    (void)state;
    agop__buffer_add(&b, "abc", 2);
    assert_string_equal(b.text, "ab");
    agop__buffer_print(&b, "%d|%s", -7, "");
    assert_string_equal(b.text, "ab-7|");
    agop__buffer_add(&b, "", 0);
    assert_int_equal(b.length, 5);
    agop__buffer_free(&b);
    assert_null(b.text);
    assert_int_equal(b.length, 0);
}

static void test_buffer__keeps_every_byte_over_many_growths(void **state)
{
    agop__buffer b = {0};
    int          n = 20000;

    (void)state;
    for (int i = 0; i < n; i++)
        agop__buffer_print(&b, "%05d", i);
    assert_int_equal(b.length, 5 * n);
    assert_int_equal(strlen(b.text), b.length);
    for (int i = 0; i < n; i++) {
        char want[16];
        (void)snprintf(want, sizeof want, "%05d", i);
        assert_memory_equal(b.text + 5 * i, want, 5);
    }
    agop__buffer_free(&b);
}

static void test_buffer__one_append_may_be_longer_than_the_room(void **state)
{
    agop__buffer b    = {0};
    char        *text = malloc(100001);

    (void)state;
    memset(text, 'x', 100000);
    text[100000] = '\0';
    agop__buffer_add(&b, "<", 1);
    agop__buffer_print(&b, "%s", text);
    agop__buffer_add(&b, ">", 1);
    assert_int_equal(b.length, 100002);
    assert_int_equal(b.text[0], '<');
    assert_int_equal(b.text[100001], '>');
    free(text);
    agop__buffer_free(&b);
}

static void test_buffer__without_memory_appends_do_nothing_and_failed_stays(void **state)
{
    agop__buffer b = {0};

    (void)state;
    agop__buffer_add(&b, "kept", 4);
    fail_alloc_arm(1);
    for (int i = 0; i < 100; i++)
        agop__buffer_print(&b, "%s", "more than fits into the first room");
    assert_true(fail_alloc_disarm());
    assert_true(b.failed);
    assert_memory_equal(b.text, "kept", 4);
    assert_int_equal(strlen(b.text), b.length);
    agop__buffer_free(&b);
}

/* ---- the dictionary ---- */

static void test_dict__numbers_are_the_order_of_arrival(void **state)
{
    agop__dict d = {0};

    (void)state;
    assert_int_equal(agop__dict_find(&d, "a", 1), -1); /* an empty one has no table yet */
    assert_int_equal(agop__dict_add(&d, "b", 1), 0);
    assert_int_equal(agop__dict_add(&d, "a", 1), 1);
    assert_int_equal(agop__dict_add(&d, "b", 1), 0);
    assert_int_equal(agop__dict_find(&d, "a", 1), 1);
    assert_int_equal(agop__dict_find(&d, "c", 1), -1);
    assert_int_equal(d.count, 2);
    agop__dict_free(&d);
    assert_int_equal(agop__dict_find(&d, "a", 1), -1);
}

static void test_dict__texts_are_bytes_with_a_length(void **state)
{
    agop__dict d = {0};

    (void)state;
    assert_int_equal(agop__dict_add(&d, "", 0), 0);
    assert_int_equal(agop__dict_add(&d, "a\0b", 3), 1);
    assert_int_equal(agop__dict_add(&d, "a\0c", 3), 2);
    assert_int_equal(agop__dict_add(&d, "a", 1), 3);
    assert_int_equal(agop__dict_add(&d, "a\0", 2), 4);
    assert_int_equal(agop__dict_add(&d, "\xff\xfe", 2), 5);
    assert_int_equal(agop__dict_find(&d, "", 0), 0);
    assert_int_equal(agop__dict_find(&d, "a\0c", 3), 2);
    assert_int_equal(agop__dict_find(&d, "\xff\xfe", 2), 5);
    assert_string_equal(d.text[3], "a"); /* terminated copies */
    assert_int_equal(d.length[4], 2);
    agop__dict_free(&d);
}

static void test_dict__fifty_thousand_texts_are_all_found(void **state)
{
    agop__dict d = {0};
    int64_t    n = 50000;
    char       text[32];

    (void)state;
    for (int64_t i = 0; i < n; i++) {
        int k = snprintf(text, sizeof text, "%lld", (long long)(i * 7919));
        assert_int_equal(agop__dict_add(&d, text, (size_t)k), i);
    }
    assert_true(d.slots >= 2 * d.count); /* at most half full: searches stay short */
    for (int64_t i = 0; i < n; i++) {
        int k = snprintf(text, sizeof text, "%lld", (long long)(i * 7919));
        assert_int_equal(agop__dict_find(&d, text, (size_t)k), i);
        assert_int_equal(agop__dict_add(&d, text, (size_t)k), i);
        k = snprintf(text, sizeof text, "%lld", (long long)(i * 7919 + 1));
        assert_int_equal(agop__dict_find(&d, text, (size_t)k), -1);
    }
    assert_int_equal(d.count, n);
    agop__dict_free(&d);
}

/* The hash as text.c has it, to make texts that begin their search in the same slot of the first table of 32. */
static unsigned slot_of_32(const char *s)
{
    uint64_t h = 1469598103934665603u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (unsigned)((h ^ (h >> 29)) & 31);
}

static void test_dict__texts_that_collide_stay_apart(void **state)
{
    agop__dict d = {0};
    char       text[15][16];
    int        found = 0;

    (void)state;
    for (int i = 0; found < 15; i++) {
        (void)snprintf(text[found], sizeof text[0], "key%d", i);
        found += slot_of_32(text[found]) == 30; /* so that the search wraps around the end of the table, too */
    }
    for (int i = 0; i < 15; i++)
        assert_int_equal(agop__dict_add(&d, text[i], strlen(text[i])), i);
    assert_int_equal(d.slots, 32);
    for (int i = 0; i < 15; i++)
        assert_int_equal(agop__dict_find(&d, text[i], strlen(text[i])), i);
    agop__dict_free(&d);
}

static void test_dict__without_memory_it_stays_as_it_was(void **state)
{
    (void)state;
    for (int64_t n = 1;; n++) {
        agop__dict d     = {0};
        int64_t    added = 0;
        char       text[16];
        int        failed;

        fail_alloc_arm(n);
        for (int i = 0; i < 100; i++) {
            int     k      = snprintf(text, sizeof text, "t%d", i);
            int64_t number = agop__dict_add(&d, text, (size_t)k);
            if (number < 0)
                break;
            assert_int_equal(number, added);
            added++;
        }
        failed = fail_alloc_disarm();
        assert_int_equal(d.count, added);
        for (int i = 0; i < added; i++) {
            int k = snprintf(text, sizeof text, "t%d", i);
            assert_int_equal(agop__dict_find(&d, text, (size_t)k), i);
        }
        /* what did not fit does so once there is memory again */
        assert_int_equal(agop__dict_add(&d, "later", 5), added);
        agop__dict_free(&d);
        if (!failed) {
            assert_int_equal(added, 100);
            assert_true(n > 100);
            return;
        }
        assert_true(added < 100);
    }
}

/* ---- names ---- */

static void test_names__dash_and_underscore_are_equal(void **state)
{
    (void)state;
    assert_true(agop__same_name("time-limit", "time_limit"));
    assert_true(agop__same_name("_a-", "-a_"));
    assert_true(agop__same_name("", ""));
    assert_false(agop__same_name("time", "time_"));
    assert_false(agop__same_name("time_", "time"));
    assert_false(agop__same_name("Time", "time"));
}

static void test_names__a_list_is_searched_by_whole_names(void **state)
{
    (void)state;
    assert_true(agop__name_in("b", "a,b,c"));
    assert_true(agop__name_in("c", "a,b,c"));
    assert_true(agop__name_in("a b", "x,a b"));
    assert_false(agop__name_in("b", "ab,bc"));
    assert_false(agop__name_in("a,b", "a,b"));
    assert_false(agop__name_in("a", ""));
    assert_false(agop__name_in("", "a,b"));
    assert_true(agop__name_in("", "a,,b"));
    assert_false(agop__name_in("a", NULL));
}

static void closest_is(const char *word, const char *names, const char *want)
{
    char        buffer[64];
    const char *got = agop_closest(word, names, buffer, sizeof buffer);
    if (want ? !got || strcmp(got, want) != 0 : got != NULL)
        fail_msg("closest of '%s' in '%s' is '%s', not '%s'", word, names, got ? got : "(none)",
                 want ? want : "(none)");
}

static void test_closest__one_slip_is_forgiven(void **state)
{
    static const char names[] = "regression|classification|bandwidth|ridge|time_limit";

    (void)state;
    closest_is("ridge", names, "ridge");
    closest_is("rigde", names, "ridge");  /* a swap */
    closest_is("ridg", names, "ridge");   /* one lost */
    closest_is("riddge", names, "ridge"); /* one too many */
    closest_is("bendwidth", names, "bandwidth");
    closest_is("class", names, "classification"); /* begun */
    closest_is("time-limi", names, "time_limit");
    closest_is("time-l", names, "time_limit"); /* begun, with the other dash */
    closest_is("colour", names, NULL);
    closest_is("", names, NULL);
    closest_is("w", "a|b", NULL); /* a letter is no misspelling of another */
    closest_is("anything", "", NULL);
    closest_is("rigde", "|||ridge|", "ridge");
}

static void test_closest__the_nearer_wins_and_the_first_of_equals(void **state)
{
    (void)state;
    closest_is("abcdx", "abxyx|abcde|abcdf", "abcde");
    closest_is("ridge", "ridges|ridge", "ridge");
}

static void test_closest__hostile_words_and_small_buffers_are_harmless(void **state)
{
    char  small[6];
    char *huge = malloc(100001);

    (void)state;
    memset(huge, 'r', 100000);
    huge[100000] = '\0';
    closest_is(huge, "ridge|bandwidth", NULL);
    closest_is("ridge", huge, NULL);
    huge[63] = '\0'; /* the longest that is compared */
    closest_is(huge, huge, huge);
    huge[63] = 'r';
    huge[64] = '\0'; /* one beyond */
    assert_null(agop_closest(huge, huge, small, sizeof small));
    assert_string_equal(agop_closest("rigde", "ridge", small, sizeof small), "ridge");
    assert_null(agop_closest("ridgse", "ridges", small, sizeof small)); /* seven bytes into six */
    assert_null(agop_closest("rigde", "ridge", small, 0));
    closest_is("\xff\xfe\xfd\xfc", "\xff\xfe\xfd", "\xff\xfe\xfd");
    free(huge);
}

/* ---- numbers ---- */

static void real_is(const char *s, double want)
{
    double v = -12345;
    if (!agop__parse_real(s, &v) || memcmp(&v, &want, sizeof v) != 0)
        fail_msg("'%s' came to %.17g, not %.17g", s, v, want);
}

static void no_real(const char *s)
{
    double v = -12345;
    if (agop__parse_real(s, &v) || v != -12345)
        fail_msg("'%s' came to %.17g", s, v);
}

static void test_parse_real__whole_texts_of_finite_numbers(void **state)
{
    static const char *const bad[] = {"",     " ",     "x",      "1x", "1 ",  "1,5", "1.5.2", "nan", "inf",
                                      "-inf", "1e999", "-1e999", "0x", "--1", "1e",  "1e+",   ".",   "infinity"};

    (void)state;
    real_is("0", 0.0);
    real_is("-0", -0.0);
    real_is("1e-3", 1e-3);
    real_is(".5", .5);
    real_is("5.", 5);
    real_is("+2", 2);
    real_is("1.7976931348623157e308", 1.7976931348623157e308);
    real_is("4.9406564584124654e-324", 4.9406564584124654e-324);
    real_is("0.1000000000000000055511151231257827", .1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        no_real(bad[i]);
}

static void test_parse__the_programs_locale_does_not_matter(void **state)
{
    int64_t bytes = 0;

    (void)state;
    if (!take_comma_locale()) {
        (void)setlocale(LC_ALL, "C");
        skip();
    }
    real_is("1.5", 1.5);
    real_is("-2.5e-3", -2.5e-3);
    no_real("1,5");
    assert_true(agop__parse_bytes("1.5k", &bytes));
    assert_int_equal(bytes, 1500);
    assert_false(agop__parse_bytes("1,5k", &bytes));
    (void)setlocale(LC_ALL, "C");
}

static void test_parse_int__all_of_64_bits_and_not_one_more(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "1.0",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "0x1",
                                      "1 ",
                                      "--1",
                                      "99999999999999999999999999999999999999999"};
    int64_t                  v     = 0;

    (void)state;
    assert_true(agop__parse_int("9223372036854775807", &v));
    assert_true(v == INT64_MAX);
    assert_true(agop__parse_int("-9223372036854775808", &v));
    assert_true(v == INT64_MIN);
    assert_true(agop__parse_int("007", &v)); /* decimal, not octal */
    assert_int_equal(v, 7);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (agop__parse_int(bad[i], &v) || v != 7)
            fail_msg("'%s' came to %lld", bad[i], (long long)v);
}

static void test_parse_bytes__units_of_1000_and_of_1024(void **state)
{
    static const struct {
        const char *text;
        int64_t     want;
    } good[]                       = {{"0", 0},
                                      {"123", 123},
                                      {"8G", 8000000000},
                                      {"8g", 8000000000},
                                      {"8GB", 8000000000},
                                      {"500M", 500000000},
                                      {"1k", 1000},
                                      {"1K", 1000},
                                      {"2T", 2000000000000},
                                      {"1.5G", 1500000000},
                                      {"1Ki", 1024},
                                      {"1KiB", 1024},
                                      {"3Mi", 3145728},
                                      {"2Gi", 2147483648},
                                      {"1TiB", 1099511627776},
                                      {"0.5k", 500},
                                      {"1e3", 1000},
                                      {"1e3k", 1000000},
                                      {"9e18", 9000000000000000000},
                                      {"9e6T", 9000000000000000000}};
    static const char *const bad[] = {
        "",       "G",     "8X",  "8Gx",  "8GBB", "8GiBx", "-1",
        "-1G",    "8 G x", "nan", "nanG", "inf",  "1e30",  "1e18T",
        "9.1e18", "8G8G",  "i",   "8Gb",  "1,5G", "auto",  "1111111111111111111111111111111111111111G"};
    int64_t v = -5;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!agop__parse_bytes(good[i].text, &v) || v != good[i].want)
            fail_msg("'%s' came to %lld", good[i].text, (long long)v);
    v = -5;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (agop__parse_bytes(bad[i], &v) || v != -5)
            fail_msg("'%s' came to %lld", bad[i], (long long)v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer__is_terminated_after_every_append),
        cmocka_unit_test(test_buffer__keeps_every_byte_over_many_growths),
        cmocka_unit_test(test_buffer__one_append_may_be_longer_than_the_room),
        cmocka_unit_test(test_buffer__without_memory_appends_do_nothing_and_failed_stays),
        cmocka_unit_test(test_dict__numbers_are_the_order_of_arrival),
        cmocka_unit_test(test_dict__texts_are_bytes_with_a_length),
        cmocka_unit_test(test_dict__fifty_thousand_texts_are_all_found),
        cmocka_unit_test(test_dict__texts_that_collide_stay_apart),
        cmocka_unit_test(test_dict__without_memory_it_stays_as_it_was),
        cmocka_unit_test(test_names__dash_and_underscore_are_equal),
        cmocka_unit_test(test_names__a_list_is_searched_by_whole_names),
        cmocka_unit_test(test_closest__one_slip_is_forgiven),
        cmocka_unit_test(test_closest__the_nearer_wins_and_the_first_of_equals),
        cmocka_unit_test(test_closest__hostile_words_and_small_buffers_are_harmless),
        cmocka_unit_test(test_parse_real__whole_texts_of_finite_numbers),
        cmocka_unit_test(test_parse__the_programs_locale_does_not_matter),
        cmocka_unit_test(test_parse_int__all_of_64_bits_and_not_one_more),
        cmocka_unit_test(test_parse_bytes__units_of_1000_and_of_1024),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
