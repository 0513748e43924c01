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
#include "fleet/etcd.h"
#include "model/guest.h"
#include "model/settings.h"

#define HN_CONFIG_PATH_DEFAULT "/etc/homenode/homenode.conf"
#define HN_SOCKET_PATH_DEFAULT "/run/homenode/homenode.sock"
#define HN_STORE_PATH_DEFAULT "/var/lib/homenode/history.db"
#define HN_FOLDERS_MAX 16
#define HN_AT_ONCE_MAX 64

enum hn_balancing {
	HN_BALANCING_LEAVE,               /* said, and left as it is */
	HN_BALANCING_OFF_WHILE_ENFORCING, /* off while a guest is enforced, restored afterwards */
	HN_BALANCING_COUNT,
};

/* What a [guest PATTERN] section says; patterns are shell globs, the first section that matches counts. */
struct hn_guest_rule {
	char pattern[HN_NAME_MAX];
	struct hn_settings settings; /* the policy is one that there is */
};

struct hn_config {
	/* [homenoded] */
	char socket[108];
	enum hn_log_level log_level;
	struct hn_set reserved_cpus;    /* for the host itself: no vCPU */
	uint64_t reserved_memory_bytes; /* on every node, likewise */
	char metrics[64];               /* ADDRESS:PORT that answers /metrics, "" none */
	uint64_t metrics_guests;        /* told one by one */
	/* [api] */
	char api_operators[64], api_readers[64]; /* groups; "" none */
	char api_listen[80];                     /* ADDRESS:PORT for TLS, "" none */
	char api_cert[256], api_key[256], api_ca[256];
	/* [guests] */
	size_t folder_count;
	char folders[HN_FOLDERS_MAX][256]; /* watched for QMP sockets */
	enum hn_mode mode;                 /* of guests no rule matches */
	/* [libvirt] */
	char libvirt_uri[200]; /* "": not asked */
	bool libvirt_monitor;  /* QEMU is asked through libvirt, which marks the domain as tainted */
	/* [sampling] */
	uint64_t tick_ns;
	uint64_t samples_per_cell;
	double cpu_budget;       /* of one CPU, that looks at all guests may cost; 0: no limit */
	double guest_cpu_budget; /* likewise at one guest */
	uint64_t agent_ns;       /* how often a guest is asked about itself; 0: not */
	/* [moves] */
	uint64_t looks;
	uint64_t settle_ns;
	uint64_t rate_limit_bytes;       /* a second, for the whole host; 0: none */
	uint64_t guest_rate_limit_bytes; /* likewise, for one guest */
	uint64_t pair_rate_limit_bytes;  /* likewise, from one node to another */
	uint64_t stall_budget_permille;  /* of a guest's time, that moving may cost it; 1000: no bound */
	uint64_t longest_gap_ns;         /* that copying one page may cost a guest; 0: no bound */
	uint64_t keep_free_bytes;        /* on every node */
	uint64_t at_once;                /* migrations at the same time */
	enum hn_balancing balancing;
	/* [store] */
	char store_path[256]; /* "": no history is kept */
	uint64_t store_size_bytes;
	/* [fleet] */
	struct hn_etcd_options fleet_etcd; /* no endpoints: nothing is published; the password is not in it */
	char fleet_prefix[64];
	char fleet_name[64]; /* "": the host's own */
	char fleet_api[128]; /* "": none is told */
	char fleet_password_file[256];
	uint64_t fleet_interval_ns;
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
