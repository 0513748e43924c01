#pragma once
/*
 * json - strict reading of json-c objects: a missing or mistyped member is an error that names it.
 *
 * Borrowed pointers stay valid as long as the object they came from. Objects are owned as json-c has it:
 * json_object_put() drops a reference; HN_AUTO(json) does so at the end of a scope.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

static inline void hn_json_put(json_object *object)
{
	json_object_put(object);
}
HN_CLEANUP_DEFINE(json, json_object *, hn_json_put);

/*
 * Parses one whole document of length bytes: depth at most 32, nothing but white space behind it.
 * what names the source in the sentence. -EPROTO for malformed text, and for what is no UTF-8.
 */
int hn_json_parse(const char *text, size_t length, const char *what, json_object **ret, struct hn_error *err);

/* Each reads one member; -EPROTO "member 'x' is missing" or "... is not a string". */
int hn_json_get_string(json_object *object, const char *key, const char **ret, struct hn_error *err);
int hn_json_get_u64(json_object *object, const char *key, uint64_t *ret, struct hn_error *err);
int hn_json_get_int(json_object *object, const char *key, int *ret, struct hn_error *err);
int hn_json_get_double(json_object *object, const char *key, double *ret, struct hn_error *err);
int hn_json_get_bool(json_object *object, const char *key, bool *ret, struct hn_error *err);
int hn_json_get_array(json_object *object, const char *key, json_object **ret, struct hn_error *err);
int hn_json_get_object(json_object *object, const char *key, json_object **ret, struct hn_error *err);

/* True when the member is there and not null. */
bool hn_json_has(json_object *object, const char *key);

/*
 * A string, with '?' for each byte that is no UTF-8: names of processes and of files may have any, JSON may
 * not. NULL when out of memory.
 */
json_object *hn_json_new_string(const char *text);

/* Adds value (whose reference is taken, NULL meaning JSON null is stored). -ENOMEM as a return, nothing
 * leaks. */
int hn_json_add(json_object *object, const char *key, json_object *value);
int hn_json_add_string(json_object *object, const char *key, const char *value);
int hn_json_add_u64(json_object *object, const char *key, uint64_t value);
int hn_json_add_int(json_object *object, const char *key, int value);
int hn_json_add_double(json_object *object, const char *key, double value);
int hn_json_add_bool(json_object *object, const char *key, bool value);
