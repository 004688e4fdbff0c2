"""The images at work, in namespaces of their own: image.py FOLDER

Run by 40-image.sh, which has built them into the storage that the environment
names; FOLDER is its working folder, with a virtual environment in it. Prints a
line for each point shown. Exit status: 0; 77 and the reason where containers
cannot be run; 1.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "relay"), str(HERE.parent / "bench")]
import tailnet  # noqa: E402
from relaytest import make_cert, wait_until  # noqa: E402

NAME = "derp.example.com"  # as in examples/compose.yaml
TLS, STUN = 23479, 3478
BASE = "docker.io/library/debian:bookworm-slim"  # 40-image.sh has made it
SIZE_MAX = 35_000_000  # bytes of an image
STRICT = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"]
PING_S = 90
COPY_S = 300  # a container of the base: where overlays cannot be, a copy
PEERS = os.path.abspath(os.environ.get("DERPKIT_PEERS", ROOT / "build/peers"))
SOCKET = "/run/tailscale/tailscaled.sock"


def shown(text):
    print("image: " + text, flush=True)


def run(*command, status=0, **options):
    """Runs it, and returns what it wrote; it must end with that status."""
    done = subprocess.run([str(word) for word in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=180, check=False, **options)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))}: status "
                             f"{done.returncode}, want {status}\n"
                             f"{done.stdout}{done.stderr}"[-6000:])
    return done.stdout + done.stderr


def want(pattern, text, what):
    found = re.search(pattern, text)
    if not found:
        raise AssertionError(f"{what}: {pattern} is not in:\n{text[-4000:]}")
    return found


class Place:
    """Where tailscaled runs: here."""

    @staticmethod
    def command(*words):
        return list(words)


def attempt(what, *words):
    """Ends with 77 where podman cannot do that here."""
    done = subprocess.run(["podman", *words], capture_output=True, text=True,
                          timeout=COPY_S, check=False)
    if done.returncode != 0:
        print(f"SKIPPED: podman cannot {what} here: "
              + (done.stderr.strip().splitlines() or ["?"])[-1])
        sys.exit(77)


def need(what, *words):
    """Ends with 77 where Debian's own image cannot be run in that way."""
    attempt("run " + what, "run", "--rm", *words, BASE, "true")


def look_at(image):
    """Size, user, and that there is neither a shell nor another program."""
    facts = json.loads(run("podman", "image", "inspect", image))[0]
    assert facts["Size"] <= SIZE_MAX, f"{image} has {facts['Size']} bytes"
    user = facts["Config"]["User"]
    assert user == "65532:65532", user
    folder = run("podman", "image", "mount", image).strip()
    try:
        programs = sorted(os.listdir(folder + "/usr/bin"))
        others = [path for path in pathlib.Path(folder).rglob("*")
                  if path.is_file() and not path.is_symlink()
                  and path.stat().st_mode & 0o111
                  and path.parent.name != "bin" and ".so" not in path.name]
        set_id = [path for path in pathlib.Path(folder).rglob("*")
                  if path.is_file() and path.stat().st_mode & 0o6000]
    finally:
        run("podman", "image", "unmount", image)
    assert not others and not set_id, (others, set_id)
    shown(f"{image}: {facts['Size'] / 1e6:.1f} MB, user {user}, "
          f"programs: {' '.join(programs)}")
    return facts["Config"], programs


def try_derpmap(work):
    maps = work / "maps"
    maps.mkdir()
    shutil.copy(ROOT / "examples/derp.yaml", maps)
    (maps / "bad.yaml").write_text("regions:\n  900:\n    regionId: 1\n")
    base = ["podman", "run", "--rm", *STRICT, "--network=none", "-v",
            f"{maps}:/maps:ro", "localhost/derpmap"]
    run(*base, "lint", "derp.yaml")
    want("error", run(*base, "lint", "bad.yaml", status=1), "a bad map")
    shown("derpmap lints a mounted map: read-only, without capabilities, "
          "without network")


