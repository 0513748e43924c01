#pragma once
/*
 * settings - what an operator says of one guest: in a section of the configuration, or in the domain's
 * metadata.
 *
 * Each may be unsaid. Where several speak, the nearer to the guest wins: its own metadata over the first
 * [guest PATTERN] section that matches its name, over what the domain XML implies (a class), over the
 * defaults.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/set.h"
#include "model/guest.h"

enum hn_setting {
	HN_SETTING_MODE,
	HN_SETTING_CLASS,
	HN_SETTING_POLICY,  /* one of policy/policies.h; whoever may use policy/ checks that */
	HN_SETTING_NODES,   /* allowed nodes */
	HN_SETTING_NEAR,    /* group */
	HN_SETTING_APART,   /* group */
	HN_SETTING_WINDOW,  /* "02:00-04:30": when a realtime guest may be moved */
	HN_SETTING_PINS,    /* override: the operator's own pins may be overridden; keep */
	HN_SETTING_CPUSET,  /* follow: its cgroup's memory nodes are widened, and narrowed to its home; leave
			     */
	HN_SETTING_PERSIST, /* yes: pins go into its definition, too; no */
	HN_SETTING_COUNT,
};

/* A daily span of local time in minutes from midnight; until < from spans midnight, until == from is none. */
struct hn_window {
	unsigned from, until; /* 0..1439 */
};

struct hn_settings {
	unsigned said; /* bits, 1u << enum hn_setting; what is not said is zero. "all" nodes, group "none" and
			  window "none" are said and empty: they win over what is farther from the guest */
	enum hn_mode mode;
	enum hn_class class;
	char policy[24];
	struct hn_set nodes;
	char near[HN_GROUP_MAX], apart[HN_GROUP_MAX];
	struct hn_window window;
	bool override_pins, follow_cpuset, persist;
};

static inline bool hn_settings_says(const struct hn_settings *settings, enum hn_setting setting)
{
	return settings->said >> setting & 1;
}

/* "mode", "class", ...: the key in configuration, metadata and JSON. */
const char *hn_setting_name(enum hn_setting setting);
/* Half a sentence for help and man pages: "off, observe, advise (plan only) or enforce". */
const char *hn_setting_meaning(enum hn_setting setting);
/* What counts when nobody says anything, as text: "observe", "all", "none", ... */
const char *hn_setting_default(enum hn_setting setting);
/* -EINVAL with the choices. */
int hn_setting_find(const char *name, enum hn_setting *ret, struct hn_error *err);

/* Sets one key from text; "" makes it unsaid. -EINVAL with the key, the value and the choices; settings are
 * then as they were. A policy's name is any word here. */
int hn_settings_set(struct hn_settings *settings, const char *key, const char *value, struct hn_error *err);

/* The value as text, "" when unsaid; returns buffer. HN_SETTING_TEXT_MAX bytes always do. */
#define HN_SETTING_TEXT_MAX HN_SET_TEXT_MAX
const char *hn_settings_get(const struct hn_settings *settings, enum hn_setting setting, char *buffer,
			    size_t size);

/* What over says replaces what settings says. */
void hn_settings_overlay(struct hn_settings *settings, const struct hn_settings *over);

/* Writes what is said into the guest: mode, class, policy, allowed nodes, groups. */
void hn_settings_apply(const struct hn_settings *settings, struct hn_guest *guest);

/* Whether that minute of the day lies in the window. */
bool hn_window_holds(const struct hn_window *window, unsigned minute);
/* How many minutes it is open yet when that one begins, 0 outside of it; of the whole day: to its end. */
unsigned hn_window_left(const struct hn_window *window, unsigned minute);

/* An object of strings with what is said, by key (NULL when out of memory); and back over what settings say:
 * unknown keys and wrong values are -EINVAL and change nothing; null makes unsaid. */
json_object *hn_settings_encode(const struct hn_settings *settings);
int hn_settings_decode(json_object *json, struct hn_settings *settings, struct hn_error *err);
