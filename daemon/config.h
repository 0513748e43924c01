#pragma once
/*
 * config - what the operator has set, from an INI file. Every key is in one table (config.c), from which
 * `homenoded --help-config` and the man page's list come; an unknown section or key is an error with its
 * line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "base/set.h"
#include "model/guest.h"

#define HN_CONFIG_PATH_DEFAULT "/etc/homenode/homenode.conf"
#define HN_SOCKET_PATH_DEFAULT "/run/homenode/homenode.sock"
#define HN_FOLDERS_MAX 16

enum hn_balancing {
	HN_BALANCING_LEAVE,               /* said, and left as it is */
	HN_BALANCING_OFF_WHILE_ENFORCING, /* off while a guest is enforced, restored afterwards */
	HN_BALANCING_COUNT,
};

/* What a [guest PATTERN] section says; patterns are shell globs, the first section that matches counts. */
struct hn_guest_rule {
	char pattern[HN_NAME_MAX];
	bool has_mode, has_class;
	enum hn_mode mode;
	enum hn_class class;
	char policy[24]; /* "" the default */
};

struct hn_config {
	/* [homenoded] */
	char socket[108];
	enum hn_log_level log_level;
	struct hn_set reserved_cpus;    /* for the host itself: no vCPU */
	uint64_t reserved_memory_bytes; /* on every node, likewise */
	/* [guests] */
	size_t folder_count;
	char folders[HN_FOLDERS_MAX][256]; /* watched for QMP sockets */
	enum hn_mode mode;                 /* of guests no rule matches */
	/* [sampling] */
	uint64_t tick_ns;
	uint64_t samples_per_cell;
	/* [moves] */
	uint64_t looks;
	uint64_t settle_ns;
	uint64_t rate_limit_bytes; /* a second, for the whole host; 0: none */
	uint64_t keep_free_bytes;  /* on every node */
	uint64_t at_once;          /* migrations at the same time */
	enum hn_balancing balancing;
	/* [guest PATTERN] */
	size_t rule_count;
	struct hn_guest_rule *rules;
};

void hn_config_init(struct hn_config *config); /* the defaults */
void hn_config_done(struct hn_config *config);

/* Reads path over what config holds. -ENOENT and friends, or -EINVAL with "PATH:LINE: sentence". */
int hn_config_load(const char *path, struct hn_config *config, struct hn_error *err);

/* The first rule whose pattern matches the guest's name, or NULL. */
const struct hn_guest_rule *hn_config_rule(const struct hn_config *config, const char *guest);

/* Writes every key with its default and meaning, as a sample configuration. */
void hn_config_print_sample(FILE *out);
