/* Domains that stop and start again while they are looked at: virt/domains.c with a worker that waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "virt/failure.h"
#include "virt/virt-private.h"

#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

static struct {
	struct hn_job *jobs[8];
	size_t count;
} worker;

int hn_worker_submit(struct hn_worker *ignored, struct hn_job *job, struct hn_error *err)
{
	worker.jobs[worker.count++] = job;
	return 0;
}

/* It ran when the look was asked for, and does not when it is made. */
int hn_link_domain(struct hn_link *link, const char *uuid, virDomainPtr *ret, struct hn_error *err)
{
	return hn_fail(err, -ENOENT, "there is no such domain");
}

void hn_link_mark(struct hn_link *link)
{
}
void hn_link_explain(const struct hn_link *link, struct hn_error *err)
{
}
void hn_virt_enter(struct hn_virt *virt)
{
}
void hn_virt_leave(struct hn_virt *virt)
{
}
void hn_virt_complete(struct hn_virt *virt)
{
}
void hn_wires_end(struct hn_virt *virt, const char *uuid)
{
}

bool hn_virt_connected(const struct hn_virt *virt)
{
	return true;
}

const char *hn_domain_event_name(enum hn_domain_event event)
{
	return "event";
}

int hn_virt_fail(struct hn_error *err, const char *format, ...)
{
	return hn_fail(err, -EIO, "libvirt fails");
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
}

static void finish(size_t job)
{
	worker.jobs[job]->run(worker.jobs[job], NULL);
	worker.jobs[job]->done(worker.jobs[job], true);
}

static void the_look_of_a_run_that_is_over_tells_nothing_of_the_next(void **state)
{
	struct hn_virt virt = {.base = event_base_new(), .state = VIRT_UP};

	virt.tick = evtimer_new(virt.base, on_tick, NULL);
	TAILQ_INIT(&virt.domains);
	hn_domains_hear(&virt, UUID, true, HN_DOMAIN_CHANGED);
	hn_domains_on_tick(-1, 0, &virt);
	assert_int_equal(worker.count, 1);
	/* it stops, which is told and forgotten, and starts again */
	hn_domains_hear_stopped(&virt, UUID, "shutdown");
	hn_domains_on_tick(-1, 0, &virt);
	assert_true(TAILQ_EMPTY(&virt.domains));
	hn_domains_hear(&virt, UUID, true, HN_DOMAIN_CHANGED);
	hn_domains_on_tick(-1, 0, &virt);
	assert_int_equal(worker.count, 2);
	/* the first look comes to its end: it found nothing */
	finish(0);
	hn_domains_on_tick(-1, 0, &virt);
	assert_false(TAILQ_EMPTY(&virt.domains));
	hn_domains_hear(&virt, UUID, true, HN_DOMAIN_CHANGED);
	hn_domains_on_tick(-1, 0, &virt);
	assert_int_equal(worker.count, 2); /* the second is under way still */
	finish(1);
	hn_domains_on_tick(-1, 0, &virt);
	assert_int_equal(worker.count, 3);
	finish(2);
	hn_domains_on_tick(-1, 0, &virt);
	assert_true(TAILQ_EMPTY(&virt.domains));
	event_free(virt.tick);
	event_base_free(virt.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_look_of_a_run_that_is_over_tells_nothing_of_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
