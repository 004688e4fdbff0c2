"""A mesh as the chart starts it, in namespaces: chart.py FOLDER BIN

Run by 50-chart.sh in namespaces of its own. FOLDER/mesh.yaml is what helm made
for two nodes that everybody may use, FOLDER/members.yaml with a list of nodes;
BIN has our programs. Each relay is a process on a "node" (network namespace) of
its own and in a root of its own, with the arguments, variables, files, user,
groups and capabilities of the pod. Prints a line for each point shown.
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "relay"))
from relaytest import make_cert, wait_until  # noqa: E402

WORK, BIN = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def shown(text):
    print("chart: " + text, flush=True)


def run(*command, status=0):
    """Runs it, and returns its output; status None: however it ends."""
    done = subprocess.run([str(word) for word in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120, check=False)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))}: status "
                             f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def read(name):
    return (WORK / name).read_text(encoding="ascii")


def make_secrets(names):
    """What an administrator has put into the cluster, by Secret and key."""
    make_cert(str(WORK), "ca", "DNS:ca.example.com")
    make_cert(str(WORK), "tls", ",".join("DNS:" + name for name in names),
              str(WORK / "ca"))
    return {
        "derp-tls": {"tls.crt": read("tls.crt"), "tls.key": read("tls.key")},
        "derp-ca": {"ca.crt": read("ca.crt")},
        "derp-mesh": {"mesh.key": secrets.token_hex(32) + "\n"},
        "derp-nodes": {"nodes": f"nodekey:{secrets.token_hex(32)} node-a\n"},
    }


class Node:
    """A machine of the cluster: a network namespace with an address."""

    def __init__(self, name, number):
        self.name, self.address = name, f"10.99.0.{number}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"v{number}", "type", "veth", "peer", "name",
            "eth0", "netns", name)
        run("ip", "link", "set", f"v{number}", "master", "br0", "up")
        for words in (["addr", "add", self.address + "/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            run("ip", "-n", name, *words)


class Pod:
    """The pod of the chart on a node, as a process."""

    def __init__(self, workload, node, hosts, cluster):
        self.spec = workload["spec"]["template"]["spec"]
        self.container = self.spec["containers"][0]
        self.node, self.cluster = node, cluster
        self.root = WORK / "roots" / node.name
        self.process = None
        self.make_root(hosts)
        for mount in self.container["volumeMounts"]:
            self.mount(mount)

    def make_root(self, hosts):
        """This machine's programs and libraries, and an /etc of its own."""
        for name in ("usr", "dev", "proc"):
            (self.root / name).mkdir(parents=True)
            run("mount", "--rbind", "/" + name, self.root / name)
        for name in ("bin", "lib", "lib64", "sbin"):
            if os.path.islink("/" + name):
                (self.root / name).symlink_to("usr/" + name)
        (self.root / "etc").mkdir()
        shutil.copy("/etc/nsswitch.conf", self.root / "etc")
        (self.root / "etc/hosts").write_text(hosts, encoding="ascii")
        # the image's program has these file capabilities
        (self.root / "app").mkdir()
        shutil.copy(BIN / "derper", self.root / "app")
        run("setcap", "cap_net_bind_service,cap_dac_override=p",
            self.root / "app/derper")

    def group(self):
        return self.spec["securityContext"]["fsGroup"]

    def put(self, path, text, mode):
        path.write_text(text, encoding="ascii")
        os.chown(path, 0, self.group())
        os.chmod(path, mode)

    def mount(self, mount):
        """Fills the folder of a mount as kubelet does."""
        volume = next(v for v in self.spec["volumes"]
                      if v["name"] == mount["name"])
        folder = self.root / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True)
        if "secret" in volume:
            secret = volume["secret"]
            for key, text in self.cluster[secret["secretName"]].items():
                self.put(folder / key, text, secret.get("defaultMode", 0o644))
        elif "projected" in volume:
            for source in volume["projected"]["sources"]:
                for item in source["secret"]["items"]:
                    text = self.cluster[source["secret"]["name"]][item["key"]]
                    self.put(folder / item["path"], text,
                             volume["projected"]["defaultMode"])
        else:
            assert volume["emptyDir"] == {}, volume
            os.chown(folder, 0, self.group())
            os.chmod(folder, 0o2777)

    def variables(self):
        values = {"PATH": "/app"}
        for entry in self.container["env"]:
            if "value" in entry:
                values[entry["name"]] = entry["value"]
            else:
                assert entry["valueFrom"]["fieldRef"]["fieldPath"] == \
                    "spec.nodeName", entry
                values[entry["name"]] = self.node.name
        return values

    def command(self, words):
        """Words as the pod's user, with its rights, in its root."""
        context = self.spec["securityContext"]
        rights = self.container["securityContext"]["capabilities"]
        assert rights["drop"] == ["ALL"], rights
        bounds = ",".join(["-all"] + ["+" + name.lower()
                                      for name in rights.get("add", [])])
        variables = [f"{k}={v}" for k, v in self.variables().items()]
        return ["ip", "netns", "exec", self.node.name,
                "unshare", f"--root={self.root}", "/usr/bin/setpriv",
                f"--reuid={context['runAsUser']}",
                f"--regid={context['runAsGroup']}",
                f"--groups={context['fsGroup']}", f"--bounding-set={bounds}",
                "/usr/bin/env", "-i", *variables, *words]

    def arguments(self):
        """The container's, with $(NAME) replaced as kubelet does."""
        values = self.variables()
        return [re.sub(r"\$\((\w+)\)", lambda m: values[m.group(1)], word)
                for word in self.container["args"]]

    def start(self):
        self.log = open(self.root / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            self.command(["derper", *self.arguments()]), stderr=self.log)
        wait_until(self.is_alive, self.node.name + " to start")

    def text(self):
        return (self.root / "log").read_text(encoding="utf-8")

    def probe(self, name):
        """The exit status of one of the container's probes."""
        done = subprocess.run(self.command(
            self.container[name]["exec"]["command"]), timeout=60, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode

    def is_alive(self):
        if self.process.poll() is not None:
            raise AssertionError(self.text())
        return self.probe("startupProbe") == 0

    def end(self):
        """As the kubelet ends it: the hook, and SIGTERM if it is still there."""
        hook = self.container["lifecycle"]["preStop"]["exec"]["command"]
        run(*self.command(hook))
        status = self.process.wait(self.spec["terminationGracePeriodSeconds"])
        assert status == 0, (status, self.text())
        assert "drained, shutting down" in self.text(), self.text()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def workload_of(name):
    return next(d for d in yaml.safe_load_all(read(name))
                if d and d["kind"] in ("DaemonSet", "StatefulSet"))


@contextlib.contextmanager
def region(name, nodes, hosts, cluster):
    """The relays of a file that helm made, which end with the block."""
    workload = workload_of(name)
    pods = [Pod(workload, node, hosts, cluster) for node in nodes]
    try:
        for pod in pods:
            pod.start()
        yield pods
    except BaseException:
        for pod in pods:
            if pod.process:
                print(pod.text()[-3000:], file=sys.stderr)
        raise
    finally:
        for pod in pods:
            pod.kill()
            run("umount", "-R", pod.root / "usr", pod.root / "dev",
                pod.root / "proc")
        shutil.rmtree(WORK / "roots")


def write_map(nodes, names):
    relays = [{"Name": node.name, "RegionID": 900, "HostName": host,
               "IPv4": node.address, "IPv6": "none"}
              for node, host in zip(nodes, names)]
    text = {"Regions": {"900": {"RegionID": 900, "RegionCode": "demo",
                                "RegionName": "Demo", "Nodes": relays}}}
    (WORK / "map.json").write_text(json.dumps(text), encoding="ascii")


def probe():
    """What derpmap finds; of the addresses that there are."""
    report = json.loads(run(BIN / "derpmap", "probe", "--ca-file",
                            WORK / "ca.crt", "--format", "json",
                            WORK / "map.json", status=None))
    report["nodes"] = [v for v in report["nodes"] if v["address"]]
    return report


def is_mesh(report):
    return len(report["pairs"]) == 2 and all(
        pair["state"] == "good" for pair in report["pairs"])


def show_mesh(pods):
    report = {}

    def joined():
        report.update(probe())
        return is_mesh(report)

    wait_until(joined, "packets to cross between the relays")
    keys = {visit["server_key"] for visit in report["nodes"]}
    assert len(keys) == 2, keys
    for visit in report["nodes"]:
        for step in ("certificate", "relay", "stun", "port80"):
            assert visit["steps"][step]["state"] in ("good", "skipped"), visit
    shown("two relays with the pod's arguments, user 65532 and "
          "NET_BIND_SERVICE alone are a mesh: packets cross both ways "
          "(derpmap probe)")
    assert [pod.probe("livenessProbe") for pod in pods] == [0, 0]
    pods[0].end()
    assert pods[0].probe("livenessProbe") != 0
    assert pods[1].probe("readinessProbe") == 0
    shown("the preStop hook drains one and waits for its end; its probe then "
          "fails, the other's does not")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    run("ip", "link", "add", "br0", "type", "bridge")
    run("ip", "addr", "add", "10.99.0.254/24", "dev", "br0")
    run("ip", "link", "set", "br0", "up")
    nodes = [Node("fra-1", 1), Node("fra-2", 2)]
    names = [node.name + ".derp.example.com" for node in nodes]
    hosts = "127.0.0.1 localhost\n" + "".join(
        f"{node.address} {name}\n" for node, name in zip(nodes, names))
    cluster = make_secrets(names)
    write_map(nodes, names)
    with region("mesh.yaml", nodes, hosts, cluster) as pods:
        show_mesh(pods)
    with region("members.yaml", nodes, hosts, cluster):
        found = [visit["admission"] for visit in probe()["nodes"]]
        assert found == ["members", "members"], found
    shown("with the Secret of a node list, a key that is not in it is refused")


if __name__ == "__main__":
    main()
