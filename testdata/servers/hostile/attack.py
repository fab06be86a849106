"""Makes attacks and says in one line of JSON for each how it went.

    attack.py GROUP.NAME[,GROUP.NAME…] TARGET

One alone is made by this process; several are made one after the other, each by a child of its own.

TARGET is JSON made by the test: what there is to attack. An attack that returns has succeeded, with what it returns as
the detail. One that raises OSError or Refused was stopped. Anything else is a mistake in the attack itself, which proves
nothing and fails the test.
"""
import errno
import importlib
import json
import os
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from calls import Refused  # noqa: E402  (found only after the line above)


def verdict(name, target):
    group, _, function = name.partition(".")
    try:
        detail = getattr(importlib.import_module(group), function)(target)
        return {"attack": name, "succeeded": True, "detail": str(detail)}
    except Refused as refused:
        return {"attack": name, "succeeded": False, "detail": str(refused)}
    except OSError as error:
        code = errno.errorcode.get(error.errno, str(error))
        return {"attack": name, "succeeded": False, "detail": code}
    except BaseException:
        return {"attack": name, "broken": traceback.format_exc()}


def main(names, target):
    if len(names) == 1:
        print(json.dumps(verdict(names[0], target)), flush=True)
        return
    for name in names:
        importlib.import_module(name.partition(".")[0])
    for name in names:
        child = os.fork()
        if child == 0:
            print(json.dumps(verdict(name, target)), flush=True)
            os._exit(0)
        ends = time.monotonic() + 10
        ended, status = 0, 0
        while ended == 0 and time.monotonic() < ends:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended == 0:
                time.sleep(0.001)
        if ended == 0 or status != 0:
            print(json.dumps({"attack": name, "died": status}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1].split(","), json.loads(sys.argv[2]))
    # No tidying up: whatever threads or children an attack left behind are for the sandbox to end.
    os._exit(0)
