#!/usr/bin/env python3
"""Content findings over real, benign upgrades: how many raise a deny?

For each server of servers.json, adjacent versions are installed into a scratch folder by the user's own npm and pip (no scripts,
no builds, nothing is run), with the whole closure, and compared by `mcpsec diff --content OLD NEW`. The clients are configured by
the HOME that is handed in. Prints a table and, at the end, the share of pairs that raise a deny.

    content.py MCPSEC SERVERS.json HOME SCRATCH [--keep] [--only NAME] [--limit N]
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time


def install(server, version, home, folder):
    """Installs one version. Returns the folder to compare, or None."""
    if folder.exists():
        return folder
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    temporary = folder.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    if server["ecosystem"] == "npm":
        (temporary / "package.json").write_text('{"name":"pair","version":"1.0.0"}')
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", f'{server["name"]}@{version}']
    else:
        command = ["pip", "install", "--only-binary", ":all:", "--no-compile", "--quiet", "--target", ".", f'{server["name"]}=={version}']
    done = subprocess.run(command, cwd=temporary, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        print(f'{server["name"]} {version}: not installed: {done.stderr.strip().splitlines()[-1:]}', file=sys.stderr)
        shutil.rmtree(temporary)
        return None
    if server["ecosystem"] == "npm":
        # What was asked for is no part of what is compared.
        (temporary / "package.json").write_text('{"name":"pair","version":"1.0.0"}')
    temporary.rename(folder)
    return folder


def compare(mcpsec, old, new, project):
    """Findings that deny, all findings, seconds."""
    start = time.monotonic()
    command = [mcpsec, "diff", "--content", str(old), str(new), "--format", "json", "--project", str(project)]
    env = {"HOME": str(project), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    took = time.monotonic() - start
    if done.returncode not in (0, 1, 3):
        return None, done.stderr.strip(), took
    findings = json.loads(done.stdout)["servers"][0]["findings"]
    denied = [finding for finding in findings if finding["severity"] == "high" and finding["confidence"] != "low"]
    return denied, findings, took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mcpsec")
    parser.add_argument("servers", type=pathlib.Path)
    parser.add_argument("home", type=pathlib.Path)
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--ecosystem")
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--download", action="store_true", help="only install")
    options = parser.parse_args()
    project = options.scratch / "project"
    project.mkdir(parents=True, exist_ok=True)
    pairs = denied_pairs = failed = 0
    for server in json.loads(options.servers.read_text())["servers"]:
        if options.only and options.only not in server["name"] or options.ecosystem and server["ecosystem"] != options.ecosystem:
            continue
        versions = [*reversed(server.get("older", [])), server["latest"]]
        safe = server["name"].replace("/", "_")
        folders = [options.scratch / f'{server["ecosystem"]}-{safe}-{version}' for version in versions]
        trees = [install(server, version, options.home, folder) for version, folder in zip(versions, folders)]
        for (before, old), (after, new) in zip(zip(versions, trees), list(zip(versions, trees))[1:]):
            if old is None or new is None:
                failed += 1
                continue
            if options.download or pairs >= options.limit:
                continue
            pairs += 1
            denied, findings, took = compare(options.mcpsec, old, new, project)
            if denied is None:
                print(f'{server["name"]} {before} -> {after}: {findings}')
                failed += 1
                continue
            denied_pairs += bool(denied)
            print(f'{"DENY" if denied else "ok  "} {server["name"]} {before} -> {after}: {len(findings)} findings, {took:.1f} s', flush=True)
            for finding in denied:
                place = finding.get("place") or {}
                print(f'       {finding["rule"]} {finding["subject"]}:{place.get("line")} {finding["message"]}: {finding.get("evidence")}', flush=True)
        if not options.keep:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
    share = 100 * denied_pairs / max(pairs, 1)
    print(f"{denied_pairs} of {pairs} pairs raise a deny ({share:.1f} %); {failed} could not be compared")
    if not options.keep:
        shutil.rmtree(options.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
