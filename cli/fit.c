/*
 * homenode fit - where a guest would go, why, and how many more of it; or what keeps it out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/explanation.h"
#include "cli/fetch.h"
#include "cli/host-file.h"
#include "cli/option.h"
#include "model/codec.h"
#include "model/request.h"
#include "policy/fit.h"
#include "xml/domain-read.h"

#define MORE_MAX 1000 /* more are not counted */

struct options {
	const char *host, *domain;
	struct hn_request request;
	bool asked; /* by sizes */
};

static int take_number(const char *name, const char *text, unsigned long most, unsigned *ret,
		       struct hn_error *err)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '1' || *text > '9' || *end || errno || value > most)
		return hn_fail(err, -EINVAL, "--%s: '%s' is no number from 1 to %lu", name, text, most);
	*ret = (unsigned)value;
	return 0;
}

static int take_bytes(const char *name, const char *text, uint64_t *ret, struct hn_error *err)
{
	int r = hn_bytes_parse(text, ret, err);

	return r < 0 ? hn_error_prefix(err, "--%s", name) : 0;
}

/* One option; 1 for one that getopt has complained about already. */
static int take_option(int option, struct options *options, struct hn_error *err)
{
	options->asked = options->asked || strchr("vmcCp", option) != NULL;
	switch (option) {
	case 'v':
		return take_number("vcpus", optarg, HN_REQUEST_VCPUS_MAX, &options->request.vcpus, err);
	case 'm':
		return take_bytes("memory", optarg, &options->request.memory_bytes, err);
	case 'c':
		return take_number("cells", optarg, HN_REQUEST_CELLS_MAX, &options->request.cells, err);
	case 'C':
		return hn_class_parse(optarg, &options->request.class, err);
	case 'p':
		return take_bytes("hugepages", optarg, &options->request.page_bytes, err);
	case 'H':
		options->host = optarg;
		return 0;
	default:
		return 1;
	}
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {{"vcpus", required_argument, NULL, 'v'},
					      {"memory", required_argument, NULL, 'm'},
					      {"cells", required_argument, NULL, 'c'},
					      {"class", required_argument, NULL, 'C'},
					      {"hugepages", required_argument, NULL, 'p'},
					      {"host", required_argument, NULL, 'H'},
					      {0}};
	struct hn_error err = {0};
	int option, r;

	optind = 0;
	options->request.cells = 1;
	while ((option = hn_option_next(invocation, "v:m:c:", longs)) != -1) {
		r = take_option(option, options, &err);
		if (r < 0)
			fprintf(stderr, "homenode: %s\n", err.message);
		if (r != 0)
			return -1;
	}
	if (optind + 1 == invocation->argc && !options->asked) {
		options->domain = invocation->argv[optind];
		return 0;
	}
	if (optind != invocation->argc || !options->request.vcpus || !options->request.memory_bytes) {
		fprintf(stderr, "homenode: fit takes either a domain's XML or --vcpus and --memory\n");
		return -1;
	}
	if (hn_request_check(&options->request, &err) < 0) {
		fprintf(stderr, "homenode: %s\n", err.message);
		return -1;
	}
	return 0;
}

static int load_host(const struct hn_invocation *invocation, const struct options *options,
		     struct hn_snapshot **ret, struct hn_decide_options *ret_decide, struct hn_error *err)
{
	*ret_decide = hn_decide_defaults;
	return options->host ? hn_host_file_load(options->host, ret, err)
			     : hn_fetch_snapshot(invocation->client, ret, ret_decide, err);
}

static int load_guest(const struct options *options, struct hn_guest **ret, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *text = NULL;
	size_t length;
	int r;

	if (!options->domain)
		return hn_request_guest(&options->request, "guest", ret, err);
	r = hn_file_read(options->domain, HN_DOMAIN_BYTES_MAX, &text, &length, err);
	if (r == 0 && (r = hn_domain_read(text, length, ret, err)) < 0)
		hn_error_prefix(err, "domain '%s'", options->domain);
	return r;
}

/* Who would have to make room, as a sentence; "" when nobody could. */
static const char *say_movers(const struct hn_fit_answer *answer, char *buffer, size_t size)
{
	char bytes[HN_UNITS_TEXT_MAX];
	size_t used = 0;

	*buffer = '\0';
	for (size_t i = 0; i < answer->mover_count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s",
					 i == 0 ? " It would fit if room were made by moving " : " and ",
					 answer->movers[i]);
	if (used > 0 && used < size)
		snprintf(buffer + used, size - used, ", %s in all.",
			 hn_bytes_format(answer->move_bytes, bytes, sizeof(bytes)));
	return buffer;
}

static int print_answer(const struct hn_fit_answer *answer, const char *host, bool colour)
{
	char movers[400];

	if (hn_print_explanation(answer->explanation, colour) < 0)
		return -ENOMEM;
	if (answer->home)
		printf("\nIt fits on %s, and %s%u more of it after that.\n", host,
		       answer->more == MORE_MAX ? "at least " : "", answer->more);
	else
		printf("\nIt does not fit on %s: %s.%s\n", host, answer->nearest,
		       say_movers(answer, movers, sizeof(movers)));
	return 0;
}

/* The snapshot takes the guest over. */
static int add_guest(struct hn_snapshot *snapshot, struct hn_guest *guest, struct hn_error *err)
{
	struct hn_guest_state *state = hn_snapshot_add(snapshot);

	if (!state) {
		hn_guest_free(guest);
		return hn_oom(err);
	}
	state->guest = guest;
	return 0;
}

static enum hn_exit run_fit(const struct hn_invocation *invocation)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	HN_AUTO(json) json_object *json = NULL;
	HN_AUTO(hn_fit_answer) struct hn_fit_answer *answer = NULL;
	struct hn_guest *guest = NULL;
	struct options options = {0};
	struct hn_decide_options decide;
	struct hn_error err = {0};

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	if (load_host(invocation, &options, &snapshot, &decide, &err) < 0 ||
	    load_guest(&options, &guest, &err) < 0 || add_guest(snapshot, guest, &err) < 0 ||
	    hn_fit(snapshot, snapshot->guest_count - 1, &decide.solver, MORE_MAX, &answer, &err) < 0)
		return hn_report_error(&err);
	if (invocation->json) {
		json = hn_fit_answer_encode(answer, snapshot->host->name);
		if (!json)
			return hn_oom(&err), hn_report_error(&err);
		hn_print_json(invocation, json);
	} else if (print_answer(answer, snapshot->host->name, invocation->colour) < 0) {
		return hn_oom(&err), hn_report_error(&err);
	}
	return answer->home ? HN_EXIT_OK : HN_EXIT_NO_FIT;
}

const struct hn_command hn_command_fit = {
	.name = "fit",
	.arguments = "[--host PATH] {DOMAIN.xml | --vcpus N --memory SIZE [OPTION]...}",
	.summary = "where a guest would go, why, and how many more of it",
	.options =
		"  -v, --vcpus N         vCPUs of the guest\n"
		"  -m, --memory SIZE     its memory, e.g. 16G\n"
		"  -c, --cells N         NUMA cells it is divided into (default 1)\n"
		"      --class CLASS     shared (default), dedicated or realtime\n"
		"      --hugepages SIZE  its memory in pages of that size\n"
		"      --host PATH       not this host: hwloc's XML, a folder with sys/ and proc/, or JSON\n"
		"\n"
		"Exit code 0: it fits; 6: it does not.\n",
	.run = run_fit,
};
