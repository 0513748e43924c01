#pragma once
/*
 * api-routes - which request goes to which handler, and who may make it.
 */
#include "daemon/connections.h"

/* Answers a request that has come in on one of these connections; always. */
void hn_api_route(struct hn_service *service, struct hn_connections *connections,
		  struct evhttp_request *request);
