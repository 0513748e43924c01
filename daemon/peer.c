#include "daemon/peer.h"

#include <errno.h>
#include <grp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

static int find_group(const char *key, const char *name, bool *ret_has, gid_t *ret, struct hn_error *err)
{
	const struct group *group;

	*ret_has = name[0] != '\0';
	if (!name[0])
		return 0;
	group = getgrnam(name);
	if (!group)
		return hn_fail(err, -EINVAL, "[api] %s: this host has no group '%s'", key, name);
	*ret = group->gr_gid;
	return 0;
}

int hn_groups_find(const struct hn_config *config, struct hn_groups *ret, struct hn_error *err)
{
	int r = find_group("operators", config->api_operators, &ret->has_operators, &ret->operators, err);

	return r < 0 ? r : find_group("readers", config->api_readers, &ret->has_readers, &ret->readers, err);
}

static enum hn_role role_of_group(const struct hn_groups *groups, gid_t group)
{
	if (group == getegid() || (groups->has_operators && group == groups->operators))
		return HN_ROLE_OPERATOR;
	return groups->has_readers && group == groups->readers ? HN_ROLE_READER : HN_ROLE_NONE;
}

/* A peer's groups besides its first; none of them when memory is out. */
static gid_t *read_groups(int fd, size_t *ret_count)
{
	socklen_t length = 0;
	gid_t *groups;

	*ret_count = 0;
	/* with too little room the kernel tells how much it would take */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &length) == 0 || errno != ERANGE)
		return NULL;
	groups = malloc(length);
	if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0) {
		free(groups);
		return NULL;
	}
	*ret_count = length / sizeof(*groups);
	return groups;
}

static enum hn_role role_of_groups(const struct hn_groups *groups, int fd, gid_t first)
{
	size_t count;
	HN_AUTO(memory) gid_t *others = read_groups(fd, &count);
	enum hn_role best = role_of_group(groups, first);

	for (size_t i = 0; i < count; i++) {
		enum hn_role role = role_of_group(groups, others[i]);

		if (role > best)
			best = role;
	}
	return best;
}

void hn_peer_of_socket(int fd, const struct hn_groups *groups, struct hn_peer *ret)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	*ret = (struct hn_peer){.local = true, .place = "nobody", .name = "a client without credentials"};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0 || credentials.pid == 0)
		return;
	snprintf(ret->place, sizeof(ret->place), "user %u", credentials.uid);
	snprintf(ret->name, sizeof(ret->name), "user %u on the socket", credentials.uid);
	ret->trusted = credentials.uid == 0 || credentials.uid == geteuid();
	ret->role = ret->trusted ? HN_ROLE_OPERATOR : role_of_groups(groups, fd, credentials.gid);
}

void hn_peer_of_address(int fd, struct hn_peer *ret)
{
	*ret = (struct hn_peer){0};
	hn_gate_address(fd, ret->place, sizeof(ret->place));
	snprintf(ret->name, sizeof(ret->name), "%s", ret->place);
}

static enum hn_role role_of_unit(const char *unit)
{
	if (strcmp(unit, "homenode-operator") == 0)
		return HN_ROLE_OPERATOR;
	return strcmp(unit, "homenode-reader") == 0 ? HN_ROLE_READER : HN_ROLE_NONE;
}

/* The entry's text without what could forge it; "" when it is none. */
static void entry_text(const X509_NAME *subject, int at, char *text, size_t size)
{
	unsigned char *bytes = NULL;
	int length = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

	*text = '\0';
	if (length > 0 && (size_t)length < size && !memchr(bytes, '\0', (size_t)length)) {
		memcpy(text, bytes, (size_t)length);
		text[length] = '\0';
	}
	OPENSSL_free(bytes);
}

void hn_peer_certify(SSL *session, struct hn_peer *peer)
{
	X509 *certificate = SSL_get1_peer_certificate(session);
	char text[80] = "";
	const X509_NAME *subject;
	int at = -1;

	peer->role = HN_ROLE_NONE;
	if (!certificate)
		return;
	subject = X509_get_subject_name(certificate);
	while (SSL_get_verify_result(session) == X509_V_OK &&
	       (at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, at)) >= 0) {
		entry_text(subject, at, text, sizeof(text));
		if (role_of_unit(text) > peer->role)
			peer->role = role_of_unit(text);
	}
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at >= 0) {
		entry_text(subject, at, text, sizeof(text));
		snprintf(peer->name, sizeof(peer->name), "'%s' from %s", text, peer->place);
	}
	X509_free(certificate);
}
