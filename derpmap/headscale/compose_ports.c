/* compose_ports: see compose_ports.h. */
#include "compose_ports.h"

#include "doc_yaml.h"
#include "infile.h"
#include "num.h"

#define FILE_MAX ((size_t)4 << 20)

/* One port or a range of them: "3478", "3000-3005". */
struct range {
	uint16_t first, last;
};

static bool
parse_range(struct slice text, struct range *r)
{
	struct slice first, last;
	uint64_t a, b;

	if (!slice_cut(text, '-', &first, &last))
		last = first;
	if (num_parse_decimal(first, UINT16_MAX, &a) == -1 ||
	    num_parse_decimal(last, UINT16_MAX, &b) == -1 || a == 0 || b < a)
		return false;
	*r = (struct range){ (uint16_t)a, (uint16_t)b };
	return true;
}

static void
add(struct compose_ports *ports, struct range host, struct range container,
    bool is_udp)
{
	if (host.last - host.first != container.last - container.first) {
		ports->is_whole = false;
		return;
	}
	for (unsigned i = 0; i <= (unsigned)(host.last - host.first); i++) {
		if (ports->n == COMPOSE_PORTS_MAX) {
			ports->is_whole = false;
			return;
		}
		ports->v[ports->n++] =
		    (struct compose_port){ (uint16_t)(host.first + i),
			    (uint16_t)(container.first + i), is_udp };
	}
}

/* What is after the last colon; *head is what is before, or empty. */
static struct slice
after_colon(struct slice text, struct slice *head)
{
	for (size_t i = text.n; i > 0; i--)
		if (text.p[i - 1] == ':') {
			*head = slice_of(text.p, i - 1);
			return slice_of(text.p + i, text.n - i);
		}
	*head = slice_of(text.p, 0);
	return text;
}

/* [[IP:]HOST:]CONTAINER[/PROTOCOL]. Without a host's port it is any. */
static void
add_short(struct compose_ports *ports, struct slice text)
{
	struct slice protocol, head, rest, container;
	struct range from, to;

	slice_cut(text, '/', &text, &protocol);
	container = after_colon(text, &head);
	if (head.n == 0)
		return;
	if (!parse_range(container, &to) ||
	    !parse_range(after_colon(head, &rest), &from))
		ports->is_whole = false;
	else
		add(ports, from, to, slice_is(protocol, "udp"));
}

static struct slice
text_of(const struct doc_node *mapping, const char *key)
{
	const struct doc_node *n = doc_get(mapping, key);

	return n != NULL && n->kind == DOC_SCALAR ? n->text : slice_str("");
}

/* {target: 3478, published: 3478, protocol: udp} */
static void
add_long(struct compose_ports *ports, const struct doc_node *port)
{
	const struct slice published = text_of(port, "published");
	struct range from, to;

	if (published.n == 0)
		return;
	if (!parse_range(text_of(port, "target"), &to) ||
	    !parse_range(published, &from))
		ports->is_whole = false;
	else
		add(ports, from, to,
		    slice_is(text_of(port, "protocol"), "udp"));
}

static void
add_service(struct compose_ports *ports, const struct doc_node *service)
{
	const struct doc_node *list = doc_get(service, "ports");

	if (list != NULL)
		list = doc_resolve(list);
	for (size_t i = 0;
	     list != NULL && list->kind == DOC_SEQUENCE && i < list->count;
	     i++) {
		const struct doc_node *port = doc_resolve(list->items[i]);

		if (port->kind == DOC_SCALAR)
			add_short(ports, port->text);
		else if (port->kind == DOC_MAPPING)
			add_long(ports, port);
	}
}

int
compose_ports_text(struct compose_ports *ports, struct arena *a,
    const char *file, struct slice text, struct fail *why)
{
	const char *copy = arena_text(a, (const char *)text.p, text.n);
	const struct doc_node *services;
	struct doc d;

	*ports = (struct compose_ports){ .file = file, .is_whole = true };
	ports->v = arena_alloc(a, COMPOSE_PORTS_MAX, sizeof *ports->v);
	if (ports->v == NULL || copy == NULL)
		return fail_set(why, "not enough memory");
	if (doc_yaml_read(&d, a, slice_of(copy, text.n), why) == -1)
		return -1;
	services = doc_get(d.root, "services");
	if (services == NULL || services->kind != DOC_MAPPING)
		return fail_set(why,
		    "%s: there are no services, as in a Compose file", file);
	for (size_t i = 0; i < services->count; i++)
		add_service(ports, doc_resolve(services->items[2 * i + 1]));
	return 0;
}

int
compose_ports_read(struct compose_ports *ports, struct arena *a,
    const char *file, struct fail *why)
{
	struct buf text;
	int result = infile_read(&text, file, FILE_MAX, why);

	if (result == 0)
		result =
		    compose_ports_text(ports, a, file, buf_slice(&text), why);
	buf_clear(&text);
	return result;
}

uint16_t
compose_ports_udp(const struct compose_ports *ports, uint16_t to)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->v[i].is_udp && ports->v[i].container == to)
			return ports->v[i].host;
	return 0;
}
