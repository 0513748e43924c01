#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/etcd.h"

#define BYTES_MAX (16 << 20)

int hn_etcd_add_bytes(json_object *json, const char *key, const void *bytes, size_t length)
{
	HN_AUTO(memory) char *text = length < BYTES_MAX ? malloc((length + 2) / 3 * 4 + 1) : NULL;

	if (!text)
		return -ENOMEM;
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
	return hn_json_add_string(json, key, text);
}

int hn_etcd_add_prefix(json_object *json, const char *prefix)
{
	size_t length = strlen(prefix);
	HN_AUTO(memory) unsigned char *end = (unsigned char *)strdup(prefix);

	if (!end)
		return -ENOMEM;
	while (length > 0 && end[length - 1] == 0xff)
		length--;
	if (length > 0)
		end[length - 1]++;
	return hn_etcd_add_bytes(json, "range_end", end, length);
}

int hn_etcd_get_bytes(json_object *json, const char *key, char **ret, size_t *ret_length,
		      struct hn_error *err)
{
	const char *text = "";
	HN_AUTO(memory) char *bytes = NULL;
	size_t length, padding = 0;

	if (hn_json_has(json, key) && hn_json_get_string(json, key, &text, err) < 0)
		return -EPROTO;
	length = strlen(text);
	if (length >= BYTES_MAX || length % 4 != 0)
		return hn_fail(err, -EPROTO, "member '%s' is no base64", key);
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	bytes = malloc(length / 4 * 3 + 1);
	if (!bytes)
		return hn_oom(err);
	/* OpenSSL takes '=' anywhere, and leaves out blanks before and behind */
	if (strcspn(text, "=") < length - padding ||
	    (length && EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text, (int)length) !=
			       (int)(length / 4 * 3)))
		return hn_fail(err, -EPROTO, "member '%s' is no base64", key);
	*ret_length = length / 4 * 3 - padding;
	bytes[*ret_length] = '\0';
	*ret = hn_steal(bytes);
	return 0;
}

int64_t hn_etcd_number(json_object *json, const char *key)
{
	json_object *value;

	return json_object_is_type(json, json_type_object) && json_object_object_get_ex(json, key, &value)
		       ? json_object_get_int64(value)
		       : 0;
}

int64_t hn_etcd_header(json_object *answer, const char *key)
{
	json_object *header;

	return hn_json_get_object(answer, "header", &header, NULL) == 0 ? hn_etcd_number(header, key) : 0;
}

uint64_t hn_etcd_cluster(json_object *answer)
{
	json_object *header, *value;

	return hn_json_get_object(answer, "header", &header, NULL) == 0 &&
			       json_object_object_get_ex(header, "cluster_id", &value)
		       ? json_object_get_uint64(value)
		       : 0;
}
