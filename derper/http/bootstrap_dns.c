/* bootstrap_dns: see bootstrap_dns.h. */
#include "bootstrap_dns.h"

#include "counters.h"
#include "dns_name.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MAX 500 /* different names that were asked for, as upstream */

struct name {
	/* immutable */
	char text[BOOTSTRAP_DNS_NAME_MAX + 1];
	char percent_name[BOOTSTRAP_DNS_NAME_MAX + 1]; /* "": everybody */
	bool published;
	/* locked */
	struct netaddr addresses[BOOTSTRAP_DNS_ADDRESSES_MAX];
	size_t count;
	unsigned percent;
};

struct bootstrap_dns {
	struct name names[BOOTSTRAP_DNS_NAMES_MAX]; /* by text, rising */
	size_t count;                               /* immutable */
	pthread_mutex_t lock;
	/* locked: hashes of what was asked for, to tell what is new */
	uint64_t asked[ASKED_MAX];
	size_t asked_count;
};

/* ---- the names */

static const struct name *
find(const struct bootstrap_dns *b, struct slice text, bool published)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->names[i].published == published &&
		    slice_is(text, b->names[i].text))
			return &b->names[i];
	return NULL;
}

static bool
is_name(struct slice text)
{
	return text.n > 0 && text.n <= BOOTSTRAP_DNS_NAME_MAX &&
	    dns_name_is_plain(text);
}

static int
add_name(struct bootstrap_dns *b, struct slice text, bool published,
    struct fail *why)
{
	const char *flag = published ? "-bootstrap-dns-names"
				     : "-unpublished-bootstrap-dns-names";
	struct slice head = text, tail = slice_of(NULL, 0);
	struct name *name;
	bool has_percent = false;

	if (b->count == BOOTSTRAP_DNS_NAMES_MAX)
		return fail_set(why, "%s: more than %d names", flag,
		    BOOTSTRAP_DNS_NAMES_MAX);
	if (!published)
		has_percent = slice_cut(text, '/', &head, &tail);
	if (!is_name(head) || (has_percent && !is_name(tail)))
		return fail_set(why, "%s: \"%.*s\" is not a host name", flag,
		    (int)(text.n < 100 ? text.n : 100), (const char *)text.p);
	if (find(b, head, published) != NULL)
		return 0; /* it is there already */
	name = &b->names[b->count++];
	name->published = published;
	name->percent = 100;
	memcpy(name->text, head.p, head.n);
	if (has_percent) {
		memcpy(name->percent_name, tail.p, tail.n);
		name->percent = 0; /* until it is known */
	}
	return 0;
}

static int
add_names(
    struct bootstrap_dns *b, const char *list, bool published, struct fail *why)
{
	struct slice rest = slice_str(list), one;

	while (rest.n > 0) {
		(void)slice_cut(rest, ',', &one, &rest);
		if (one.n > 0 && add_name(b, one, published, why) == -1)
			return -1;
	}
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	const struct name *one = a, *other = b;

	return strcmp(one->text, other->text);
}

struct bootstrap_dns *
bootstrap_dns_new(
    const char *published, const char *unpublished, struct fail *why)
{
	struct bootstrap_dns *b = calloc(1, sizeof *b);

	if (b == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&b->lock, NULL);
	if (add_names(b, published, true, why) == -1 ||
	    add_names(b, unpublished, false, why) == -1) {
		bootstrap_dns_free(b);
		return NULL;
	}
	qsort(b->names, b->count, sizeof b->names[0], compare_names);
	return b;
}

void
bootstrap_dns_free(struct bootstrap_dns *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

const char *
bootstrap_dns_name(const struct bootstrap_dns *b, size_t i)
{
	return i < b->count ? b->names[i].text : NULL;
}

const char *
bootstrap_dns_percent_name(const struct bootstrap_dns *b, size_t i)
{
	return i < b->count && b->names[i].percent_name[0] != '\0'
	    ? b->names[i].percent_name
	    : NULL;
}

/* In any order, so that clients spread. */
static void
shuffle(struct netaddr *addresses, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		const size_t k = randombytes_uniform((uint32_t)i);
		const struct netaddr kept = addresses[i - 1];

		addresses[i - 1] = addresses[k];
		addresses[k] = kept;
	}
}

