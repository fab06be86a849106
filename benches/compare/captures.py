#!/usr/bin/env python3
"""Locks and captures every server of a servers.json with mcpsec, and compares the counts with those recorded there.

    captures.py --mcpsec target/release/mcpsec --servers ../shared/servers/servers.json [--only NAME] [--scratch DIR]

Needs the registries. Servers run in mcpsec's sandbox only, with a scratch home. Prints one line a server and a summary; exits 1
if a server that is recorded to list offline was captured with other counts.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

KINDS = [("tools", "tools"), ("prompts", "prompts"), ("resources", "resources"), ("templates", "resourceTemplates")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mcpsec", required=True)
    parser.add_argument("--servers", required=True)
    parser.add_argument("--only")
    parser.add_argument("--scratch")
    options = parser.parse_args()
    scratch = pathlib.Path(options.scratch or tempfile.mkdtemp(prefix="captures-"))
    env = dict(os.environ, HOME=str(scratch / "home"), MCPSEC_STORE=str(scratch / "store"),
               MCPSEC_CACHE=str(scratch / "cache"), MCPSEC_TRUST_REFRESH="off")
    (scratch / "home").mkdir(parents=True, exist_ok=True)
    npmrc = pathlib.Path.home() / ".npmrc"
    if npmrc.exists():
        shutil.copy(npmrc, scratch / "home" / ".npmrc")
    good = wrong = said = 0
    for server in json.load(open(options.servers))["servers"]:
        if options.only and options.only not in server["name"]:
            continue
        recorded = server["versions"].get(server["latest"], {})
        project = scratch / "projects" / server["name"].replace("/", "+").replace("@", "")
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir(parents=True)
        at = "==" if server["ecosystem"] == "pypi" else "@"
        spec = f"{server['ecosystem']}:{server['name']}{at}{server['latest']}"
        work = ["." if arg == "@WORK@" else arg for arg in server["args"]]
        command = [options.mcpsec, "add", spec, "--name", "it", "--yes"]
        began = time.monotonic()
        names = list(server["env_used"])
        if names:
            values = "".join(f"{name}='{value.replace('@WORK@', '.')}'\n" for name, value in server["env_used"].items())
            (project / "values.env").write_text(values)
            (project / "mcp.toml").write_text(
                f'[servers.it]\nsource = "{spec}"\nargs = {json.dumps(work)}\nenv = {json.dumps(names)}\n')
            command = [options.mcpsec, "add", "it", "--env-file", "values.env"]
        if recorded.get("asof"):
            command += ["--as-of", recorded["asof"]]
        if work and not names:
            command += ["--", *work]
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=900)
        took = time.monotonic() - began
        label = f"{server['ecosystem']}:{server['name']}@{server['latest']}"
        shown = subprocess.run([options.mcpsec, "show", "it", "--format", "json"], cwd=project, env=env,
                               capture_output=True, text=True)
        manifest = json.loads(shown.stdout).get("manifest") if shown.returncode == 0 else None
        expected = [recorded.get(key) for key, _ in KINDS] if recorded.get("lists_offline") else None
        if manifest:
            counts = [len(manifest[key]) for _, key in KINDS]
            unstable = [f"{item['subject']} ({item['between']})" for item in manifest["unstable"]]
            same = expected is None or [count or 0 for count in expected] == counts
            good, wrong = good + same, wrong + (not same)
            print(f"{'good ' if same else 'WRONG'} {label}: {counts}"
                  + ("" if same else f", recorded {expected}")
                  + (f", unstable: {', '.join(unstable[:4])}" if unstable else "") + f"  {took:.1f} s", flush=True)
        else:
            text = " ".join((done.stdout + done.stderr).split())
            where = text.find("not checked")
            said += 1
            print(f"said  {label} (exit {done.returncode}{', recorded to list' if expected else ''}): "
                  f"{text[where if where >= 0 else -300:][:420]}  {took:.1f} s", flush=True)
    print(f"{good} as recorded, {wrong} otherwise, {said} not captured", flush=True)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
