#!/usr/bin/env python3
"""Compares the closures that mcpsec resolves with those of `uv pip compile --generate-hashes`, for one target.

The index address is asked of `pip download --help` at run time. Usage:
    closures_pypi.py --uv UV --mcpsec target/release/mcpsec [--servers servers.json] [SPEC ...]
Prints one line for each spec and every difference. Specs look like `pypi:name==1.2`. With `--as-of DATE` both sides
resolve as of that day (uv: `--exclude-newer`).
"""
import argparse, json, os, re, subprocess, sys, tempfile, time

# The patch releases for which mcpsec takes a minor (crates/mcpsec-fetch/src/pypi/environment.rs).
PATCH = {"3.10": "3.10.18", "3.11": "3.11.13", "3.12": "3.12.11", "3.13": "3.13.7", "3.14": "3.14.2"}


def default_index():
    text = " ".join(subprocess.run(["pip", "download", "--help"], capture_output=True, text=True).stdout.split())
    return re.search(r"default (https://[^\s)]+)", text).group(1)


def uv_closure(uv, index, requirement, python, cache, as_of):
    command = [uv, "pip", "compile", "-", "--generate-hashes", "--no-header", "--no-annotate", "--default-index", index,
               "--python-version", PATCH[python], "--python-platform", "x86_64-unknown-linux-gnu", "--cache-dir", cache, "--no-config"]
    if as_of:
        command += ["--exclude-newer", as_of + "T23:59:59.999999Z"]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    env["UV_PYTHON_DOWNLOADS"] = "never"
    started = time.monotonic()
    done = subprocess.run(command, input=requirement, capture_output=True, text=True, env=env)
    took = time.monotonic() - started
    if done.returncode:
        return None, done.stderr.strip(), took
    packages, current = {}, None
    for line in done.stdout.splitlines():
        if match := re.match(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s\\;]+)", line):
            current = packages.setdefault(match[1].lower(), (match[2], set()))
        for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", line):
            current[1].add(digest)
    return packages, "", took


def our_closure(mcpsec, index, spec, target, cache, as_of):
    with tempfile.TemporaryDirectory() as project:
        platform, python = target.split("/")
        with open(project + "/mcp.toml", "w") as config:
            config.write(f'[targets]\nplatforms = ["{platform}"]\npython = ["{python}"]\n')
        env = dict(os.environ, MCPSEC_STORE=project + "/store", MCPSEC_CACHE=cache, UV_DEFAULT_INDEX=index, NO_COLOR="1")
        command = [mcpsec, "add", spec, "--name", "server"] + (["--as-of", as_of] if as_of else [])
        started = time.monotonic()
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
        took = time.monotonic() - started
        if done.returncode:
            return None, (done.stdout + done.stderr).strip(), took
        tree = subprocess.run([mcpsec, "--format", "json", "tree", "server"], cwd=project, env=env, capture_output=True, text=True)
    packages = {}
    for package in json.loads(tree.stdout)["packages"]:
        name, version = package["purl"].removeprefix("pkg:pypi/").replace("%2B", "+").split("@")
        packages[name] = (version, {digest.removeprefix("sha256:") for digest in package["digests"]})
    return packages, done.stderr.strip(), took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--mcpsec", required=True)
    parser.add_argument("--servers")
    parser.add_argument("--python", default="3.11")
    parser.add_argument("--as-of")
    parser.add_argument("--keep-caches", help="folder to keep caches in; without it both sides start cold for each spec")
    parser.add_argument("specs", nargs="*")
    options = parser.parse_args()
    specs = [(spec, options.python) for spec in options.specs]
    if options.servers:
        for server in json.load(open(options.servers))["servers"]:
            if server["ecosystem"] == "pypi":
                specs.append(("pypi:" + server["name"], server["python"]))
                specs += [(f"pypi:{server['name']}=={v}", server["python"]) for v in [server["latest"], *server["older"]]]
    index = default_index()
    equal = differing = 0
    for spec, python in dict.fromkeys(specs):
        target = "linux-x86_64-gnu/" + python
        with tempfile.TemporaryDirectory() as scratch:
            caches = options.keep_caches or scratch
            theirs, their_error, their_time = uv_closure(
                options.uv, index, spec.removeprefix("pypi:"), python, caches + "/uv", options.as_of)
            ours, our_error, our_time = our_closure(
                options.mcpsec, index, spec, target, caches + "/mcpsec", options.as_of)
        times = "uv %.2f s, mcpsec %.2f s" % (their_time, our_time)
        if theirs is None or ours is None:
            same = theirs is None and ours is None
            equal, differing = equal + same, differing + (not same)
            print(f"{'both fail' if same else 'DIFFERENT'} {spec} ({times})")
            for side, error in (("uv", their_error), ("mcpsec", our_error)):
                if error:
                    print(f"    {side}: {' '.join(error.split())[:600]}")
            continue
        notes = []
        for name in sorted(theirs.keys() | ours.keys()):
            if name not in ours:
                notes.append(f"only uv: {name}=={theirs[name][0]}")
            elif name not in theirs:
                notes.append(f"only mcpsec: {name}=={ours[name][0]}")
            elif theirs[name][0] != ours[name][0]:
                notes.append(f"{name}: uv {theirs[name][0]}, mcpsec {ours[name][0]}")
            elif theirs[name][1] != ours[name][1]:
                less, more = theirs[name][1] - ours[name][1], ours[name][1] - theirs[name][1]
                notes.append(f"{name}: digests differ, {len(less)} only uv, {len(more)} only mcpsec")
        equal, differing = equal + (not notes), differing + bool(notes)
        print(f"{'DIFFERENT' if notes else 'equal'} {spec} {len(ours)} packages ({times})")
        for note in notes:
            print("    " + note)
        sys.stdout.flush()
    print(f"{equal} equal, {differing} different")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