void
bootstrap_dns_set(struct bootstrap_dns *b, size_t i,
    const struct netaddr *addresses, size_t count, unsigned percent)
{
	struct name *name = &b->names[i];

	if (count > BOOTSTRAP_DNS_ADDRESSES_MAX)
		count = BOOTSTRAP_DNS_ADDRESSES_MAX;
	pthread_mutex_lock(&b->lock);
	if (count > 0)
		memcpy(name->addresses, addresses, count * sizeof *addresses);
	shuffle(name->addresses, count);
	name->count = count;
	if (name->percent_name[0] != '\0')
		name->percent = percent;
	pthread_mutex_unlock(&b->lock);
}

/* ---- answers */

/* DIFFERS: upstream draws from a generator of Go's that is seeded with the
 * address; which addresses are in a part differs. */
bool
bootstrap_dns_in_percentage(const struct netaddr *client, unsigned percent)
{
	uint8_t hash[crypto_generichash_BYTES_MIN];

	if (percent == 0 || percent >= 100)
		return percent >= 100;
	if (netaddr_is_loopback(client))
		return randombytes_uniform(2) == 0;
	crypto_generichash(
	    hash, sizeof hash, client->ip, sizeof client->ip, NULL, 0);
	return bytes_get_u32(hash) % 100 < percent;
}

/* Whether nobody asked for it before; what is remembered is bounded. */
static bool
is_new(struct bootstrap_dns *b, struct slice name)
{
	uint8_t bytes[crypto_generichash_BYTES_MIN];
	uint64_t hash;

	crypto_generichash(bytes, sizeof bytes, name.p, name.n, NULL, 0);
	memcpy(&hash, bytes, sizeof hash);
	for (size_t i = 0; i < b->asked_count; i++)
		if (b->asked[i] == hash)
			return false;
	if (b->asked_count == ASKED_MAX)
		b->asked_count = 0;
	b->asked[b->asked_count++] = hash;
	return true;
}

static void
put_name(struct writer *w, const struct name *name, bool first)
{
	char text[NETADDR_TEXT];

	writer_printf(w, "%s\n\t\"%s\": [", first ? "{" : ",", name->text);
	for (size_t i = 0; i < name->count; i++) {
		netaddr_format_ip(&name->addresses[i], text);
		writer_printf(w, "%s\n\t\t\"%s\"", i > 0 ? "," : "", text);
	}
	writer_printf(w, "\n\t]");
}

static void
put_published(const struct bootstrap_dns *b, struct writer *w)
{
	bool first = true;

	for (size_t i = 0; i < b->count; i++)
		if (b->names[i].published && b->names[i].count > 0) {
			put_name(w, &b->names[i], first);
			first = false;
		}
	if (!first)
		writer_printf(w, "\n}");
}

/* True: it is an unpublished name, and was told. */
static bool
put_unpublished(const struct bootstrap_dns *b, struct slice name,
    const struct netaddr *client, struct counters *counters, struct writer *w)
{
	const struct name *found = find(b, name, false);

	if (found == NULL || found->count == 0)
		return false;
	counters_add(&counters->bootstrap_dns_unpublished_hits, 1);
	if (!bootstrap_dns_in_percentage(client, found->percent)) {
		counters_add(
		    &counters->bootstrap_dns_unpublished_percent_misses, 1);
		return false;
	}
	put_name(w, found, true);
	writer_printf(w, "\n}");
	return true;
}

/* What is asked for that is not published counts as a question for what is
 * not. */
static void
count_published(
    const struct bootstrap_dns *b, struct slice name, struct counters *counters)
{
	const struct name *found = find(b, name, true);

	if (found == NULL)
		counters_add(&counters->bootstrap_dns_unpublished_misses, 1);
	else if (found->count > 0)
		counters_add(&counters->bootstrap_dns_published_hits, 1);
	else
		counters_add(&counters->bootstrap_dns_published_misses, 1);
}

void
bootstrap_dns_answer(struct bootstrap_dns *b, struct slice name,
    const struct netaddr *client, struct counters *counters, struct writer *w)
{
	bool told = false;

	pthread_mutex_lock(&b->lock);
	if (name.n > 0) {
		counters_add(
		    &counters->bootstrap_dns_queried_domains, is_new(b, name));
		told = put_unpublished(b, name, client, counters, w);
		if (!told)
			count_published(b, name, counters);
	}
	if (!told)
		put_published(b, w);
	pthread_mutex_unlock(&b->lock);
}
