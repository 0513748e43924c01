#include "model/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "model/names.h"

#define DAY_MINUTES (24 * 60)

struct setting {
	const char *name, *standard, *meaning;
};

static const struct setting table[HN_SETTING_COUNT] = {
	[HN_SETTING_MODE] = {"mode", "observe", "off, observe, advise (plan only) or enforce"},
	[HN_SETTING_CLASS] = {"class", "shared", "shared, dedicated (a core a vCPU) or realtime"},
	[HN_SETTING_POLICY] = {"policy", "home-node", "the placement policy"},
	[HN_SETTING_NODES] = {"nodes", "all", "nodes it may live on, such as 0-1,4, or all"},
	[HN_SETTING_NEAR] = {"near", "none", "group of guests that want to live near each other, or none"},
	[HN_SETTING_APART] = {"apart", "none", "group of guests no two of which share a node, or none"},
	[HN_SETTING_WINDOW] = {"window", "none",
			       "when a realtime guest may be moved, such as 02:00-04:30 local time, or none"},
	[HN_SETTING_PINS] = {"pins", "keep", "keep the operator's own pins, or override them"},
	[HN_SETTING_CPUSET] = {"cpuset", "leave",
			       "leave its cgroup's memory nodes, or let them follow its home"},
	[HN_SETTING_PERSIST] = {"persist", "no",
				"yes: pins go into the domain's definition, too; no: only while it runs"},
};

static const char *const pins_names[] = {"keep", "override"};
static const char *const cpuset_names[] = {"leave", "follow"};
static const char *const persist_names[] = {"no", "yes"};

const char *hn_setting_name(enum hn_setting setting)
{
	return (unsigned)setting < HN_SETTING_COUNT ? table[setting].name : "?";
}

const char *hn_setting_meaning(enum hn_setting setting)
{
	return (unsigned)setting < HN_SETTING_COUNT ? table[setting].meaning : "?";
}

const char *hn_setting_default(enum hn_setting setting)
{
	return (unsigned)setting < HN_SETTING_COUNT ? table[setting].standard : "?";
}

int hn_setting_find(const char *name, enum hn_setting *ret, struct hn_error *err)
{
	const char *names[HN_SETTING_COUNT];
	int r;

	for (size_t i = 0; i < HN_SETTING_COUNT; i++)
		names[i] = table[i].name;
	r = hn_name_parse(names, HN_SETTING_COUNT, "setting", name, err);
	if (r < 0)
		return r;
	*ret = (enum hn_setting)r;
	return 0;
}

