/* A service in C, as one writes it for skynet: the test of tests/c_service.rs compiles it and has
   a node run it. It declares what it uses of the API, so that no header is needed. */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct skynet_context;

typedef int (*skynet_cb)(struct skynet_context *context, void *ud, int type, int session,
	uint32_t source, const void *msg, size_t sz);

void skynet_error(struct skynet_context *context, const char *msg, ...);
const char *skynet_command(struct skynet_context *context, const char *cmd, const char *parm);
uint32_t skynet_queryname(struct skynet_context *context, const char *name);
int skynet_send(struct skynet_context *context, uint32_t source, uint32_t destination, int type,
	int session, void *msg, size_t sz);
int skynet_sendname(struct skynet_context *context, uint32_t source, const char *destination,
	int type, int session, void *msg, size_t sz);
int skynet_isremote(struct skynet_context *context, uint32_t handle, int *harbor);
void skynet_callback(struct skynet_context *context, void *ud, skynet_cb cb);
uint32_t skynet_current_handle(void);
uint64_t skynet_now(void);
void *skynet_lalloc(void *ptr, size_t osize, size_t nsize);

struct socket_sendbuffer {
	int id;
	int type;
	const void *buffer;
	size_t sz;
};

struct skynet_socket_message {
	int type;
	int id;
	int ud;
	char *buffer;
};

int skynet_socket_listen(struct skynet_context *context, const char *host, int port, int backlog);
void skynet_socket_start(struct skynet_context *context, int id);
void skynet_socket_close(struct skynet_context *context, int id);
int skynet_socket_sendbuffer(struct skynet_context *context, struct socket_sendbuffer *buffer);

#define TEXT 0
#define SOCKET 6
#define SOCKET_DATA 1
#define SOCKET_CONNECT 2
#define SOCKET_ACCEPT 4
#define RESPONSE 1
#define ERROR 7
#define DONTCOPY 0x10000
#define ALLOCSESSION 0x20000

struct probe {
	int count;
	char *kept;
	int listener;
	int asked_session;
	uint32_t asked_by;
	char parameter[64];
};

struct probe *probe_create(void) {
	return calloc(1, sizeof(struct probe));
}

void probe_release(struct probe *self) {
	skynet_error(NULL, "released after %d messages", self->count);
	free(self->kept);
	free(self);
}

void probe_signal(struct probe *self, int signal) {
	fprintf(stderr, "signal %d\n", signal);
}

static void answer(struct skynet_context *context, uint32_t to, int session, const char *text) {
	skynet_send(context, 0, to, RESPONSE, session, (void *)text, strlen(text));
}

static int is(const char *word, const void *msg, size_t sz) {
	return sz == strlen(word) && memcmp(word, msg, sz) == 0;
}

/* Echoes what comes in, in the very block in which it came, and closes after "bye". */
static void handle_socket(struct skynet_context *context, struct probe *self,
		const struct skynet_socket_message *event) {
	char text[32];
	struct socket_sendbuffer echo = { event->id, 0, event->buffer, (size_t)event->ud };
	int bye;
	switch (event->type) {
	case SOCKET_CONNECT:
		if (event->id == self->listener && self->asked_session != 0) {
			snprintf(text, sizeof(text), "%d", event->ud);
			answer(context, self->asked_by, self->asked_session, text);
			self->asked_session = 0;
			skynet_socket_start(context, event->id);
		}
		break;
	case SOCKET_ACCEPT:
		skynet_socket_start(context, event->ud);
		break;
	case SOCKET_DATA:
		bye = is("bye", event->buffer, (size_t)event->ud);
		skynet_socket_sendbuffer(context, &echo);
		if (bye) {
			skynet_socket_close(context, event->id);
		}
		break;
	}
}

static int handle(struct skynet_context *context, void *ud, int type, int session, uint32_t source,
		const void *msg, size_t sz) {
	struct probe *self = ud;
	char text[256];
	self->count++;
	if (type == SOCKET) {
		handle_socket(context, self, msg);
		return 0;
	}
	if (type == ERROR && self->asked_session != 0) {
		snprintf(text, sizeof(text), "%d bytes", (int)sz);
		answer(context, self->asked_by, self->asked_session, text);
		self->asked_session = 0;
		return 0;
	}
	if (type != TEXT) {
		return 0;
	}
	if (is("keep", msg, sz)) {
		free(self->kept);
		self->kept = (char *)msg;
		answer(context, source, session, "kept");
		return 1;
	}
	if (is("listen", msg, sz)) {
		self->asked_by = source;
		self->asked_session = session;
		self->listener = skynet_socket_listen(context, "127.0.0.1", 0, 16);
		return 0;
	}
	if (is("lost", msg, sz)) {
		self->asked_by = source;
		self->asked_session = session;
		skynet_send(context, 0, 0x05000008, TEXT | ALLOCSESSION, 0, "x", 1);
		return 0;
	}
	if (is("hold", msg, sz)) {
		return 0;
	}
	if (is("format", msg, sz)) {
		skynet_error(context, "%s %d %d %d %d %d %d %g %g %g %g %g %g %g %g %g %g %lld %s", "ints",
			1, 2, 3, 4, 5, 6, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5,
			(long long)1 << 40, "end");
		skynet_error(context, "plain");
		answer(context, source, session, "formatted");
		return 0;
	}
	if (is("query", msg, sz)) {
		int harbor = -1;
		int remote = skynet_isremote(context, source, &harbor);
		const char *own = skynet_command(context, "REG", NULL);
		snprintf(text, sizeof(text), "%s %d %d %d %d %s", own,
			skynet_queryname(context, own) == skynet_current_handle(),
			skynet_queryname(context, ".nobody") == 0, remote, harbor, self->parameter);
		answer(context, source, session, text);
		return 0;
	}
	if (is("sends", msg, sz)) {
		char *block = skynet_lalloc(NULL, 0, 6);
		memcpy(block, "block", 6);
		int fresh = skynet_send(context, 0, source, TEXT | DONTCOPY | ALLOCSESSION, 0, block, 5);
		int nobody = skynet_send(context, 0, 0xfffff, TEXT, 0, "x", 1);
		int unknown = skynet_sendname(context, 0, ".nobody", TEXT, 0, "x", 1);
		int known = skynet_sendname(context, 0, ".c_probe_test", TEXT, 0, "named", 5);
		snprintf(text, sizeof(text), "%d %d %d %d %d", fresh > 0, nobody, unknown, known,
			skynet_now() > 0);
		answer(context, source, session, text);
		return 0;
	}
	if (is("refuse", msg, sz)) {
		skynet_send(context, 0, source, ERROR, session, NULL, 0);
		return 0;
	}
	snprintf(text, sizeof(text), "echo %.*s", (int)sz, (const char *)msg);
	answer(context, source, session, text);
	return 0;
}

int probe_init(struct probe *self, struct skynet_context *context, const char *parameter) {
	if (parameter != NULL && strcmp(parameter, "refuse") == 0) {
		return 1;
	}
	snprintf(self->parameter, sizeof(self->parameter), "%s", parameter == NULL ? "nil" : parameter);
	skynet_callback(context, self, handle);
	return 0;
}
