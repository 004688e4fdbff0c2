/* Tests of the program derpverify: what it prints and how it exits. Its judging
 * is the engine's and is tested there. */
#include "unit/verify/engine.h"

#include "unit/http/http_stub.h"
#include "unit/verify/trace.h"

#include <jansson.h>
#include <libgen.h>
#include <signal.h>
#include <sys/wait.h>

#define HEAD "HTTP/1.1 200 OK\r\n\r\n"

/* The program, beside the folder of the tests in the build tree. */
static const char *
program(void)
{
	static char path[512];
	char self[400] = "";

	if (readlink("/proc/self/exe", self, sizeof self - 1) == -1)
		fail_msg("no /proc/self/exe");
	snprintf(path, sizeof path, "%s/../bin/derpverify", dirname(self));
	return path;
}

struct run {
	int status; /* exit status */
	char out[8192], err[4096];
};

static void
slurp(const char *name, char *to, size_t cap)
{
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", engine_dir(), name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(to, 1, cap - 1, f);
	to[n] = '\0';
	fclose(f);
}

/* Runs it with the arguments as a shell reads them. */
__attribute__((format(printf, 2, 3))) static void
run(struct run *r, const char *fmt, ...)
{
	char arguments[2048], line[4096];
	va_list args;
	int status;

	va_start(args, fmt);
	vsnprintf(arguments, sizeof arguments, fmt, args);
	va_end(args);
	snprintf(line, sizeof line, "cd %s && { %s %s; } >out 2>err",
	    engine_dir(), program(), arguments);
	status = system(line);
	check(WIFEXITED(status));
	r->status = WEXITSTATUS(status);
	slurp("out", r->out, sizeof r->out);
	slurp("err", r->err, sizeof r->err);
}

/* What was printed fits the schema. */
static void
check_schema(const char *name)
{
	char line[1024];

	snprintf(line, sizeof line,
	    "python3 -W ignore -m jsonschema -i %s/out " TESTS_DIR
	    "/../schemas/%s.schema.json",
	    engine_dir(), name);
	check_int(system(line), 0);
}

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", engine_dir(), name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* nodes: key 1 as alice, key 2 expired. */
static void
write_nodes(void)
{
	char text[512], one[DERP_KEY_TEXT];

	snprintf(one, sizeof one, "%s", engine_key_text(1));
	snprintf(text, sizeof text,
	    "[{\"node_key\":\"%s\",\"name\":\"alice\"},"
	    "{\"node_key\":\"%s\",\"expiry\":{\"seconds\":1}}]",
	    one, engine_key_text(2));
	write_file("nodes", text);
}

static void
derpverify_checks_against_a_list(void **state)
{
	struct run r;
	char one[DERP_KEY_TEXT], two[DERP_KEY_TEXT], want[1024];

	(void)state;
	write_nodes();
	snprintf(one, sizeof one, "%s", engine_key_text(1));
	snprintf(two, sizeof two, "%s", engine_key_text(2));
	run(&r, "check --nodes nodes %s", one);
	check_int(r.status, 0);
	snprintf(
	    want, sizeof want, "allow   %s  alice in node list nodes\n", one);
	check_text(r.out, want);
	check_text(r.err, "");
	/* without the prefix, the option behind the key */
	run(&r, "check %s -nodes=nodes", one + strlen("nodekey:"));
	check_int(r.status, 0);
	run(&r, "check --nodes nodes %s %s", one, two);
	check_int(r.status, 1);
	check_contains(r.out, "deny    ");
	check_contains(r.out, "(expired 1970-01-01T00:00:01Z in node list");
	run(&r, "check --nodes nodes nonsense %s", one);
	check_int(r.status, 2);
	check_contains(r.err, "\"nonsense\" is not a valid node key");
	check_text(r.out, want); /* the good key has its answer all the same */
}

static void
derpverify_asks_every_source_of_a_kind(void **state)
{
	char one[DERP_KEY_TEXT];
	struct run r;

	(void)state;
	snprintf(one, sizeof one, "%s", engine_key_text(1));
	write_nodes();
	write_file("again", engine_key_text(9));
	run(&r, "check --nodes nodes --nodes again %s", one);
	check_int(r.status, 1);
	check_contains(r.out, "not in node list again");
	run(&r, "check --nodes again --nodes nodes %s", one);
	check_int(r.status, 1);
	run(&r, "check --policy any --nodes nodes --nodes again %s", one);
	check_int(r.status, 0);
	run(&r, "check --policy some --nodes nodes %s", one);
	check_int(r.status, 2);
	check_contains(r.err, "--policy is all or any, not some");
	/* an empty name is not "no source": that would allow everybody */
	run(&r, "check --nodes '' %s", one);
	check_int(r.status, 2);
	check_contains(r.err, "the FILE is empty");
}

