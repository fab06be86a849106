#!/usr/bin/env python3
"""Compares our npm closures with npm's own, server by server, and lists every difference.

    closures_npm.py MCPSEC SERVERS_JSON [NAME...]

For each npm server of SERVERS_JSON (or the named specs) both resolve within the same minute: `npm install
--package-lock-only --ignore-scripts` in an empty project with an empty cache, and `mcpsec add` with an empty cache and store.
Compared are the sets of name@version and the integrity of each common entry. Packages that npm marks as bundled in another's tarball
are no registry artifacts of the closure and are counted apart.
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse


def npm(spec: str) -> tuple[dict[str, str | None], int]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "package.json").write_text('{"name":"x","version":"1.0.0"}')
        command = ["npm", "install", spec, "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund",
                   "--loglevel=error", f"--cache={folder}/cache"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[0] if done.stderr.strip() else "npm failed")
        lock = json.loads((path / "package-lock.json").read_text())
    found, bundled = {}, 0
    for place, entry in lock["packages"].items():
        if not place:
            continue
        if entry.get("inBundle"):
            bundled += 1
            continue
        name = entry.get("name") or place.rpartition("node_modules/")[2]
        found[f"{name}@{entry['version']}"] = entry.get("integrity")
    return found, bundled


def ours(binary: str, spec: str) -> tuple[dict[str, str | None], str]:
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, MCPSEC_STORE=f"{folder}/store", MCPSEC_CACHE=f"{folder}/cache", NO_COLOR="1")
        project = pathlib.Path(folder) / "project"
        project.mkdir()
        # Some of these are launched with a command of another name; any will do, since only the closure is compared.
        done = subprocess.run([binary, "add", f"npm:{spec}", "--name", "server"], cwd=project, env=env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).strip())
        tree = subprocess.run([binary, "--format", "json", "tree", "server"], cwd=project, env=env, capture_output=True, text=True)
    found = {}
    for package in json.loads(tree.stdout)["packages"]:
        sha512 = [digest for digest in package["digests"] if digest.startswith("sha512:")]
        if sha512:
            name = urllib.parse.unquote(package["purl"].removeprefix("pkg:npm/"))
            found[name] = "sha512-" + base64.b64encode(bytes.fromhex(sha512[0].removeprefix("sha512:"))).decode()
    findings = [line.strip() for line in done.stdout.splitlines() if re.match(r"^  [a-z]+-[a-z-]+:", line)]
    return found, "\n".join(findings)


def main() -> int:
    binary, servers, wanted = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text()), sys.argv[3:]
    specs = wanted or [s["name"] for s in servers["servers"] if s["ecosystem"] == "npm"]
    worst = 0
    for spec in specs:
        started = time.monotonic()
        try:
            (mine, notes), took = ours(binary, spec), time.monotonic() - started
            theirs, bundled = npm(spec)
        except RuntimeError as error:
            print(f"{spec}: FAILED {error}")
            worst = 1
            continue
        extra, missing = sorted(mine.keys() - theirs.keys()), sorted(theirs.keys() - mine.keys())
        digests = sorted(k for k in mine.keys() & theirs.keys() if mine[k] != theirs[k])
        verdict = "equal" if not (extra or missing or digests) else "DIFFERS"
        print(f"{spec}: {verdict} ours {len(mine)} npm {len(theirs)} (+{bundled} bundled) in {took:.2f} s", flush=True)
        for label, names in (("only ours", extra), ("only npm", missing), ("other digest", digests)):
            for name in names:
                print(f"    {label}: {name}")
        for line in notes.splitlines():
            print(f"    note: {line[:200]}")
        worst |= verdict != "equal"
    return worst


if __name__ == "__main__":
    sys.exit(main())