def healthy(name):
    try:
        return subprocess.run(["podman", "healthcheck", "run", name],
                              capture_output=True, timeout=60,
                              check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextlib.contextmanager
def container(name, *words):
    """A relay that runs until the block ends, and then stops as told."""
    run("podman", "run", "-d", "--name", name, *words)
    try:
        wait_until(lambda: healthy(name), name + " to be healthy")
        yield
    except BaseException:
        print(run("podman", "logs", name), file=sys.stderr)
        raise
    finally:
        run("podman", "stop", "-t", "20", name)
        code = run("podman", "inspect", "--format", "{{.State.ExitCode}}", name)
        run("podman", "rm", name)
    assert code.strip() == "0", f"{name} ended with {code}"


def try_strict():
    """What a careful administrator sets; and the key outlives a container."""
    options = [*STRICT, "-v", "relay-key:/var/lib/derper", "-v",
               "relay-cert:/cert", "-e", "DERP_DOMAIN=127.0.0.1", "-e",
               "DERP_CERT_MODE=manual", "-e", "DERP_ADDR=127.0.0.1:8443", "-e",
               "DERP_HTTP_PORT=-1", "-e", "DERP_STUN_PORT=3479",
               "localhost/derper"]
    seen = []
    for turn in ("first", "second"):
        with container("strict", *options):
            log = run("podman", "logs", "strict")
            pin = want(r"sha256-raw:[0-9a-f]{64}", log, "the pin").group(0)
            status = json.loads(run("podman", "exec", "strict", "derper",
                                    "status", "--json"))
            visit = probe("--url", "https://127.0.0.1:8443", "--cert-name",
                          pin, "--stun-port", "3479")
            steps_good(visit, "certificate", "relay", "stun")
            assert visit["server_key"] == status["public_key"], status
            seen.append((pin, status["public_key"]))
            if turn == "first":
                shown("derper runs read-only, without capabilities and new "
                      "privileges: HEALTHCHECK, derper status, and derpmap "
                      "probe, which relays between two clients")
    assert seen[0] == seen[1], seen
    shown("its key and self-signed certificate stay in the volumes")


def probe(*words):
    """What derpmap finds, from a container of its own, of one relay."""
    done = subprocess.run(
        ["podman", "run", "--rm", *STRICT, "-v", f"{sys.argv[1]}/maps:/maps:ro",
         "localhost/derpmap", "probe", "--format", "json", *words],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    visits = [v for v in json.loads(done.stdout)["nodes"] if v["address"]]
    assert len(visits) == 1, done.stdout
    return visits[0]


def steps_good(visit, *names, states=("good",)):
    for name in names:
        assert visit["steps"][name]["state"] in states, (name, visit)


def need_bridge():
    """What compose makes for its containers."""
    attempt("make a network", "network", "create", "try")
    need("a container with a network of its own", "--network=try", "-p",
         "1234:1234")
    run("podman", "network", "rm", "-f", "try")


def make_folder(work):
    """The compose file as it is, beside a certificate that root keeps."""
    folder = work / "compose"
    (folder / "cert").mkdir(parents=True)
    shutil.copy(ROOT / "examples/compose.yaml", folder)
    make_cert(str(work), "ca", "DNS:ca.example.com")
    make_cert(str(folder / "cert"), NAME, f"DNS:{NAME}", str(work / "ca"))
    os.chmod(folder / "cert" / (NAME + ".key"), 0o600)
    os.chmod(folder / "cert", 0o700)
    return folder


def derp_map():
    node = {"Name": "901a", "RegionID": 901, "HostName": NAME, "IPv4":
            "127.0.0.1", "IPv6": "none", "DERPPort": TLS, "STUNPort": STUN}
    return {"Regions": {"901": {
        "RegionID": 901, "RegionCode": tailnet.CODE, "RegionName": "Compose",
        "Nodes": [node]}}}


def members(stack, work, map_file):
    """Two real tailscaleds; the socket of the first is where it always is."""
    os.environ["SSL_CERT_FILE"] = str(work / "ca.crt")
    control = stack.enter_context(tailnet.Child(
        [os.path.join(PEERS, "control"), "127.0.0.1:0", str(map_file),
         tailnet.AUTH_KEY], stdout=subprocess.PIPE))
    url = control.line()
    os.mkdir("/run/tailscale")
    folder = work / "nodes"
    folder.mkdir()
    nodes = [tailnet.Node(stack, PEERS, Place, "node-a", str(folder), SOCKET),
             tailnet.Node(stack, PEERS, Place, "node-b", str(folder), None,
                          tailnet.SOCKS_PORT + 1)]
    for node in nodes:
        node.join(url)
    return nodes


def page():
    """The home page, as a browser shows it."""
    return run("chromium", "--headless", "--no-sandbox", "--disable-gpu",
               "--ignore-certificate-errors", "--virtual-time-budget=5000",
               f"--host-resolver-rules=MAP {NAME} 127.0.0.1", "--dump-dom",
               f"https://{NAME}:{TLS}/", env={**os.environ, "HOME": "/run"})


def compose(work, folder, *words):
    return run(work / "venv/bin/podman-compose", *words, cwd=folder)


def try_compose(work):
    need_bridge()
    folder = make_folder(work)
    map_file = work / "maps/derp.json"
    map_file.write_text(json.dumps(derp_map()))
    shutil.copy(work / "ca.crt", work / "maps/ca.crt")
    with contextlib.ExitStack() as stack:
        a, b = members(stack, work, map_file)
        compose(work, folder, "up", "-d")
        try:
            wait_until(lambda: healthy("derper"), "the relay to be healthy")
            shown("podman-compose up -d: derper is healthy, its key of mode "
                  "0600 is root's, port 80 is bound")
            check_compose(a, b)
        except BaseException:
            print(run("podman", "logs", "derper"), file=sys.stderr)
            raise
        finally:
            compose(work, folder, "down")


def check_compose(a, b):
    want("DERP", page(), "the home page")
    shown("Chromium shows the home page")
    a.knows(b)
    b.knows(a)
    for one, other in ((a, b), (b, a)):
        address = other.address()
        # one is lost where the other is not at the relay yet
        tailnet.wait_for("a ping", PING_S, lambda: one.ping(
            address, "disco").get("DERPRegionCode") == tailnet.CODE)
    shown("two real tailscaleds ping each other by way of it, verified by the "
          "mounted socket")
    visit = probe("--ca-file", "ca.crt", "derp.json")
    steps_good(visit, "certificate", "latency_check")
    # odd: behind a bridge it tells the bridge's address
    steps_good(visit, "stun", states=("good", "odd"))
    assert visit["admission"] == "members", visit
    wait_until(lambda: "not authorized (not found in local tailscaled)"
               in run("podman", "logs", "derper"), "the log")
    shown("derpmap probe: STUN answers, a key that tailscaled does not know is "
          "refused")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = pathlib.Path(sys.argv[1])
    need("a container")
    shown("podman runs it: "
          + run("podman", "run", "--rm", "localhost/derpmap", "--version").strip())
    config, programs = look_at("localhost/derper")
    assert programs == ["derper", "derpverify"], programs
    assert set(config["Volumes"]) == {"/cert", "/var/lib/derper"}, config
    _, programs = look_at("localhost/derpmap")
    assert programs == ["derpmap"], programs
    try_derpmap(work)
    try_strict()
    try_compose(work)


if __name__ == "__main__":
    main()
