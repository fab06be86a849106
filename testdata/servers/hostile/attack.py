"""Makes one attack and says in one line of JSON how it went.

    attack.py GROUP.NAME TARGET

TARGET is JSON made by the test: what there is to attack. An attack that returns has succeeded, with what it returns as
the detail. One that raises OSError or Refused was stopped. Anything else is a mistake in the attack itself, which proves
nothing and fails the test.
"""
import errno
import importlib
import json
import os
import sys
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


if __name__ == "__main__":
    print(json.dumps(verdict(sys.argv[1], json.loads(sys.argv[2]))), flush=True)
    # No tidying up: whatever threads or children an attack left behind are for the sandbox to end.
    os._exit(0)