static void
derpverify_reads_keys_from_standard_input(void **state)
{
	char one[DERP_KEY_TEXT], text[512];
	struct run r;

	(void)state;
	snprintf(one, sizeof one, "%s", engine_key_text(1));
	write_nodes();
	write_file("keys", "# mine\n\n");
	/* no key is not "all are allowed" */
	run(&r, "check --nodes nodes - < keys");
	check_int(r.status, 2);
	check_contains(r.err, "standard input has no keys");
	check_text(r.out, "");
	snprintf(text, sizeof text, "# mine\n%s\talice # x\n\n%s", one,
	    engine_key_text(9));
	write_file("keys", text);
	run(&r, "check --nodes nodes - < keys");
	check_int(r.status, 1);
	check_contains(r.out, "allow   ");
	check_contains(r.out, one);
	check_contains(r.out, engine_key_text(9)); /* without a newline */
}

static void
derpverify_asks_a_url(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = HEAD "{\"Allow\":false}" },
	};
	struct run r;

	(void)state;
	http_stub_open(&stub);
	run(&r, "check --url %s %s", stub.url, engine_key_text(1));
	check_int(r.status, 1);
	check_contains(r.out, "admission controller: nodekey:");
	http_stub_close(&stub);
	stub = (struct http_stub){
		.reply = { .bytes = "HTTP/1.1 404 Not Found\r\n\r\n" },
	};
	http_stub_open(&stub);
	run(&r, "check --url %s --fail-open %s", stub.url, engine_key_text(1));
	check_int(r.status, 2);
	check_contains(r.out, "unknown ");
	check_contains(r.out, "admission controller: 404 Not Found");
	http_stub_close(&stub);
	run(&r, "check --url %s %s", stub.url, engine_key_text(1));
	check_int(r.status, 2);
	check_contains(r.out, "connection refused");
	run(&r, "check --url %s --fail-open %s", stub.url, engine_key_text(1));
	check_int(r.status, 0);
	check_contains(r.out, "which allows everybody");
}

static void
derpverify_asks_a_socket(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = HEAD "{\"Node\":{\"Name\":\"a.\"}}" },
	};
	char path[108];
	struct run r;

	(void)state;
	snprintf(path, sizeof path, "%s/sock", engine_dir());
	http_stub_open_unix(&stub, path);
	run(&r, "check --socket sock %s", engine_key_text(1));
	check_int(r.status, 0);
	check_contains(r.out, "a. known to local tailscaled\n");
	http_stub_close(&stub);
	run(&r, "check --socket sock %s", engine_key_text(1));
	check_int(r.status, 2);
	check_contains(r.out, "cannot connect to sock: no such file");
}

static void
derpverify_prints_json(void **state)
{
	const char *key, *verdict, *reason;
	int fail_open;
	json_t *root;
	struct run r;

	(void)state;
	write_nodes();
	run(&r, "check --nodes nodes --format json %s", engine_key_text(9));
	check_int(r.status, 1);
	root = json_loads(r.out, 0, NULL);
	check_int(json_unpack(root, "{s:[{s:s, s:s, s:s, s:b !}!]!}", "answers",
		      "key", &key, "verdict", &verdict, "reason", &reason,
		      "fail_open", &fail_open),
	    0);
	check_text(key, engine_key_text(9));
	check_text(verdict, "deny");
	check_contains(reason, "not in node list nodes");
	check_int(fail_open, 0);
	json_decref(root);
	check_schema("verify-check");
}

/* Every source has its say, also behind one that denies. */
static void
derpverify_explains(void **state)
{
	char one[DERP_KEY_TEXT];
	struct run r;

	(void)state;
	write_nodes();
	snprintf(one, sizeof one, "%s", engine_key_text(1));
	write_file("again", engine_key_text(9));
	run(&r, "explain --nodes again --nodes nodes %s", one);
	check_int(r.status, 1);
	check_contains(r.out, "deny    nodes again (");
	check_contains(r.out, " ms)\n        peer nodekey:");
	check_contains(r.out, "allow   nodes nodes (");
	check_contains(r.out, "        alice in node list nodes\n");
	check_contains(r.out, "\ndeny    by policy all\n");
	run(&r, "explain --policy any --nodes again --nodes nodes %s", one);
	check_int(r.status, 0);
	check_contains(r.out, "\nallow   by policy any\n");
	run(&r,
	    "explain --nodes nodes --url http://127.0.0.1:1/ --fail-open %s",
	    one);
	check_int(r.status, 0);
	check_contains(r.out, "policy all, because an outage admits everybody");
	run(&r, "explain --url http://relay:SECRET@127.0.0.1:1/ %s", one);
	check_contains(r.out, "unknown url http://127.0.0.1:1 (");
	check_null(strstr(r.out, "SECRET"));
	run(&r, "explain --url https://relay:SECRET@h:99999/ %s", one);
	check_contains(r.err, "URL https://h:99999: is not a URL");
	run(&r, "explain --nodes nodes");
	check_int(r.status, 2);
	check_contains(r.err, "name one key");
	run(&r, "explain %s", one);
	check_int(r.status, 2);
	check_contains(r.err, "name a source: --socket --url --nodes");
}

