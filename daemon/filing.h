#pragma once
/*
 * filing - reservations are put on file together: all that has changed in one turn of the loop at its end,
 * with one write, and only then those who have changed it are answered.
 */
#include "daemon/api-call.h"
#include "daemon/booking.h"
#include "daemon/service.h"

struct hn_filing;

int hn_filing_new(struct hn_service *service, struct hn_filing **ret, struct hn_error *err);
/* Before the API: what is due is put on file and answered. From then on changes are put on file at once. NULL
 * is fine. */
void hn_filing_free(struct hn_filing *filing);

/*
 * Settles what the call has done when it is on file, at once where it is already, and has it answered, with
 * the error it came to, if any. The call's name and peer are gone then. -ENOMEM.
 */
typedef void (*hn_filing_answer)(const struct hn_call *call, const struct hn_booking *booking,
				 const struct hn_reservation *reservation, const struct hn_error *err);
int hn_filing_settle(const struct hn_call *call, const struct hn_booking *booking, hn_filing_answer answer,
		     struct hn_error *err);
