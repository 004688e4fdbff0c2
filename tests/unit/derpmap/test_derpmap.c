/* Tests of the program derpmap, commands convert and generate: what goes where,
 * and how it exits. */
#include "check.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/test_derpmap.XXXXXX";

struct run {
	int status;
	char out[8192], err[4096];
};

/* The program, beside the folder of the tests in the build tree. */
static const char *
program(void)
{
	static char path[512];
	char self[400] = "";

	if (readlink("/proc/self/exe", self, sizeof self - 1) == -1)
		fail_msg("no /proc/self/exe");
	snprintf(path, sizeof path, "%s/../bin/derpmap", dirname(self));
	return path;
}

static void
slurp(const char *name, char *to, size_t cap)
{
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(to, 1, cap - 1, f);
	to[n] = '\0';
	fclose(f);
}

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Runs it in the folder, with the arguments as a shell reads them. */
static void
run(struct run *r, const char *arguments)
{
	char line[2048];
	int status;

	snprintf(line, sizeof line, "cd %s && { %s %s; } >out 2>err", dir,
	    program(), arguments);
	status = system(line);
	check(WIFEXITED(status));
	r->status = WEXITSTATUS(status);
	slurp("out", r->out, sizeof r->out);
	slurp("err", r->err, sizeof r->err);
}

/* A step that is not the program's; it must succeed. */
static void
shell(const char *step)
{
	char line[2048];

	snprintf(line, sizeof line, "cd %s && %s", dir, step);
	check_int(system(line), 0);
}

static void
expect(const char *arguments, int status, const char *out, const char *err)
{
	struct run r;

	run(&r, arguments);
	check_int(r.status, status);
	if (out[0] == '\0')
		check_text(r.out, "");
	check_contains(r.out, out);
	if (err[0] == '\0')
		check_text(r.err, "");
	check_contains(r.err, err);
}

static void
derpmap_explains_itself(void **state)
{
	(void)state;
	expect("", 2, "", "commands:");
	expect("--help", 0, "  generate  ", "");
	expect("-h", 0, "commands:", "");
	expect("--version", 0, "derpmap ", "");
	expect("paint", 2, "", "no command \"paint\"");
	expect("convert --help", 0, "examples:\n", "");
	expect("help convert", 0, "usage: derpmap convert ", "");
	expect("--help generate", 0, "usage: derpmap generate ", "");
	expect("help paint", 2, "", "no command \"paint\"");
	/* one line, with what may be meant */
	expect(
	    "paint", 2, "", "no command \"paint\"; derpmap help lists them\n");
	expect("lnit", 2, "",
	    "derpmap: no command \"lnit\" (did you mean lint?); derpmap help "
	    "lists them\n");
	expect("lint --sevrity x", 2, "", "(did you mean -severity?)");
	expect("generate --help", 0, "-from-derper", "");
	expect("convert", 2, "", "one FILE");
	expect("convert a b", 2, "", "one FILE");
	expect("convert --from xml a", 2, "", "--from is headscale or json");
	expect(
	    "convert --to xml a", 2, "", "--to is headscale, json or policy");
	expect("convert --colour a", 2, "", "not defined: -colour");
	expect("generate --hostname a.net b", 2, "", "nothing is read from b");
	expect("generate --hostname a.net --format xml", 2, "", "--format is");
}

static void
derpmap_converts_both_ways(void **state)
{
	(void)state;
	put("a.yaml", "regions: {900: {regionid: 900}}\n");
	expect("convert a.yaml", 0, "\"RegionID\": 900",
	    "a.yaml: read as headscale YAML\n");
	expect("convert --from headscale a.yaml", 0, "\"RegionID\": 900", "");
	expect("convert a.yaml --to headscale --from headscale", 0,
	    "regionid: 900", "");
	expect("convert --from headscale a.yaml | cat >a.json", 0, "", "");
	expect("convert a.json", 0, "regionid: 900",
	    "a.json: read as a JSON map\n");
	expect("convert - <a.json", 0, "regionid: 900", "stdin: read as");
	expect("convert --from json --to json a.json", 0, "\"RegionID\"", "");
}

static void
derpmap_refuses_with_the_place(void **state)
{
	(void)state;
	put("bad.yaml",
	    "regions:\n  900:\n    nodes:\n    - derpport: '1'\n"
	    "    - stunonly: 1\n");
	expect("convert --from headscale bad.yaml", 2, "",
	    "bad.yaml:4:17: derpport must be a number");
	expect("convert --from headscale bad.yaml", 2, "",
	    "\nbad.yaml:5:17: stunonly must be true or false");
	put("tab.yaml", "regions:\n\t900: {}\n");
	expect("convert tab.yaml", 2, "", "tab.yaml:2:1: a tab");
	put("nan.yaml", "regions: {900: {latitude: .nan}}\n");
	expect("convert --from headscale nan.yaml", 2, "",
	    "nan.yaml:1:27: Latitude is not a number");
	expect(
	    "convert --from headscale --to headscale nan.yaml", 0, ".nan", "");
	put("bad.json", "{\"Regions\":{\"x\":{}}}\n");
	expect("convert bad.json", 2, "", "bad.json:1:13: a region's key");
	expect("convert missing", 2, "", "missing: No such file");
	expect("convert .", 2, "", ".: Is a directory");
	expect("convert a.yaml >/dev/full", 2, "", "No space left");
}