static void
derpverify_lists(void **state)
{
	char one[DERP_KEY_TEXT], want[1024];
	struct run r;

	(void)state;
	write_nodes();
	snprintf(one, sizeof one, "%s", engine_key_text(1));
	snprintf(want, sizeof want,
	    "%s alice\n# expired 1970-01-01T00:00:01Z: %s\n", one,
	    engine_key_text(2));
	run(&r, "list nodes");
	check_int(r.status, 0);
	check_text(r.out, want);
	run(&r, "list - < nodes");
	check_int(r.status, 0);
	check_text(r.out, want);
	/* what it prints is a list, without the expired */
	write_file("again", want);
	run(&r, "list again");
	check_int(r.status, 0);
	snprintf(want, sizeof want, "%s alice\n", one);
	check_text(r.out, want);
	run(&r, "list --format json nodes");
	check_int(r.status, 0);
	check_contains(r.out, "\"expiry\": \"1970-01-01T00:00:01Z\"");
	check_schema("verify-list");
	/* a producer that failed writes nothing: that is not an empty list */
	run(&r, "list - < /dev/null");
	check_int(r.status, 2);
	check_contains(r.err, "standard input is empty");
	check_text(r.out, "");
	run(&r, "list --allow-empty - < /dev/null");
	check_int(r.status, 0);
	write_file("again", "[]\n");
	run(&r, "list - < again");
	check_int(r.status, 0);
	write_file("again", "\nnodekey:1\n");
	run(&r, "list again");
	check_int(r.status, 2);
	check_contains(r.err, "derpverify: again:2: \"nodekey:1\" is not");
	check_text(r.out, "");
}

static void
derpverify_tells_how_it_is_used(void **state)
{
	static const struct {
		const char *words;
		int status;
		const char *out, *err;
	} cases[] = {
		{ "", 2, "", "usage: derpverify COMMAND" },
		{ "--help", 0, "usage: derpverify COMMAND", "" },
		{ "--version", 0, "derpverify ", "" },
		{ "check --help", 0, "examples:", "" },
		{ "list -h", 0, "examples:", "" },
		{ "chekc", 2, "", "no command \"chekc\"" },
		{ "check", 2, "", "name a source" },
		{ "check --nodes nodes", 2, "", "name a key" },
		{ "check --nodes missing x", 2, "",
		    "missing: cannot open: No such file" },
		{ "check --bad x", 2, "", "not defined: -bad" },
		{ "check --nodes nodes --format xml x", 2, "", "text or json" },
		{ "list", 2, "", "name one file" },
		{ "list a b", 2, "", "name one file" },
		{ "list nodes > /dev/full", 2, "", "cannot write" },
	};

	(void)state;
	write_nodes();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct run r;

		run(&r, "%s", cases[i].words);
		if (r.status != cases[i].status ||
		    strstr(r.out, cases[i].out) == NULL ||
		    strstr(r.err, cases[i].err) == NULL)
			fail_msg("%s: exit %d\n%s%s", cases[i].words, r.status,
			    r.out, r.err);
	}
}

/* Ends with the signal, and the program that it runs does, too. */
static void
check_interrupt(const char *command, int number)
{
	char path[128], words[512];
	const int trace = trace_open(path, sizeof path);
	pid_t pid;
	int status;

	snprintf(words, sizeof words,
	    "/bin/sh -c exec\\ 3>%s;echo\\ up>&3;sleep\\ 1000", path);
	pid = fork();
	if (pid == 0) {
		execl(program(), "derpverify", command, "--command", words,
		    strcmp(command, "list") == 0 ? NULL : engine_key_text(1),
		    NULL);
		_exit(99);
	}
	trace_await_begin(trace);
	check_int(kill(pid, number), 0);
	check_int(waitpid(pid, &status, 0), pid);
	check(WIFSIGNALED(status));
	check_int(WTERMSIG(status), number);
	trace_await_end(trace);
}

static void
derpverify_takes_its_programs_with_it(void **state)
{
	(void)state;
	check_interrupt("list", SIGTERM);
	check_interrupt("check", SIGINT);
	check_interrupt("explain", SIGHUP);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){
	    "nodes", "again", "keys", "out", "err", "sock", "trace", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derpverify_checks_against_a_list),
		cmocka_unit_test(derpverify_asks_every_source_of_a_kind),
		cmocka_unit_test(derpverify_reads_keys_from_standard_input),
		cmocka_unit_test(derpverify_asks_a_url),
		cmocka_unit_test(derpverify_asks_a_socket),
		cmocka_unit_test(derpverify_prints_json),
		cmocka_unit_test(derpverify_explains),
		cmocka_unit_test(derpverify_lists),
		cmocka_unit_test(derpverify_tells_how_it_is_used),
		cmocka_unit_test(derpverify_takes_its_programs_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