/* A word of visible ASCII, so that it can stand in XML, JSON and INI alike. */
static int set_word(char *slot, size_t size, const char *value, struct hn_error *err)
{
	size_t length = strlen(value);

	for (size_t i = 0; i < length; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return hn_fail(err, -EINVAL,
				       "byte %zu is neither a letter, nor a digit, nor ASCII "
				       "punctuation; blanks are not allowed, either",
				       i + 1);
	if (length >= size)
		return hn_fail(err, -EINVAL, "'%.40s...' is longer than %zu bytes", value, size - 1);
	memcpy(slot, value, length + 1);
	return 0;
}

static int set_group(char slot[HN_GROUP_MAX], const char *value, struct hn_error *err)
{
	return set_word(slot, HN_GROUP_MAX, strcmp(value, "none") == 0 ? "" : value, err);
}

static int set_nodes(struct hn_set *slot, const char *value, struct hn_error *err)
{
	int r = hn_set_parse(strcmp(value, "all") == 0 ? "" : value, slot, err);

	if (r < 0 || !hn_set_empty(slot) || strcmp(value, "all") == 0)
		return r < 0 ? -EINVAL : 0;
	return hn_fail(err, -EINVAL, "no node is named; write all to allow every node");
}

/* "02:00" at text; -1 when it is not. */
static int minute_at(const char *text)
{
	int hour, minute;

	for (size_t i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
			return -1;
	hour = (text[0] - '0') * 10 + text[1] - '0';
	minute = (text[3] - '0') * 10 + text[4] - '0';
	return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

static int set_window(struct hn_window *slot, const char *value, struct hn_error *err)
{
	int from = -1, until = -1;

	if (strcmp(value, "none") == 0) {
		*slot = (struct hn_window){0};
		return 0;
	}
	if (strlen(value) == strlen("02:00-04:30") && value[5] == '-') {
		from = minute_at(value);
		until = minute_at(value + 6);
	}
	if (from < 0 || until < 0)
		return hn_fail(err, -EINVAL,
			       "'%.40s' is not a span of time such as 02:00-04:30 (00:00 to 23:59), or none",
			       value);
	if (from == until)
		return hn_fail(err, -EINVAL, "'%.40s' ends when it begins", value);
	*slot = (struct hn_window){(unsigned)from, (unsigned)until};
	return 0;
}

static int set_choice(bool *slot, const char *const names[2], const char *what, const char *value,
		      struct hn_error *err)
{
	int r = hn_name_parse(names, 2, what, value, err);

	if (r < 0)
		return r;
	*slot = r == 1;
	return 0;
}

static int set_value(struct hn_settings *settings, enum hn_setting setting, const char *value,
		     struct hn_error *err)
{
	switch (setting) {
	case HN_SETTING_MODE:
		return hn_mode_parse(value, &settings->mode, err);
	case HN_SETTING_CLASS:
		return hn_class_parse(value, &settings->class, err);
	case HN_SETTING_POLICY:
		return set_word(settings->policy, sizeof(settings->policy), value, err);
	case HN_SETTING_NODES:
		return set_nodes(&settings->nodes, value, err);
	case HN_SETTING_NEAR:
		return set_group(settings->near, value, err);
	case HN_SETTING_APART:
		return set_group(settings->apart, value, err);
	case HN_SETTING_WINDOW:
		return set_window(&settings->window, value, err);
	case HN_SETTING_PINS:
		return set_choice(&settings->override_pins, pins_names, "value", value, err);
	case HN_SETTING_CPUSET:
		return set_choice(&settings->follow_cpuset, cpuset_names, "value", value, err);
	case HN_SETTING_PERSIST:
	default:
		return set_choice(&settings->persist, persist_names, "value", value, err);
	}
}

/* Takes one value over from another; what is not said there is zero, and becomes so here. */
static void copy_value(struct hn_settings *to, enum hn_setting setting, const struct hn_settings *from)
{
	switch (setting) {
	case HN_SETTING_MODE:
		to->mode = from->mode;
		break;
	case HN_SETTING_CLASS:
		to->class = from->class;
		break;
	case HN_SETTING_POLICY:
		memcpy(to->policy, from->policy, sizeof(to->policy));
		break;
	case HN_SETTING_NODES:
		to->nodes = from->nodes;
		break;
	case HN_SETTING_NEAR:
		memcpy(to->near, from->near, sizeof(to->near));
		break;
	case HN_SETTING_APART:
		memcpy(to->apart, from->apart, sizeof(to->apart));
		break;
	case HN_SETTING_WINDOW:
		to->window = from->window;
		break;
	case HN_SETTING_PINS:
		to->override_pins = from->override_pins;
		break;
	case HN_SETTING_CPUSET:
		to->follow_cpuset = from->follow_cpuset;
		break;
	case HN_SETTING_PERSIST:
	default:
		to->persist = from->persist;
		break;
	}
	to->said = (to->said & ~(1u << setting)) | (from->said & 1u << setting);
}

int hn_settings_set(struct hn_settings *settings, const char *key, const char *value, struct hn_error *err)
{
	struct hn_settings one = {0};
	enum hn_setting setting = HN_SETTING_COUNT;
	int r = hn_setting_find(key, &setting, err);

	if (r < 0)
		return r;
	if (*value) {
		r = set_value(&one, setting, value, err);
		if (r < 0)
			return hn_error_prefix(err, "%s", key), r;
		one.said = 1u << setting;
	}
	copy_value(settings, setting, &one);
	return 0;
}

static const char *window_format(const struct hn_window *window, char *buffer, size_t size)
{
	if (window->from == window->until)
		snprintf(buffer, size, "none");
	else
		snprintf(buffer, size, "%02u:%02u-%02u:%02u", window->from / 60, window->from % 60,
			 window->until / 60, window->until % 60);
	return buffer;
}

const char *hn_settings_get(const struct hn_settings *settings, enum hn_setting setting, char *buffer,
			    size_t size)
{
	const char *text = "";

	if (size == 0)
		return buffer;
	buffer[0] = '\0';
	if (!hn_settings_says(settings, setting))
		return buffer;
	if (setting == HN_SETTING_NODES && !hn_set_empty(&settings->nodes))
		return hn_set_format(&settings->nodes, buffer, size);
	if (setting == HN_SETTING_WINDOW)
		return window_format(&settings->window, buffer, size);
	if (setting == HN_SETTING_MODE)
		text = hn_mode_name(settings->mode);
	else if (setting == HN_SETTING_CLASS)
		text = hn_class_name(settings->class);
	else if (setting == HN_SETTING_POLICY)
		text = settings->policy;
	else if (setting == HN_SETTING_NODES)
		text = "all";
	else if (setting == HN_SETTING_NEAR || setting == HN_SETTING_APART)
		text = setting == HN_SETTING_NEAR ? settings->near : settings->apart;
	else if (setting == HN_SETTING_PINS)
		text = pins_names[settings->override_pins];
	else if (setting == HN_SETTING_CPUSET)
		text = cpuset_names[settings->follow_cpuset];
	else
		text = persist_names[settings->persist];
	snprintf(buffer, size, "%s", *text ? text : "none");
	return buffer;
}

void hn_settings_overlay(struct hn_settings *settings, const struct hn_settings *over)
{
	for (unsigned i = 0; i < HN_SETTING_COUNT; i++)
		if (hn_settings_says(over, (enum hn_setting)i))
			copy_value(settings, (enum hn_setting)i, over);
}

void hn_settings_apply(const struct hn_settings *settings, struct hn_guest *guest)
{
	if (hn_settings_says(settings, HN_SETTING_MODE))
		guest->mode = settings->mode;
	if (hn_settings_says(settings, HN_SETTING_CLASS))
		guest->class = settings->class;
	if (hn_settings_says(settings, HN_SETTING_POLICY))
		memcpy(guest->policy, settings->policy, sizeof(guest->policy));
	if (hn_settings_says(settings, HN_SETTING_NODES))
		guest->allowed_nodes = settings->nodes;
	if (hn_settings_says(settings, HN_SETTING_NEAR))
		memcpy(guest->near, settings->near, sizeof(guest->near));
	if (hn_settings_says(settings, HN_SETTING_APART))
		memcpy(guest->apart, settings->apart, sizeof(guest->apart));
}

bool hn_window_holds(const struct hn_window *window, unsigned minute)
{
	minute %= DAY_MINUTES;
	if (window->from <= window->until)
		return minute >= window->from && minute < window->until;
	return minute >= window->from || minute < window->until;
}

unsigned hn_window_left(const struct hn_window *window, unsigned minute)
{
	minute %= DAY_MINUTES;
	if (!hn_window_holds(window, minute))
		return 0;
	return minute < window->until ? window->until - minute : DAY_MINUTES - minute + window->until;
}

json_object *hn_settings_encode(const struct hn_settings *settings)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	char text[HN_SETTING_TEXT_MAX];

	for (unsigned i = 0; json && i < HN_SETTING_COUNT; i++)
		if (hn_settings_says(settings, (enum hn_setting)i) &&
		    hn_json_add_string(json, table[i].name,
				       hn_settings_get(settings, (enum hn_setting)i, text, sizeof(text))) < 0)
			return NULL;
	return hn_steal(json);
}

int hn_settings_decode(json_object *json, struct hn_settings *settings, struct hn_error *err)
{
	struct hn_settings read = *settings;

	if (!json_object_is_type(json, json_type_object))
		return hn_fail(err, -EINVAL, "settings are an object such as {\"mode\": \"enforce\"}");
	json_object_object_foreach(json, key, value)
	{
		const char *text = value ? json_object_get_string(value) : "";
		int r;

		if (value && !json_object_is_type(value, json_type_string))
			return hn_fail(err, -EINVAL,
				       "%.40s: the value is not a string in quotes; null unsays", key);
		if (value && strlen(text) != (size_t)json_object_get_string_len(value))
			return hn_fail(err, -EINVAL, "%.40s: the value has a NUL inside", key);
		r = hn_settings_set(&read, key, text, err);
		if (r < 0)
			return r;
	}
	*settings = read;
	return 0;
}
