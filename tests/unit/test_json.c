/* test_json.c - our reader of JSON against jansson's, on good texts, bad texts, and every small damage of one; texts
 * that are not UTF-8; and no memory at any time. */
#include <math.h>

#include "io_support.h"

#include "comma_locale.h"
#include "io/json.h"

/* Both readers say the same: the same value, or no. jansson is lenient where a NUL ends a token; ours never is. */
static int same_as_jansson(const char *text, size_t length)
{
    agop__err   e    = {0};
    json_t     *ours = NULL, *theirs = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    agop_status st   = agop__json_parse(&ours, text, length, "file", &e);
    int         same = theirs && !memchr(text, 0, length)
                           ? st == AGOP_OK && json_equal(ours, theirs)
                           : st == AGOP_E_FORMAT && !ours && strstr(e.text, "file: line ") == e.text;

    json_decref(ours);
    json_decref(theirs);
    return same;
}

static void test_json__good_and_bad_texts_as_jansson_has_them(void **state)
{
    static const char *const texts[] = {
        "{}", "[]", " [ ] ", "\"\"", "0", "-0", "-0.0", "1.5e3", "1E+2", "1e-400", "true", "false", "null",
        "[1,2,[3,{}]]", "{\"a\":1,\"b\":[true,null]}", "\"\\u00e9\\ud83c\\udf0d\\n\\t\\\"\\\\\\/\\b\\f\\r\"",
        "\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "9223372036854775807", "-9223372036854775808",
        "123456789012345678901234567890.0", "\t\r\n1", "\"\x7f\"", "\"\xc3\xa9\xf0\x9f\x8c\x8d\xef\xbf\xbf\"",
        "{\"\":0}", "0.1", "3.141592653589793", "2.2250738585072014e-308",
        /* none of these is JSON */
        "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{1:2}",
        "01", "-", "+1", ".5", "5.", "1e", "1e+", "0x1", "tru", "truee", "nul", "NaN", "inf", "\"", "\"\\\"", "\"\\x\"",
        "\"\\u12\"", "\"\\u123g\"", "\"\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\u0000\"",
        "\"a\nb\"", "\"\x01\"", "\"\xff\"", "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "1 2", "[1] x", "{\"a\":1,\"a\":2}", "9223372036854775808", "-9223372036854775809", "1e999", "[1 2]",
        "{\"a\":1 \"b\":2}", "[[[[[[", "//", "'a'", "\"\\\xc3\xa9\""};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!same_as_jansson(texts[i], strlen(texts[i])))
            fail_msg("%s", texts[i]);
    assert_true(same_as_jansson("\"a\0b\"", 5));
    assert_true(same_as_jansson("1\0", 2));
    assert_true(same_as_jansson("\0", 1));
}

static const char sample[] =
    "{\"__metadata__\": {\"agop\": \"a \\\"text\\\" \\u00e9\\ud83c\\udf0d \xc3\xa9\"},\n \"alpha\": {\"dtype\":\"F64\", "
    "\"shape\": [12,3],\"data_offsets\":[0, 288]}, \"n\": [-1.5e-3, 0, true, null, false, {}]}";

static void test_json__every_damaged_byte_and_every_length_as_jansson_has_them(void **state)
{
    static const char bytes[] = "\0\x01 \"\\{}[],:0123456789-+.eEtfnua/\x7f\x80\xc3\xe9\xed\xf0\xff";
    size_t            length  = sizeof sample - 1;
    char             *text    = malloc(length);

    (void)state;
    for (size_t n = 0; n <= length; n++)
        assert_true(same_as_jansson(sample, n));
    for (size_t i = 0; i < length; i++)
        for (size_t k = 0; k < sizeof bytes - 1; k++) {
            memcpy(text, sample, length);
            text[i] = bytes[k];
            if (!same_as_jansson(text, length))
                fail_msg("byte %zu as 0x%02x", i, (unsigned char)bytes[k]);
        }
    free(text);
}

static void test_json__numbers_come_back_to_the_bit_in_every_locale(void **state)
{
    static const double values[] = {.1, 1e23, 5e-324, 1.7976931348623157e308, -123.456, 1 / 3.0, 9007199254740993.0};
    int                 comma    = take_comma_locale();

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        agop__err e    = {0};
        json_t   *list = json_pack("[f]", values[i]), *back = NULL;
        char     *text = agop__json_dump(list, JSON_COMPACT | JSON_REAL_PRECISION(17));
        double    v;
        assert_null(strchr(text, ','));
        assert_int_equal(agop__json_parse(&back, text, strlen(text), "file", &e), AGOP_OK);
        v = json_real_value(json_array_get(back, 0));
        assert_memory_equal(&v, &values[i], sizeof v);
        json_decref(list);
        json_decref(back);
        free(text);
    }
    (void)setlocale(LC_ALL, "C");
    if (!comma)
        print_message("no locale with a comma here\n");
}

