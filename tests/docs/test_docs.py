#!/usr/bin/env python3
"""What the documents show, against the programs: options exist, files are
there, maps and configurations are good, alerts and findings of a probe have a
row each.

    test_docs.py BIN    BIN is the folder with the programs
"""

import functools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import jsonschema

from documents import PAGES, ROOT, blocks, prose

BIN = os.path.abspath(sys.argv.pop(1))
PROGRAMS = ("derper", "derpmap", "derpverify")
RUN_BY = {"derper": ("status", "close", "reload", "drain", "doctor")}
NAMES_OF_FILES = re.compile(
    r"(?<![\w/.-])((?:schemas|examples|tests|lib|verify|derper|derpmap|man|docs)/[\w./-]*\w)")


def run(program, *words, **options):
    return subprocess.run([os.path.join(BIN, program), *words], check=False, timeout=60,
                          capture_output=True, text=True, **options)


@functools.lru_cache(None)
def help_of(*words):
    done = run(*words, "-h")
    return done.stdout + done.stderr


@functools.lru_cache(None)
def options_of(program, command):
    """The options of a command; None when there is not one of that name."""
    if program == "derper" and command not in RUN_BY[program]:
        command = None
    text = help_of(program, *([command] if command else []))
    if program != "derper" and command and "unknown command" in text:
        return None
    return frozenset(re.findall(r"^  -([a-zA-Z0-9][a-z0-9-]*)", text, re.M))


@functools.lru_cache(None)
def all_options():
    """Of all programs and their commands."""
    found = set(options_of("derper", None))
    for program in PROGRAMS[1:]:
        listed = help_of(program).split("commands:\n")[1].split("\n\n")[0]
        for command in re.findall(r"^  (\w+) ", listed, re.M):
            found |= options_of(program, command)
    for command in RUN_BY["derper"]:
        found |= options_of("derper", command)
    return found | {"h", "help", "version"}


def in_container(words):
    """The command of ours that docker or podman is to run; None: it is not asked to.
    An image has the name of the program that it runs."""
    if len(words) < 3 or words[0] not in ("docker", "podman"):
        return None
    if words[1] == "exec":
        places = [i for i, w in enumerate(words) if i > 2 and w in PROGRAMS]
        return words[places[0]:] if places else None
    image = re.compile(r"\S+/(derper|derpmap|derpverify)(?::\S+)?$")
    for i, word in enumerate(words[2:], 2):
        if words[1] == "run" and image.match(word) and not word.startswith(("/", "$")):
            return [image.match(word).group(1), *words[i + 1:]]
    return None


def variables(block):
    """The variables of ours that a block of shell sets for a container or a shell."""
    return re.findall(r"(?:^|[\s;])(DERP_[A-Z0-9_]+)=", block)


def commands(block):
    """The words of each command of ours in a block of shell."""
    for line in block.replace("\\\n", " ").split("\n"):
        line = re.sub(r"^([$#] )+(?=\w)", "", line) if line.startswith(("$ ", "# derp")) \
            else line
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # text that a program printed
        part = []
        for word in [*words, ";"]:
            if word in (";", "|", "&", "&&", "||") or word.endswith(";"):
                while part and (part[0] == "sudo" or re.match(r"[A-Z_]+=", part[0])):
                    part = part[1:]
                part = in_container(part) or part
                if part and part[0] in PROGRAMS:
                    yield part
                part = []
            else:
                part.append(word)


def unknown_options(words):
    """What a command line has that its program does not."""
    command = words[1] if len(words) > 1 and re.match(r"[a-z]", words[1]) else None
    known = options_of(words[0], command)
    if known is None:
        return [command]
    if command == "doctor":  # takes the relay's flags, too
        known |= options_of("derper", None)
    given = [re.match(r"--?([a-z0-9][a-z0-9-]*)", w) for w in words[1:]]
    return [m.group(0) for m in given
            if m and m.group(1) not in known | {"1", "h", "help", "version"}]


