/*
 * homenode xml - a domain's XML with the placement it would get written into it, and nothing else changed.
 */
#include <errno.h>
#include <libxml/xmlstring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/host-file.h"
#include "cli/option.h"
#include "model/codec.h"
#include "policy/cpus.h"
#include "policy/solver.h"
#include "xml/domain-read.h"
#include "xml/domain-wishes.h"
#include "xml/domain-write.h"

struct options {
	const char *host, *file, *domain;
	enum hn_domain_scope scope;
	bool anywhere, verbose;
};

/* What goes in and what comes of it. */
struct job {
	char *text, *written;
	size_t length;
	bool changed;
	struct hn_snapshot *snapshot;
	struct hn_decide_options decide;
	struct hn_guest *guest;
	struct hn_placement *home;
};

static void job_done(struct job *job)
{
	free(job->text);
	free(job->written);
	hn_snapshot_free(job->snapshot);
	hn_guest_free(job->guest);
	hn_placement_free(job->home);
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {
		{"domain", required_argument, NULL, 'd'}, {"host", required_argument, NULL, 'H'},
		{"existing", no_argument, NULL, 'e'},     {"anywhere", no_argument, NULL, 'a'},
		{"verbose", no_argument, NULL, 'v'},      {0}};
	int option;

	optind = 0;
	options->verbose = isatty(STDERR_FILENO);
	while ((option = hn_option_next(invocation, "d:eav", longs)) != -1) {
		if (option == 'd')
			options->domain = optarg;
		else if (option == 'H')
			options->host = optarg;
		else if (option == 'e')
			options->scope = HN_DOMAIN_EXISTING;
		else if (option == 'a')
			options->anywhere = true;
		else if (option == 'v')
			options->verbose = true;
		else
			return -1;
	}
	if (optind + 1 == invocation->argc)
		options->file = invocation->argv[optind];
	if (optind + 1 < invocation->argc || !options->file == !options->domain) {
		fprintf(stderr, "homenode: xml takes one file (- is standard input), or --domain NAME\n");
		return -1;
	}
	return 0;
}

static int load_text(const struct hn_invocation *invocation, const struct options *options, struct job *job,
		     struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	int r;

	if (options->file && strcmp(options->file, "-") == 0)
		return hn_input_read(HN_DOMAIN_BYTES_MAX, &job->text, &job->length, err);
	if (options->file)
		return hn_file_read(options->file, HN_DOMAIN_BYTES_MAX, &job->text, &job->length, err);
	path = hn_client_guest_path(invocation->client, options->domain, "/xml");
	if (!path)
		return hn_oom(err);
	if ((r = hn_client_get(invocation->client, path, &job->text, err)) == 0)
		job->length = strlen(job->text);
	return r;
}

/* The guest as the XML has it, with what its metadata says. */
static int load_guest(const struct options *options, struct job *job, struct hn_error *err)
{
	struct hn_domain_wishes wishes;
	int r = hn_domain_read(job->text, job->length, &job->guest, err);

	if (r < 0 || (r = hn_domain_wishes_read(job->text, job->length, &wishes, err)) < 0)
		return r;
	/* the nodes it names may be those of another host */
	if (options->anywhere || options->scope == HN_DOMAIN_EXISTING)
		hn_guest_allow_all(job->guest);
	hn_settings_apply(&wishes.settings, job->guest);
	job->guest->mode = HN_MODE_ENFORCE;
	hn_domain_wishes_done(&wishes);
	return 0;
}

static bool same_make_up(const struct hn_guest *a, const struct hn_guest *b)
{
	if (a->cell_count != b->cell_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].id != b->cells[i].id || !hn_set_equal(&a->cells[i].vcpus, &b->cells[i].vcpus))
			return false;
	return true;
}

/* The guest itself where it runs, as its pages are there already, else one that is added. */
static int find_guest(struct job *job, size_t *ret, struct hn_error *err)
{
	struct hn_guest_state *state;

	for (size_t i = 0; i < job->snapshot->guest_count; i++)
		if (strcmp(job->snapshot->guests[i].guest->name, job->guest->name) == 0 &&
		    same_make_up(job->snapshot->guests[i].guest, job->guest)) {
			*ret = i;
			return 0;
		}
	state = hn_snapshot_add(job->snapshot);
	if (!state || !(state->guest = hn_guest_copy(job->guest)))
		return hn_oom(err);
	*ret = job->snapshot->guest_count - 1;
	return 0;
}