static void test_json__depth_has_an_end(void **state)
{
    agop__err e    = {0};
    json_t   *j    = NULL;
    char     *text = malloc(200001);

    (void)state;
    memset(text, '[', 100000);
    memset(text + 100000, ']', 100000);
    assert_int_equal(agop__json_parse(&j, text + 99900, 200, "file", &e), AGOP_OK);
    json_decref(j);
    assert_int_equal(agop__json_parse(&j, text + 99899, 202, "file", &e), AGOP_E_FORMAT);
    assert_int_equal(agop__json_parse(&j, text, 200000, "file", &e), AGOP_E_FORMAT);
    assert_sentence(&e, "file: line 1, column 101 of its JSON: more than 100 levels");
    free(text);
}

static void test_json__the_place_is_told(void **state)
{
    static const char text[] = "{\"a\": 1,\n \"b\": [1, 2,\n   x]}";
    agop__err         e      = {0};
    json_t           *j      = NULL;

    (void)state;
    assert_int_equal(agop__json_parse(&j, text, sizeof text - 1, "m.agop", &e), AGOP_E_FORMAT);
    assert_sentence(&e, "m.agop: line 3, column 4 of its JSON: a value is expected");
}

static void test_texts__that_are_not_utf8_survive_and_can_be_shown(void **state)
{
    static const char *const texts[] = {"", "plain", "\xc3\xa9", "latin \xe9", "\xff\xfe", "\xed\xa0\x80", "\x01\x7f"};
    static const char *const shown[] = {"",
                                        "plain",
                                        "\xc3\xa9",
                                        "latin \xef\xbf\xbd",
                                        "\xef\xbf\xbd\xef\xbf\xbd",
                                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
                                        "\x01\x7f"};
    static const char *const bad[]   = {"5",
                                        "null",
                                        "[]",
                                        "{}",
                                        "{\"bytes\": 5}",
                                        "{\"bytes\": \"c\"}",
                                        "{\"bytes\": \"zz\"}",
                                        "{\"bytes\": \"00\"}",
                                        "{\"bytes\": \"C3\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *j = agop__json_text(texts[i], strlen(texts[i])), *s = agop__json_shown(texts[i]);
        char   *back   = NULL;
        size_t  length = 0;
        assert_int_equal(agop__json_text_in(&back, &length, j), 1);
        assert_string_equal(back, texts[i]);
        assert_int_equal(length, strlen(texts[i]));
        assert_string_equal(json_string_value(s), shown[i]);
        free(back);
        json_decref(j);
        json_decref(s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *j      = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        char   *back   = NULL;
        size_t  length = 0;
        assert_int_equal(agop__json_text_in(&back, &length, j), 0);
        assert_null(back);
        json_decref(j);
    }
}

static agop_status there_and_back(void *user)
{
    agop__err   e = {0};
    json_t     *j = NULL, *k = NULL;
    char       *text = NULL;
    agop_status st   = agop__json_parse(&j, sample, sizeof sample - 1, "file", &e);

    if (st == AGOP_OK) {
        text = agop__json_dump(j, JSON_INDENT(1));
        st   = text ? agop__json_parse(&k, text, strlen(text), "file", &e) : AGOP_E_NOMEM;
    }
    if (st == AGOP_OK)
        *(int *)user += json_equal(j, k);
    json_decref(j);
    json_decref(k);
    free(text);
    return st;
}

static void test_lists__hold_what_was_given(void **state)
{
    static const double v[] = {0.1, -3, 1e300};
    char   utf8[] = "Ulm", latin[] = "\xe9", *const texts[] = {utf8, latin};
    json_t *reals = agop__json_reals(v, 3), *names = agop__json_texts(texts, 2), *none = agop__json_real((double)NAN);
    char   *text  = agop__json_dump(names, JSON_COMPACT);
    (void)state;
    assert_int_equal(json_array_size(reals), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(json_real_value(json_array_get(reals, i)) == v[i]);
    assert_string_equal(text, "[\"Ulm\",{\"bytes\":\"e9\"}]");
    assert_true(json_is_null(none));
    free(text);
    json_decref(none);
    json_decref(names);
    json_decref(reals);
    names = agop__json_texts(texts, 0);
    assert_int_equal(json_array_size(names), 0);
    assert_true(json_is_array(names));
    json_decref(names);
}

static void test_memory__every_failed_allocation_comes_back(void **state)
{
    int equal = 0;

    (void)state;
    json_set_alloc_funcs(malloc, free);
    for_every_allocation(there_and_back, &equal);
    assert_int_equal(equal, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__good_and_bad_texts_as_jansson_has_them),
        cmocka_unit_test(test_json__every_damaged_byte_and_every_length_as_jansson_has_them),
        cmocka_unit_test(test_json__numbers_come_back_to_the_bit_in_every_locale),
        cmocka_unit_test(test_json__depth_has_an_end),
        cmocka_unit_test(test_json__the_place_is_told),
        cmocka_unit_test(test_texts__that_are_not_utf8_survive_and_can_be_shown),
        cmocka_unit_test(test_lists__hold_what_was_given),
        cmocka_unit_test(test_memory__every_failed_allocation_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