class Documents(unittest.TestCase):
    def test_there_are_pages(self):
        self.assertGreater(len(PAGES), 15)

    def test_commands_have_options_that_exist(self):
        seen = 0
        for page in PAGES:
            with self.subTest(page.name):
                for block in blocks(page, "sh", "console"):
                    for words in commands(block):
                        seen += 1
                        self.assertEqual(unknown_options(words), [], shlex.join(words))
        self.assertGreater(seen, 60)

    def test_commands_in_containers_are_looked_at(self):
        page = ROOT / "docs/install.md"
        block = [b for b in blocks(page, "sh") if "docker run -d --name derper" in b]
        self.assertEqual(len(block), 1)
        subprocess.run(["bash", "-n"], input=block[0], text=True, check=True)
        self.assertEqual([words[:2] for words in commands(block[0])],
                         [["derper"], ["derpmap", "generate"], ["derpmap", "lint"],
                          ["derpmap", "probe"], ["derper", "status"]])

    def test_variables_exist(self):
        known = set(re.findall(r"DERP_[A-Z0-9_]+", help_of("derper")))
        seen = 0
        for page in PAGES:
            with self.subTest(page.name):
                for block in blocks(page, "sh", "console"):
                    names = set(variables(block))
                    seen += len(names)
                    self.assertEqual(names - known, set())
        self.assertGreater(seen, 5)

    def test_options_in_the_text_exist(self):
        foreign = {"flag",       # as an example of how flags are written
                   "read-only", "sysctl"}  # of docker
        for page in PAGES:
            with self.subTest(page.name):
                for code in re.findall(r"`([^`\n]+)`", prose(page)):
                    if not re.match(r"--?[a-z]", code):
                        continue
                    name = re.match(r"--?([a-z0-9-]*[a-z0-9])", code).group(1)
                    self.assertIn(name, all_options() | foreign, code)

    def test_files_that_are_named_are_there(self):
        for page in PAGES:
            with self.subTest(page.name):
                for name in NAMES_OF_FILES.findall(prose(page)):
                    if "NAME" in name or "NOUN" in name or page.name == "CHANGELOG.md":
                        continue
                    there = (ROOT / name).exists() or (page.parent / name).exists()
                    self.assertTrue(there or list(ROOT.glob(name + "*")), name)

    def test_maps_and_configurations_are_good(self):
        seen = {"sources": 0, "derp": 0}
        with tempfile.TemporaryDirectory() as folder:
            for page in PAGES:
                with self.subTest(page.name):
                    for block in blocks(page, "yaml"):
                        for key in seen:
                            if re.search(f"^{key}:", block, re.M):
                                seen[key] += 1
                                getattr(self, "judge_" + key)(pathlib.Path(folder), block)
        self.assertGreater(min(seen.values()), 1)

    def judge_sources(self, folder, block):
        """Its files are made; what is asked cannot answer, and is not needed."""
        for path in re.findall(r"nodes: (/\S+)", block):
            (folder / "list").write_text("# nobody\n")
            block = block.replace(path, str(folder / "list"))
        block = re.sub(r"https?://[^/\s]+/", "http://127.0.0.1:9/", block)
        block = re.sub(r"(last-good-folder): \S+", rf"\1: {folder}", block)
        (folder / "admission.yaml").write_text(block)
        done = run("derpverify", "explain", "--config", str(folder / "admission.yaml"),
                   "nodekey:" + "ab" * 32)
        self.assertNotIn("admission.yaml:", done.stderr)
        self.assertNotEqual(done.stdout, "", done.stderr)

    def judge_derp(self, folder, block):
        config = ("server_url: https://headscale.example.net\n"
                  "prefixes: {v4: 100.64.0.0/10}\n" + block.replace(
                      "/etc/headscale/derp.yaml", str(ROOT / "examples/derp.yaml")))
        (folder / "config.yaml").write_text(config)
        (folder / "none").write_text("")
        done = run("derpmap", "effective", "--headscale-config",
                   str(folder / "config.yaml"), "--env-file", str(folder / "none"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rate_limits_fit_their_schema(self):
        schema = json.loads((ROOT / "schemas/rate-config.schema.json").read_text("utf-8"))
        found = [json.loads(b) for page in PAGES for b in blocks(page, "json")]
        limits = [d for d in found if any("RateLimit" in name for name in d)]
        self.assertTrue(limits)
        for document in limits:
            jsonschema.Draft202012Validator(schema).validate(document)

    def test_alerts_have_a_row_each(self):
        rules = (ROOT / "examples/monitoring/derpkit-alerts.yml").read_text("utf-8")
        alerts = re.findall(r"- alert: (\w+)", rules)
        self.assertGreater(len(alerts), 10)
        page = (ROOT / "docs/monitoring.md").read_text("utf-8")
        rows = re.findall(r"`(Derp\w+)`", "".join(re.findall(r"^\| `.*$", page, re.M)))
        self.assertEqual(sorted(rows), sorted(alerts))

    def test_findings_of_a_probe_have_a_row_each(self):
        source = (ROOT / "derpmap/probe/probe_kinds.c").read_text("utf-8")
        kinds = set(re.findall(r'\{ "([a-z0-9-]+)", PROBE_(?:ERROR|WARNING)', source))
        self.assertGreater(len(kinds), 40)
        page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
        rows = re.findall(r"^\| `([a-z0-9-]+)` \((?:error|warning)\)", page, re.M)
        self.assertEqual(sorted(rows), sorted(kinds))


if __name__ == "__main__":
    unittest.main()
