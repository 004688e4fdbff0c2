/* cmd_watch: tells of nodes that come, change and go, as sources say it. */
#include "clock.h"
#include "node_output.h"
#include "source_options.h"
#include "verify.h"
#include "verify_commands.h"
#include "verify_nodes.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct arguments {
	struct source_options sources; /* first */
	struct opts_choice format;
};

struct watch {
	const struct format *format;
	pthread_mutex_t lock; /* one line after the other */
};

/* How many nodes there are is known of whole lists only. */
static bool
has_count(const struct verify_event *event)
{
	return event->kind == VERIFY_EVENT_LISTED ||
	    event->kind == VERIFY_EVENT_DOUBTED;
}

static void
print_text(const struct verify_event *event)
{
	char time[VERIFY_NODES_TIME_TEXT];

	verify_nodes_format_time(event->wall_s, time);
	printf("%s %-7s %s: ", time, verify_event_name(event->kind),
	    event->source);
	if (event->node != NULL)
		node_output_text(stdout, event->node, event->wall_s);
	else if (event->text != NULL && event->text[0] != '\0')
		printf("%s", event->text);
	else if (has_count(event))
		printf("%zu nodes", event->count);
	putchar('\n');
}

static void
print_json(const struct verify_event *event)
{
	const bool has_text = event->text != NULL && event->text[0] != '\0';
	char time[VERIFY_NODES_TIME_TEXT];
	json_t *object, *node = NULL, *count = NULL;

	verify_nodes_format_time(event->wall_s, time);
	if (event->node != NULL)
		node = node_output_json(event->node, event->wall_s);
	if (has_count(event))
		count = json_integer((json_int_t)event->count);
	object = json_pack("{s:s, s:s, s:s, s:o*, s:s*, s:o*}", "time", time,
	    "event", verify_event_name(event->kind), "source", event->source,
	    "count", count, "text", has_text ? event->text : NULL, "node",
	    node);
	if (object != NULL)
		(void)json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static const struct format {
	const char *name;
	void (*print)(const struct verify_event *event);
} formats[] = {
	{ "text", print_text },
	{ "json", print_json },
};

static const char *
format_name(size_t n)
{
	return n < sizeof formats / sizeof formats[0] ? formats[n].name : NULL;
}

/* On threads of the engine. What cannot be written ends the program. */
static void
tell(void *ctx, const struct verify_event *event)
{
	struct watch *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->format->print(event);
	if (fflush(stdout) == EOF)
		(void)kill(getpid(), SIGTERM);
	pthread_mutex_unlock(&w->lock);
}

static bool
any_set(const struct verify_sources *sources)
{
	struct verify_member_stats stats;

	for (size_t i = 0; i < sources->count; i++) {
		verify_member_stats(sources->list[i], &stats);
		if (stats.keeps_set)
			return true;
	}
	return false;
}

static void
wait_for_end(struct verify *v, const sigset_t *signals)
{
	int number;

	while (sigwait(signals, &number) == 0 && number == SIGHUP)
		verify_reload(v);
}

static int
watch(const struct command_call *call, const struct verify_config *config)
{
	struct fail why = { 0 };
	sigset_t signals;
	struct verify *v;
	bool told;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	v = verify_new(config, &why);
	if (v == NULL)
		return command_fail(call, "%s", why.text);
	told = any_set(verify_get_sources(v));
	if (told)
		wait_for_end(v, &signals);
	verify_free(v);
	if (!told)
		return command_misuse(call,
		    "none of the sources tells of changes: it can only be "
		    "asked about one key");
	return command_flush(call);
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct watch w = { &formats[a->format.n], PTHREAD_MUTEX_INITIALIZER };
	struct verify_config config;
	int status;

	if (call->word_count != 0)
		return command_misuse(
		    call, "\"%s\" is not an option", call->words[0]);
	status = source_options_read(&a->sources, call, &config);
	if (status != 0)
		return status;
	source_options_follow(&a->sources, &config);
	config.context.interactive = false;
	config.context.last_good = NULL; /* the folder is the relay's */
	config.observer = (struct verify_observer){ tell, &w };
	status = watch(call, &config);
	verify_config_clear(&config);
	return status;
}

static const struct opts_row options[] = {
	SOURCE_OPTIONS_OF_ACCESS(struct arguments),
	{ "format", OPTS_CHOICE, offsetof(struct arguments, format), "FORMAT",
	    "" },
};

static const struct arguments defaults = {
	.sources = SOURCE_OPTIONS_DEFAULTS,
	.format = { .name = format_name },
};

const struct command cmd_watch = {
	.name = "watch",
	.summary = "tell of nodes that come, change and go",
	.arguments = "[options]",
	.text =
	    "Follows the sources and prints a line for each change: a node was "
	    "added,\nchanged, removed or has expired; a source has been "
	    "listed for the first time, is\nlost or is back, or its list is "
	    "doubted and looked at again. With --format json\neach line is an "
	    "object (schemas/verify-watch.schema.json). Ends on SIGINT and\n"
	    "SIGTERM; SIGHUP reads all sources again now.\n",
	.notes = "Exit status: 0 ended by a signal, 2 a source cannot be "
		 "used or followed.\n",
	.examples =
	    "  derpverify watch --socket /run/tailscale/tailscaled.sock\n"
	    "  derpverify watch --format json --nodes /etc/derper/nodes | jq "
	    ".event\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.more_options = source_options_of_kinds,
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