static void
derpmap_tells_what_is_lost(void **state)
{
	(void)state;
	put("two.yaml", "regions: {}\n---\nregions: {900: {}}\n");
	expect("convert --from headscale two.yaml", 0, "{}",
	    "two.yaml:2:1: only the first document");
	put("tail.yaml", "{regions: {}} tail\n");
	expect("convert --from headscale tail.yaml", 0, "{}",
	    "tail.yaml:1:15: what follows");
	put("none.json", "{\"HomeParams\":{}}");
	expect("convert none.json", 2, "", "there is no region in it");
	expect("convert --from json none.json", 0, "homeparams: {}",
	    "there is no region in this map");
	put("home.json",
	    "{\"HomeParams\":{},\"omitDefaultRegions\":true,"
	    "\"Regions\":{\"900\":{\"RegionID\":900}}}");
	expect("convert home.json", 0, "omitdefaultregions: true",
	    "home.json: headscale will ignore homeparams");
	expect("convert home.json", 0, "homeparams: {}",
	    "headscale will ignore omitdefaultregions");
}

static void
derpmap_generates_what_lints_clean(void **state)
{
	(void)state;
	expect("generate --hostname relay.a.net", 0,
	    "hostname: \"relay.a.net\"", "");
	expect(
	    "generate --hostname relay.a.net --region-id 950 --ipv4 198.51.0.7 "
	    "--ipv6 none --derp-port 8443 --stun-port 3479 "
	    "--region-code 010 --region-name 'A: b' --can-port80 -o g.yaml",
	    0, "", "");
	expect("lint g.yaml >lint 2>&1", 0, "", "");
	expect("convert --from headscale g.yaml", 0, "\"RegionCode\": \"010\"",
	    "");
	expect("generate --hostname relay.a.net --format json -o g.json", 0, "",
	    "");
	expect("lint g.json >lint 2>&1", 0, "", "");
	expect("generate --hostname relay.a.net -o n.json && cmp n.json g.json",
	    0, "", "");
	expect(
	    "generate --hostname relay.a.net --format headscale -o y.json && "
	    "grep -q ^regions: y.json",
	    0, "", "");
	expect(
	    "convert --from json --to json g.json | cmp - g.json", 0, "", "");
	/* what only lint knows to be wrong */
	expect("generate --hostname relay.a.net --ipv4 100.64.0.1", 2, "",
	    "[A08]");
	expect("generate", 2, "", "--hostname is needed");
}

static void
derpmap_generates_from_a_derper(void **state)
{
	char map[1024];

	(void)state;
	shell("mkdir certs && openssl req -x509 -newkey ec -pkeyopt "
	      "ec_paramgen_curve:P-256 -nodes -keyout k.pem -out "
	      "certs/198.51.0.7.crt -subj /CN=x "
	      "-addext subjectAltName=IP:198.51.0.7 2>key.err");
	expect("generate --from-derper --hostname 198.51.0.7 --certdir certs "
	       "--a :8443 -o derp.yaml",
	    0, "", "");
	expect("lint derp.yaml >lint 2>&1", 0, "", "");
	shell("openssl x509 -in certs/198.51.0.7.crt -outform der | sha256sum |"
	      " sed 's/\\(.\\{64\\}\\).*/sha256-raw:\\1/' >pin &&"
	      " grep -q -F -f pin derp.yaml");
	slurp("derp.yaml", map, sizeof map);
	check_contains(map, "derpport: 8443");
	check_contains(map, "ipv4: \"198.51.0.7\"");
	expect("generate --from-derper --hostname other.net --certdir certs", 2,
	    "", "certs/other.net.crt");
	/* what clients will refuse does not go into a map */
	shell("cp certs/198.51.0.7.crt certs/b.net.crt");
	expect("generate --from-derper --hostname b.net --certdir certs", 2, "",
	    "is not for b.net");
	shell("openssl genpkey -algorithm ed25519 -out certs/198.51.0.7.key");
	expect("generate --from-derper --hostname 198.51.0.7 --certdir certs",
	    2, "", "does not belong to certificate");
	shell("rm certs/198.51.0.7.key && openssl x509 -in "
	      "certs/198.51.0.7.crt -signkey k.pem -days -1 -out old 2>err &&"
	      " mv old certs/198.51.0.7.crt");
	expect("generate --from-derper --hostname 198.51.0.7 --certdir certs",
	    2, "", "is expired: clients reject it");
	expect("generate --from-derper --hostname a.net", 2, "",
	    "needs --certdir");
	expect("generate --hostname a.net --certdir certs", 2, "",
	    "goes with --from-derper");
	expect("generate --from-derper --certdir certs", 2, "",
	    "needs --hostname");
	expect("generate --hostname a.net --a 443", 2, "", "--a 443");
}

static void
derpmap_writes_whole_files(void **state)
{
	char path[128];
	struct stat st;

	(void)state;
	put("old.yaml", "old");
	expect("generate --hostname relay.a.net --ipv4 x -o old.yaml", 2, "",
	    "--ipv4");
	slurp("old.yaml", path, sizeof path);
	check_text(path, "old");
	expect("generate --hostname relay.a.net -o old.yaml", 0, "", "");
	snprintf(path, sizeof path, "%s/old.yaml", dir);
	check_int(stat(path, &st), 0);
	check_int(st.st_mode & 0777, 0644);
	expect("generate --hostname relay.a.net -o no/such/file", 2, "",
	    "no/such/file");
	expect("generate --hostname relay.a.net -o .", 2, "", ".: ");
	shell("! ls | grep yaml.");
}

static int
make_dir(void **state)
{
	(void)state;
	umask(022);
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
remove_dir(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof line, "rm -rf %s", dir);
	return system(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derpmap_explains_itself),
		cmocka_unit_test(derpmap_converts_both_ways),
		cmocka_unit_test(derpmap_refuses_with_the_place),
		cmocka_unit_test(derpmap_tells_what_is_lost),
		cmocka_unit_test(derpmap_generates_what_lints_clean),
		cmocka_unit_test(derpmap_generates_from_a_derper),
		cmocka_unit_test(derpmap_writes_whole_files),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