static int place(struct job *job, struct hn_error *err)
{
	size_t guest = 0;
	const struct hn_guest_state *state;
	int r = find_guest(job, &guest, err);

	if (r < 0)
		return r;
	state = &job->snapshot->guests[guest];
	if (state->home) {
		job->home = hn_placement_copy(state->home);
		r = job->home ? 0 : hn_oom(err);
	} else {
		r = hn_solve(job->snapshot, guest, &job->decide.solver, &job->home, err);
	}
	if (r == 0 && job->home->vcpu_count == 0)
		r = hn_cpus_choose(job->snapshot, guest, job->home, err);
	if (r < 0)
		hn_error_prefix(err, "'%.60s' has no place on %.60s", job->guest->name,
				job->snapshot->host->name);
	return r;
}

static int run_job(const struct hn_invocation *invocation, const struct options *options, struct job *job,
		   struct hn_error *err)
{
	int r = load_text(invocation, options, job, err);

	if (r < 0)
		return r;
	if ((r = load_guest(options, job, err)) < 0)
		return hn_error_prefix(err, "domain '%s'", options->file ? options->file : options->domain);
	job->decide = hn_decide_defaults;
	r = options->host ? hn_host_file_load(options->host, &job->snapshot, err)
			  : hn_fetch_snapshot(invocation->client, &job->snapshot, &job->decide, err);
	if (r < 0 || (r = place(job, err)) < 0)
		return r;
	return hn_domain_write(job->text, job->length, job->guest, job->snapshot->host, job->home,
			       options->scope, &job->written, &job->changed, err);
}

static void print_where(const struct job *job)
{
	char nodes[200], cpus[200];
	struct hn_set all = {0};

	for (size_t i = 0; i < job->home->cell_count; i++)
		fprintf(stderr, "%s%s%d on node %s", i ? ", " : job->guest->name, i ? "cell " : ": cell ",
			job->home->cells[i].cell,
			hn_set_format(&job->home->cells[i].nodes, nodes, sizeof(nodes)));
	for (size_t i = 0; i < job->home->vcpu_count; i++)
		hn_set_or(&all, &job->home->vcpus[i].cpus);
	fprintf(stderr, "; vCPUs on CPUs %s", hn_set_format(&all, cpus, sizeof(cpus)));
	fprintf(stderr, ", other threads on %s; %s\n",
		hn_set_format(&job->home->other_cpus, cpus, sizeof(cpus)),
		job->changed ? "written" : "the XML says so already");
}

static int print_json(const struct hn_invocation *invocation, const struct job *job, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	json_object *home;

	if (!xmlCheckUTF8((const unsigned char *)job->written))
		return hn_fail(err, -EPROTO,
			       "the XML is not in UTF-8, which JSON has to be: leave --json out");
	home = json ? hn_placement_encode(job->home) : NULL;
	if (!home || hn_json_add(json, "placement", home) ||
	    hn_json_add_bool(json, "changed", job->changed) || hn_json_add_string(json, "xml", job->written))
		return hn_oom(err);
	hn_print_json(invocation, json);
	return 0;
}

static enum hn_exit run_xml(const struct hn_invocation *invocation)
{
	__attribute__((cleanup(job_done))) struct job job = {0};
	struct options options = {0};
	struct hn_error err = {0};
	int r;

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	r = run_job(invocation, &options, &job, &err);
	if (r == 0 && invocation->json)
		r = print_json(invocation, &job, &err);
	else if (r == 0)
		fputs(job.written, stdout); /* whether that went well, main() looks */
	if (r < 0) {
		enum hn_exit code = hn_report_error(&err);

		return r == -ENOSPC && !job.written ? HN_EXIT_NO_FIT : code;
	}
	if (options.verbose)
		print_where(&job);
	return HN_EXIT_OK;
}

const struct hn_command hn_command_xml = {
	.name = "xml",
	.arguments = "[--host PATH] [--existing] [--anywhere] {DOMAIN.xml | - | --domain NAME}",
	.summary = "a domain's XML with its placement written into it",
	.options =
		"  -d, --domain NAME     the domain of that name, from homenoded, instead of a file\n"
		"  -e, --existing        only what names nodes or CPUs already, as for another host; adds "
		"nothing\n"
		"  -a, --anywhere        the nodes it names already are no limit\n"
		"  -v, --verbose         say on stderr where it goes, even if that is no terminal\n"
		"      --host PATH       not this host: hwloc's XML, a folder with sys/ and proc/, or JSON\n"
		"\n"
		"Prints the XML, or nothing when it is refused. Exit code 6: there is no place for the "
		"guest.\n",
	.run = run_xml,
};
