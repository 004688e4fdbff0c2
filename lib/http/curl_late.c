/*
 * curl_late: libcurl, loaded when something of it is first made.
 *
 * A program that links these functions in place of libcurl starts without it
 * and the thirty libraries behind it: loading those takes longer than linting a
 * map does. The makers of things load it, and give what they give when memory
 * is short if it cannot be had; all other functions are called with what a
 * maker made.
 *
 * The prototypes are libcurl's own, so that the compiler compares them. The
 * functions are hidden, so that libcurl calls its own and not these.
 *
 * Rejected: to load through a table that lib/http calls, because programs that
 * always make requests link libcurl and should; lazy binding, which
 * -z now forbids; a helper program, which would be one more thing to install.
 *
 * Threads: any.
 */
#pragma GCC visibility push(hidden)
#include <curl/curl.h>
#pragma GCC visibility pop

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* curl.h has macros of these names that check arguments of constant type */
#undef curl_easy_getinfo
#undef curl_easy_setopt

/* The version is that of the interface that curl.h declares, since 2006. */
#define SONAME "libcurl.so.4"

#define FUNCTIONS(X)                \
	X(curl_easy_cleanup)        \
	X(curl_easy_getinfo)        \
	X(curl_easy_init)           \
	X(curl_easy_pause)          \
	X(curl_easy_perform)        \
	X(curl_easy_reset)          \
	X(curl_easy_setopt)         \
	X(curl_easy_strerror)       \
	X(curl_free)                \
	X(curl_getdate)             \
	X(curl_global_init_mem)     \
	X(curl_multi_add_handle)    \
	X(curl_multi_cleanup)       \
	X(curl_multi_info_read)     \
	X(curl_multi_init)          \
	X(curl_multi_perform)       \
	X(curl_multi_poll)          \
	X(curl_multi_remove_handle) \
	X(curl_multi_wakeup)        \
	X(curl_slist_append)        \
	X(curl_slist_free_all)      \
	X(curl_url)                 \
	X(curl_url_cleanup)         \
	X(curl_url_get)             \
	X(curl_url_set)             \
	X(curl_url_strerror)

/* What package builders read to learn of libraries that are loaded late:
 * https://systemd.io/ELF_DLOPEN_METADATA/ */
#define NOTE_TYPE 0x407c0c0a
#define NOTE_TEXT                                             \
	"[{\"soname\":[\"" SONAME "\"],\"feature\":\"http\"," \
	"\"description\":\"HTTP requests\",\"priority\":\"required\"}]"

static const struct {
	uint32_t owner_size, text_size, type;
	char owner[4];
	_Alignas(uint32_t) char text[sizeof NOTE_TEXT];
} note
    __attribute__((used, section(".note.dlopen"), aligned(4))) = { sizeof "FDO",
	    sizeof NOTE_TEXT, NOTE_TYPE, "FDO", NOTE_TEXT };

/* libcurl's functions; NULL until it is loaded. */
static struct {
#define MEMBER(name) __typeof__(name) *name;
	FUNCTIONS(MEMBER)
#undef MEMBER
} late;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static const struct {
	const char *name;
	size_t at; /* of the pointer in late */
} rows[] = {
#define ROW(name) { #name, offsetof(__typeof__(late), name) },
	FUNCTIONS(ROW)
#undef ROW
};

/* Never closed: libcurl cannot be unloaded while threads may be in it. */
static void
load(void)
{
	void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		return;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		void *function = dlsym(library, rows[i].name);

		if (function == NULL)
			return;
		memcpy((char *)&late + rows[i].at, &function, sizeof function);
	}
	is_loaded = true;
}

static bool
is_there(void)
{
	(void)pthread_once(&once, load);
	return is_loaded;
}

/* --- makers --- */

CURLcode
curl_global_init_mem(long flags, curl_malloc_callback m, curl_free_callback f,
    curl_realloc_callback r, curl_strdup_callback s, curl_calloc_callback c)
{
	return is_there() ? late.curl_global_init_mem(flags, m, f, r, s, c)
			  : CURLE_FAILED_INIT;
}

CURL *
curl_easy_init(void)
{
	return is_there() ? late.curl_easy_init() : NULL;
}

CURLM *
curl_multi_init(void)
{
	return is_there() ? late.curl_multi_init() : NULL;
}

CURLU *
curl_url(void)
{
	return is_there() ? late.curl_url() : NULL;
}

struct curl_slist *
curl_slist_append(struct curl_slist *list, const char *text)
{
	return is_there() ? late.curl_slist_append(list, text) : NULL;
}

time_t
curl_getdate(const char *text, const time_t *unused)
{
	return is_there() ? late.curl_getdate(text, unused) : -1;
}

/* --- with an argument whose type hangs on another --- */

CURLcode
curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
	CURLcode code;
	va_list args;

	va_start(args, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		code = late.curl_easy_setopt(curl, option, va_arg(args, long));
	else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
		code = late.curl_easy_setopt(
		    curl, option, va_arg(args, curl_off_t));
	else
		code =
		    late.curl_easy_setopt(curl, option, va_arg(args, void *));
	va_end(args);
	return code;
}

CURLcode
curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
	CURLcode code;
	va_list args;

	va_start(args, info);
	code = late.curl_easy_getinfo(curl, info, va_arg(args, void *));
	va_end(args);
	return code;
}

/* --- all others --- */

/* Nothing was made that could be freed when it is not loaded. */
#define FORWARD_VOID(name, type)      \
	void name(type p)             \
	{                             \
		if (p != NULL)        \
			late.name(p); \
	}
#define FORWARD(type, name, parameters, ...)   \
	type name parameters                   \
	{                                      \
		return late.name(__VA_ARGS__); \
	}

FORWARD_VOID(curl_easy_cleanup, CURL *)
FORWARD_VOID(curl_easy_reset, CURL *)
FORWARD_VOID(curl_free, void *)
FORWARD_VOID(curl_slist_free_all, struct curl_slist *)
FORWARD_VOID(curl_url_cleanup, CURLU *)

FORWARD(CURLcode, curl_easy_pause, (CURL * c, int mask), c, mask)
FORWARD(CURLcode, curl_easy_perform, (CURL * c), c)
FORWARD(const char *, curl_easy_strerror, (CURLcode code), code)

FORWARD(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL *c), m, c)
FORWARD(CURLMcode, curl_multi_cleanup, (CURLM * m), m)
FORWARD(CURLMsg *, curl_multi_info_read, (CURLM * m, int *left), m, left)
FORWARD(CURLMcode, curl_multi_perform, (CURLM * m, int *running), m, running)
FORWARD(CURLMcode, curl_multi_poll,
    (CURLM * m, struct curl_waitfd *fds, unsigned n, int wait_ms, int *ready),
    m, fds, n, wait_ms, ready)
FORWARD(CURLMcode, curl_multi_remove_handle, (CURLM * m, CURL *c), m, c)
FORWARD(CURLMcode, curl_multi_wakeup, (CURLM * m), m)

/* its first argument is const since 8.0 */
#if LIBCURL_VERSION_NUM >= 0x080000
#define GOTTEN_FROM const CURLU *
#else
#define GOTTEN_FROM CURLU *
#endif
FORWARD(CURLUcode, curl_url_get,
    (GOTTEN_FROM u, CURLUPart part, char **text, unsigned flags), u, part, text,
    flags)
FORWARD(CURLUcode, curl_url_set,
    (CURLU * u, CURLUPart part, const char *text, unsigned flags), u, part,
    text, flags)
FORWARD(const char *, curl_url_strerror, (CURLUcode code), code)
