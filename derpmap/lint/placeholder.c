/* placeholder: see placeholder.h. */
#include "placeholder.h"

#include <string.h>

static bool
holds(struct slice s, const char *text)
{
	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

/* Whether one mark comes first and the other one later. */
static bool
holds_pair(struct slice s, const char *open, const char *close)
{
	const uint8_t *at = s.n > 0 ? memchr(s.p, open[0], s.n) : NULL;

	if (at != NULL && open[1] != '\0')
		at = memmem(s.p, s.n, open, strlen(open));
	return at != NULL &&
	    holds(slice_of(at, s.n - (size_t)(at - s.p)), close);
}

/* YOUR_IP, your-server, your ip: the word, and something after it. */
static bool
begins_your(struct slice s)
{
	return s.n > 5 && (s.p[4] == '_' || s.p[4] == '-' || s.p[4] == ' ') &&
	    slice_is_nocase(slice_of(s.p, 4), "your");
}

/* Whether there is anything that opens a mark: in most texts there is not. */
static bool
holds_opening(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '<' || s.p[i] == '{')
			return true;
	return false;
}

/* $DERP_HOST: a variable of a shell and nothing else. */
static bool
is_variable(struct slice s)
{
	if (s.n < 2 || s.p[0] != '$')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!(s.p[i] >= 'A' && s.p[i] <= 'Z') && s.p[i] != '_' &&
		    !(i > 1 && s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return true;
}

bool
placeholder_is_mark(struct slice text)
{
	return begins_your(text) || is_variable(text) ||
	    (holds_opening(text) &&
		(holds_pair(text, "<", ">") || holds_pair(text, "${", "}") ||
		    holds_pair(text, "{{", "}}") ||
		    holds_pair(text, "{%", "%}")));
}

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* Whether a label other than the last one, which may be the domain .xxx, is
 * three or more x. */
static bool
has_x_label(struct slice host)
{
	struct slice label, rest = host;
	bool more;

	do {
		size_t n = 0;

		more = slice_cut(rest, '.', &label, &rest);
		while (n < label.n && (label.p[n] == 'x' || label.p[n] == 'X'))
			n++;
		if (n >= 3 && n == label.n && (more || n == host.n))
			return true;
	} while (more);
	return false;
}

/* Whether one of the words, which end with NULL, is in the text. */
static bool
holds_one_of(struct slice s, const char *const *words)
{
	bool begins[UINT8_MAX + 1] = { false };

	for (size_t i = 0; words[i] != NULL; i++)
		begins[(uint8_t)words[i][0]] = true;
	for (; s.n > 0; s = slice_of(s.p + 1, s.n - 1))
		for (size_t i = 0; begins[s.p[0]] && words[i] != NULL; i++)
			if (s.p[0] == (uint8_t)words[i][0] &&
			    slice_starts(s, words[i]))
				return true;
	return false;
}

bool
placeholder_is_host(struct slice host)
{
	/* "my domain" and "your domain" as examples have them */
	static const char *const words[] = { "mydomain", "my-domain",
		"yourdomain", "your-domain", "your_domain", "changeme",
		"change-me", "tudominio", "tu-dominio", "votredomaine",
		"votre-domaine", "deinedomain", "deine-domain", "ihredomain",
		"ihre-domain", "seudominio", "seu-dominio", "tuodominio",
		"twojadomena", "twoja-domena", "вашдомен", "ваш-домен",
		"мойдомен", "ваш_домен", "域名", "ドメイン", "도메인", NULL };

	if (holds_one_of(host, words))
		return true;
	/* a name of a relay has a dot; a word that is not even ASCII and has
	 * none is what an example says in its own language */
	return has_x_label(host) ||
	    (!is_ascii(host) && host.n > 0 &&
		memchr(host.p, '.', host.n) == NULL);
}
