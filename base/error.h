#pragma once
/*
 * error - how homenode reports what went wrong.
 *
 * A function that can fail returns 0 or a negative errno and writes one sentence into struct hn_error, once,
 * where the failure is understood, naming the thing it happened to. Callers pass both up unchanged, or put
 * context in front with hn_error_prefix(). Libraries never log; daemon/ and cli/ print the sentence.
 * What is expected to happen (nothing to move, a guest that is gone) is a value and not an error.
 */
#define HN_ERROR_MAX 400

struct hn_error {
	int code; /* negative errno, 0 when unset */
	char message[HN_ERROR_MAX];
};

/* Writes the sentence and returns code, so that "return hn_fail(...)" reads well. err may be NULL. */
int hn_fail(struct hn_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As hn_fail(), with ": " and strerror(-code) behind the sentence. */
int hn_fail_errno(struct hn_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts context and ": " in front of a sentence already there. Returns err->code. */
int hn_error_prefix(struct hn_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -ENOMEM with its sentence. */
int hn_oom(struct hn_error *err);
