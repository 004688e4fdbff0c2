#!/usr/bin/env python3
"""Gives schemas, hooks and CI files to the programs that they are for:
consumers.py DERPMAP. Run by `make e2e`.

  headscale-derp.schema.json   yaml-language-server (npm), over LSP
  .pre-commit-hooks.yaml       pre-commit (PyPI), with a clone of this tree
  action.yml                   actionlint (Go), through the example workflow
  gitlab-ci.yml, workflow      check-jsonschema (PyPI), GitLab's and GitHub's
                               own schemas
  problem-matcher.json         the regular expressions of node

All in a temporary folder. What cannot be installed is skipped, by name. Exit
status: 0 all passed or skipped, 1 one failed.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/ci")]
from editor import Editor  # noqa: E402
from tools import Skipped, check, go, node, python  # noqa: E402

DERPMAP = pathlib.Path(sys.argv[1]).resolve()
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"
MODELINE = "# yaml-language-server: $schema=headscale-derp.schema.json\n"
BAD = "regions:\n  900:\n    RegionID: 900\n    nodes: []\n"


def equal(got, want):
    assert got == want, f"{got!r} instead of {want!r}"


def language_server(folder):
    """A good map is clean, a mis-cased key is flagged where it is."""
    server = node(folder, "yaml-language-server@1.19.2")
    work = folder / "editor"
    work.mkdir()
    shutil.copy(ROOT / "schemas/headscale-derp.schema.json", work)
    good = (ROOT / "examples/derp.yaml").read_text("utf-8")
    good = MODELINE + good.split("\n", 1)[1]
    with Editor(server, work) as editor:
        equal(editor.diagnostics("good.yaml", good), [])
        line = 1 + good[:good.index("hostname:")].count("\n")
        said = editor.diagnostics(
            "key.yaml", good.replace("hostname:", "hostName:", 1))
        assert (line, "Property hostName is not allowed.") in said, said
        said = editor.diagnostics(
            "quoted.yaml", good.replace("regionid: 900", 'regionid: "900"', 1))
        equal([m for _, m in said], ['Incorrect type. Expected "integer".'])
        said = editor.diagnostics("wrapped.yaml", MODELINE + "derp:\n" +
                                  "".join(f"  {x}\n" for x in
                                          good.split("\n")[1:]))
        assert any("derp" in m for _, m in said), said


def git(folder, *words):
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    return check("git", *who, *words, cwd=folder)


def pre_commit(folder):
    """The hooks in a repository that uses a clone of this tree."""
    program = python(folder, "pre-commit==4.0.1").parent / "pre-commit"
    hooks, work = folder / "hooks", folder / "work"
    for path in hooks, work:
        path.mkdir()
        git(path, "init", "-q", "-b", "main")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    git(hooks, "add", "-A")
    git(hooks, "commit", "-qm", "hooks")
    revision = git(hooks, "rev-parse", "HEAD").strip()
    env = {**os.environ, "PRE_COMMIT_HOME": str(folder / "cache"),
           "PATH": f"{DERPMAP.parent}:{os.environ['PATH']}"}

    def run(hook):
        (work / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [
            {"repo": str(hooks), "rev": revision, "hooks": [{"id": hook}]}]}))
        git(work, "add", "-A")
        return subprocess.run([program, "run", "--all-files"], cwd=work,
                              env=env, capture_output=True, text=True,
                              timeout=300, check=False)

    (work / "derp.yaml").write_text(
        (ROOT / "examples/derp.yaml").read_text("utf-8"))
    (work / "other.yaml").write_text(BAD)  # not a map by its name
    done = run("derpmap-lint")
    assert done.returncode == 0 and "Passed" in done.stdout, done
    (work / "derp.yaml").write_text(BAD)
    done = run("derpmap-lint")
    assert done.returncode == 1 and "derp.yaml:3:5: error" in done.stdout, done
    done = run("derpmap-fix")
    assert done.returncode == 1 and "files were modified" in done.stdout, done
    assert "regionid: 900" in (work / "derp.yaml").read_text("utf-8")


def actionlint(folder):
    """The example workflow, with this tree as the action it uses."""
    program = go(folder, ACTIONLINT)
    work = folder / "action"
    (work / ".github/workflows").mkdir(parents=True)
    git(work, "init", "-q")
    shutil.copy(ROOT / "action.yml", work)
    workflow = (ROOT / "examples/github-workflow.yml").read_text("utf-8")
    local = workflow.replace("OWNER/derpkit@main", "./")
    assert local != workflow
    path = work / ".github/workflows/derpmap.yml"
    path.write_text(local)
    equal(check(program, "-shellcheck=", "-pyflakes=", cwd=work), "")
    # it does read action.yml
    path.write_text(local.replace("arguments:", "argument:"))
    done = subprocess.run([program, "-shellcheck=", "-pyflakes="], cwd=work,
                          capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1 and '"argument"' in done.stdout, done


def vendor_schemas(folder):
    program = python(folder, "check-jsonschema==0.29.4").parent / \
        "check-jsonschema"
    for schema, file in (
            ("vendor.github-actions", "action.yml"),
            ("vendor.github-workflows", "examples/github-workflow.yml"),
            ("vendor.gitlab-ci", "examples/gitlab-ci.yml")):
        check(program, "--builtin-schema", schema, ROOT / file)


def problem_matcher(folder):
    """The pattern means the same in JavaScript as in our own test."""
    if shutil.which("node") is None:
        raise Skipped("there is no node command")
    work = folder / "matcher"
    work.mkdir()
    (work / "derp.yaml").write_text(BAD)
    text = subprocess.run([DERPMAP, "lint", "--level", "info", "derp.yaml"],
                          cwd=work, capture_output=True, text=True, timeout=60,
                          check=False).stdout
    found = json.loads(subprocess.run(
        [DERPMAP, "lint", "--format", "json", "derp.yaml"], cwd=work,
        capture_output=True, text=True, timeout=60, check=False).stdout)
    out = check("node", "-e", """
const fs = require("fs");
const p = JSON.parse(fs.readFileSync(process.argv[1])).problemMatcher[0]
  .pattern[0];
for (const line of fs.readFileSync(0, "utf8").split("\\n")) {
  const m = line.match(new RegExp(p.regexp));
  if (m) console.log(m[p.line] + " " + m[p.severity] + " " + m[p.code]);
}
""", ROOT / "examples/problem-matcher.json", input=text)
    equal(out.splitlines(), [f"{f['line']} {f['severity']} {f['rule']}"
                             for f in found["findings"]])
    assert out


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        for test in (language_server, pre_commit, actionlint, vendor_schemas,
                     problem_matcher):
            try:
                test(pathlib.Path(name))
                print(f"{test.__name__}: passed")
            except Skipped as why:
                print(f"{test.__name__}: SKIPPED: {why}")
            except (AssertionError, EOFError, OSError,
                    subprocess.SubprocessError) as why:
                print(f"{test.__name__}: FAILED: {why}")
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
