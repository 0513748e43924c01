/* What an operator says of a guest: each key there and back, refused with a sentence, and who wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "model/settings.h"

/* The sentence with which key = value is refused; settings stay as they were. */
static const char *refusal(const char *key, const char *value)
{
	static struct hn_error err;
	struct hn_settings settings = {0}, before;

	assert_int_equal(hn_settings_set(&settings, "near", "before", &err), 0);
	before = settings;
	memset(&err, 0, sizeof(err));
	assert_int_equal(hn_settings_set(&settings, key, value, &err), -EINVAL);
	assert_memory_equal(&settings, &before, sizeof(settings));
	return err.message;
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

static void say(struct hn_settings *settings, const char *key, const char *value)
{
	struct hn_error err = {0};

	if (hn_settings_set(settings, key, value, &err) < 0)
		fail_msg("%s", err.message);
}

/* A value for every key that is not its default. */
static const char *const others[HN_SETTING_COUNT] = {
	[HN_SETTING_MODE] = "enforce",       [HN_SETTING_CLASS] = "realtime",
	[HN_SETTING_POLICY] = "adaptive",    [HN_SETTING_NODES] = "0-1,4",
	[HN_SETTING_NEAR] = "web&<'\">",     [HN_SETTING_APART] = "db.2",
	[HN_SETTING_WINDOW] = "22:30-01:00", [HN_SETTING_PINS] = "override",
	[HN_SETTING_CPUSET] = "follow",      [HN_SETTING_PERSIST] = "yes",
};

static void every_key_is_read_back(void **state)
{
	char text[HN_SETTING_TEXT_MAX];

	for (unsigned i = 0; i < HN_SETTING_COUNT; i++) {
		const char *const values[] = {others[i], hn_setting_default((enum hn_setting)i)};
		enum hn_setting found = HN_SETTING_COUNT;

		assert_int_equal(hn_setting_find(hn_setting_name((enum hn_setting)i), &found, NULL), 0);
		assert_int_equal(found, i);
		for (size_t j = 0; j < 2; j++) {
			struct hn_settings settings = {0}, nothing = {0};

			say(&settings, hn_setting_name((enum hn_setting)i), values[j]);
			assert_int_equal(settings.said, 1u << i);
			assert_string_equal(
				hn_settings_get(&settings, (enum hn_setting)i, text, sizeof(text)),
				values[j]);
			say(&settings, hn_setting_name((enum hn_setting)i), "");
			assert_memory_equal(&settings, &nothing, sizeof(settings));
			assert_string_equal(
				hn_settings_get(&settings, (enum hn_setting)i, text, sizeof(text)), "");
		}
		assert_true(strlen(hn_setting_meaning((enum hn_setting)i)) > 10);
	}
	assert_string_equal(hn_setting_name(HN_SETTING_COUNT), "?");
	assert_string_equal(hn_setting_meaning(HN_SETTING_COUNT), "?");
	assert_string_equal(hn_setting_default(HN_SETTING_COUNT), "?");
}

static void values_arrive(void **state)
{
	struct hn_settings settings = {0};

	for (unsigned i = 0; i < HN_SETTING_COUNT; i++)
		say(&settings, hn_setting_name((enum hn_setting)i), others[i]);
	assert_int_equal(settings.mode, HN_MODE_ENFORCE);
	assert_int_equal(settings.class, HN_CLASS_REALTIME);
	assert_string_equal(settings.policy, "adaptive");
	assert_int_equal(hn_set_count(&settings.nodes), 3);
	assert_true(hn_set_has(&settings.nodes, 4));
	assert_int_equal(settings.window.from, 22 * 60 + 30);
	assert_int_equal(settings.window.until, 60);
	assert_true(settings.override_pins && settings.follow_cpuset && settings.persist);
}

static void what_makes_no_sense_is_refused(void **state)
{
	char longer[HN_GROUP_MAX + 1];

	memset(longer, 'g', HN_GROUP_MAX);
	longer[HN_GROUP_MAX] = '\0';
	assert_holds(refusal("colour", "red"), "unknown setting 'colour': choose one of mode, class, policy");
	assert_holds(refusal("mode", "agressive"),
		     "mode: unknown mode 'agressive': choose one of off, observe");
	assert_holds(refusal("class", "x"), "class: unknown class 'x'");
	assert_holds(refusal("policy", "a-name-of-twenty-four-bytes"), "policy: 'a-name-of");
	assert_holds(refusal("nodes", "1-"), "nodes: set '1-'");
	assert_holds(refusal("nodes", "4096"), "nodes: set '4096'");
	assert_holds(refusal("nodes", " "), "nodes: no node is named");
	assert_holds(refusal("near", "two words"), "near: byte 4");
	assert_holds(refusal("apart", "caf\xc3\xa9"), "apart: byte 4");
	assert_holds(refusal("near", "a\nb"), "near: byte 2");
	assert_holds(refusal("apart", longer), "longer than 63 bytes");
	assert_holds(refusal("pins", "maybe"), "pins: unknown value 'maybe': choose one of keep, override");
	assert_holds(refusal("cpuset", "yes"), "choose one of leave, follow");
	assert_holds(refusal("persist", "true"), "choose one of no, yes");
}

static void a_window_is_a_span_of_a_day(void **state)
{
	static const char *const wrong[] = {"02:00",       "2:00-4:30",    "02:00-24:00",    "02:60-03:00",
					    "02:00 03:00", "02:00-03:00x", "02:00-03:0\xff", "aa:bb-cc:dd",
					    "-1:00-02:00", "02-00:03:00"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_holds(refusal("window", wrong[i]), "such as 02:00-04:30");
	assert_holds(refusal("window", "05:00-05:00"), "ends when it begins");
}

static void a_window_holds_its_minutes(void **state)
{
	const struct hn_window night = {22 * 60, 2 * 60}, noon = {12 * 60, 13 * 60}, none = {0};
	const struct hn_window evening = {23 * 60, 0};

	for (unsigned minute = 0; minute < 24 * 60; minute++) {
		unsigned hour = minute / 60;

		assert_int_equal(hn_window_holds(&night, minute), hour >= 22 || hour < 2);
		assert_int_equal(hn_window_holds(&noon, minute), hour == 12);
		assert_int_equal(hn_window_holds(&evening, minute), hour == 23);
		assert_false(hn_window_holds(&none, minute));
		assert_int_equal(hn_window_left(&noon, minute), hour == 12 ? 60 - minute % 60 : 0);
		assert_int_equal(hn_window_left(&night, minute), hour >= 22 ? 26 * 60 - minute
								 : hour < 2 ? 2 * 60 - minute
									    : 0);
	}
	assert_true(hn_window_holds(&noon, 36 * 60)); /* noon of the next day */
}

static void the_nearer_wins_key_by_key(void **state)
{
	struct hn_settings settings = {0}, over = {0};

	say(&settings, "mode", "observe");
	say(&settings, "near", "web");
	say(&settings, "nodes", "0-1");
	say(&settings, "window", "02:00-03:00");
	say(&over, "mode", "enforce");
	say(&over, "near", "none");
	say(&over, "nodes", "all");
	say(&over, "class", "dedicated");
	hn_settings_overlay(&settings, &over);
	assert_int_equal(settings.mode, HN_MODE_ENFORCE);
	assert_int_equal(settings.class, HN_CLASS_DEDICATED);
	assert_string_equal(settings.near, "");
	assert_true(hn_set_empty(&settings.nodes));
	assert_int_equal(settings.window.from, 120);
	assert_int_equal(settings.said, 1u << HN_SETTING_MODE | 1u << HN_SETTING_NEAR |
						1u << HN_SETTING_NODES | 1u << HN_SETTING_WINDOW |
						1u << HN_SETTING_CLASS);
}

static void only_what_is_said_is_written_into_a_guest(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	struct hn_settings settings = {0};

	guest->mode = HN_MODE_ADVISE;
	guest->class = HN_CLASS_REALTIME;
	strcpy(guest->policy, "static");
	strcpy(guest->near, "n");
	strcpy(guest->apart, "a");
	hn_set_add(&guest->allowed_nodes, 3);
	hn_settings_apply(&settings, guest);
	assert_int_equal(guest->mode, HN_MODE_ADVISE);
	assert_int_equal(guest->class, HN_CLASS_REALTIME);
	assert_string_equal(guest->policy, "static");
	assert_true(hn_set_has(&guest->allowed_nodes, 3));
	for (unsigned i = 0; i < HN_SETTING_COUNT; i++)
		say(&settings, hn_setting_name((enum hn_setting)i), others[i]);
	say(&settings, "near", "");
	say(&settings, "apart", "none");
	hn_settings_apply(&settings, guest);
	assert_int_equal(guest->mode, HN_MODE_ENFORCE);
	assert_string_equal(guest->policy, "adaptive");
	assert_string_equal(guest->near, "n");
	assert_string_equal(guest->apart, "");
	assert_true(hn_set_equal(&guest->allowed_nodes, &settings.nodes));
	assert_false(guest->window_open); /* that takes a clock */
}

static void json_goes_there_and_back(void **state)
{
	struct hn_settings settings = {0}, read = {0};
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};

	for (unsigned i = 0; i < HN_SETTING_COUNT; i += 2)
		say(&settings, hn_setting_name((enum hn_setting)i), others[i]);
	json = hn_settings_encode(&settings);
	assert_non_null(json);
	assert_int_equal(json_object_object_length(json), (HN_SETTING_COUNT + 1) / 2);
	assert_int_equal(hn_settings_decode(json, &read, &err), 0);
	assert_memory_equal(&read, &settings, sizeof(read));
}

/* Decodes text over mode = observe and near = web. */
static int decode(const char *text, struct hn_settings *ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;

	*ret = (struct hn_settings){0};
	*err = (struct hn_error){0};
	say(ret, "mode", "observe");
	say(ret, "near", "web");
	assert_int_equal(hn_json_parse(text, strlen(text), "body", &json, err), 0);
	return hn_settings_decode(json, ret, err);
}

static void json_changes_what_it_names(void **state)
{
	struct hn_settings settings;
	struct hn_error err;

	assert_int_equal(decode("{\"mode\": null, \"class\": \"dedicated\"}", &settings, &err), 0);
	assert_int_equal(settings.said, 1u << HN_SETTING_CLASS | 1u << HN_SETTING_NEAR);
	assert_int_equal(decode("{}", &settings, &err), 0);
	assert_int_equal(settings.said, 1u << HN_SETTING_MODE | 1u << HN_SETTING_NEAR);
}

static void json_with_a_mistake_changes_nothing(void **state)
{
	static const char *const wrong[][2] = {
		{"[]", "an object such as"},
		{"{\"mode\": \"off\", \"colour\": \"red\"}", "unknown setting 'colour'"},
		{"{\"mode\": \"off\", \"near\": 1}", "near: the value is not a string"},
		{"{\"mode\": \"off\", \"near\": \"a\\u0000b\"}", "near: the value has a NUL inside"},
		{"{\"mode\": \"off\", \"class\": \"fast\"}", "class: unknown class"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hn_settings settings;
		struct hn_error err;

		assert_int_equal(decode(wrong[i][0], &settings, &err), -EINVAL);
		assert_holds(err.message, wrong[i][1]);
		assert_int_equal(settings.mode, HN_MODE_OBSERVE);
		assert_string_equal(settings.near, "web");
	}
}

static void the_longest_value_fits(void **state)
{
	struct hn_settings settings = {0}, read = {0};
	char text[HN_SETTING_TEXT_MAX];

	for (int i = 0; i < HN_SET_MAX; i++)
		if (i % 3)
			hn_set_add(&settings.nodes, i);
	settings.said = 1u << HN_SETTING_NODES;
	hn_settings_get(&settings, HN_SETTING_NODES, text, sizeof(text));
	say(&read, "nodes", text);
	assert_memory_equal(&read, &settings, sizeof(read));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_read_back),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(a_window_is_a_span_of_a_day),
		cmocka_unit_test(a_window_holds_its_minutes),
		cmocka_unit_test(the_nearer_wins_key_by_key),
		cmocka_unit_test(only_what_is_said_is_written_into_a_guest),
		cmocka_unit_test(json_goes_there_and_back),
		cmocka_unit_test(json_changes_what_it_names),
		cmocka_unit_test(json_with_a_mistake_changes_nothing),
		cmocka_unit_test(the_longest_value_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
