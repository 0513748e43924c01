#pragma once
/*
 * fuzz - what the fuzz targets share. Each target is one file with LLVMFuzzerTestOneInput() in it
 * (https://llvm.org/docs/LibFuzzer.html); what it claims about an input is said with fuzz_require().
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/placement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run with the claim that does not hold, and where. */
#define fuzz_require(claim) ((claim) ? (void)0 : fuzz_fail(#claim, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *claim, const char *file, int line);

/* Every refusal has its code and its sentence. */
void fuzz_require_refusal(int result, const struct hn_error *err);

/* A copy with a NUL behind it and not a byte more, so that a look beyond is seen. Freed by the caller. */
char *fuzz_text(const uint8_t *data, size_t size);

/* The input as JSON, or NULL. The caller drops it. */
json_object *fuzz_json(const uint8_t *data, size_t size);

/* Both say the same, as text that can be read; NULL is JSON's null. Drops both. */
void fuzz_require_same_json(json_object *a, json_object *b);

/* Four nodes of 16 GiB and four CPUs each. */
struct hn_host *fuzz_host(void);

/* Some home of the guest on that host: cells on one node after the other, its vCPUs on their CPUs. */
struct hn_placement *fuzz_home(const struct hn_guest *guest, const struct hn_host *host, int first_node);

/* Path of a file of memory with that in it, the same at every call; it stays until the next. */
const char *fuzz_file(const void *data, size_t size);
