//! What is seen in code, beside code that looks like it and does nothing; and files that were made to break readers.
use super::{
    super::facts::{Deed, FileFacts, NameKind, SignKind},
    *,
};

mod corpus;
mod hostile;
mod signs;

fn read(code: &str) -> FileFacts {
    let facts = facts("index.js", code);
    assert_eq!(facts.unread, None, "{code}");
    facts
}

fn strong(code: &str) -> Vec<(SignKind, u32)> {
    read(code).signs.into_iter().filter(|sign| !sign.weak).map(|sign| (sign.kind, sign.line)).collect()
}

fn deeds(code: &str) -> Vec<Deed> {
    read(code).deeds.into_keys().collect()
}

fn names(code: &str, kind: NameKind) -> Vec<String> {
    read(code).names.into_keys().filter(|name| name.kind == kind).map(|name| name.text).collect()
}

#[test]
fn modules_are_seen_however_they_are_loaded() {
    for code in [
        "const cp = require('child_process'); cp.exec(x)",
        "import { exec as x } from 'node:child_process'; x(y)",
        "import * as cp from 'child_process'; export const z = () => cp.spawn(a)",
        "const { exec: x } = require('child_process'); x()",
        "const cp = require('child_process'); const {exec: x} = cp; x()",
        "export { exec } from 'node:child_process'",
        "export * from 'child_process'",
        "(await import('child_process')).exec(x)",
        "import { createRequire } from 'module'; const require = createRequire(import.meta.url); require('child_process').exec(x)",
        "globalThis['re'+'quire']('child_process')",
        "process.mainModule.require('child_process').exec(x)",
        "process.getBuiltinModule('child_process')",
        "module.constructor._load('child_process')",
        "var cp_1 = __importDefault(require('child_process')); (0, cp_1.default.exec)(x)",
        "var a = require, b = 'child_'; a(b + 'process')",
        "import cp = require('child_process'); cp.exec(x)",
    ] {
        let kind = if code.starts_with("import cp =") { "a.ts" } else { "a.js" };
        let facts = facts(kind, code);
        assert!(facts.deeds.contains_key(&Deed::Process), "{code}: {facts:?}");
    }
    for code in [
        "const cp = require('./child_process'); cp.exec(x)",
        "re.exec(x)",
        "function f(require) { require('child_process') }",
    ] {
        assert_eq!(deeds(code), [], "{code}");
    }
    assert_eq!(facts("a.ts", "import type { X } from 'child_process'; const a: X = 1").deeds.len(), 0);
}

#[test]
fn deeds_are_told_by_what_is_called() {
    assert_eq!(deeds("fetch(u)"), [Deed::Network]);
    assert_eq!(deeds("const fetch = x; fetch(u)"), []);
    assert_eq!(deeds("import fs from 'fs'; fs.readFileSync(p)"), [Deed::ReadFiles]);
    assert_eq!(deeds("import {writeFile} from 'fs/promises'; writeFile(p, d)"), [Deed::WriteFiles]);
    assert_eq!(deeds("const fs = require('fs'); use(fs)"), [Deed::ReadFiles, Deed::WriteFiles]);
    assert_eq!(deeds("require('net').isIP(x)"), []);
    assert_eq!(deeds("new WebSocket(u)"), [Deed::Network]);
    assert_eq!(deeds("require('./build/addon.node')"), [Deed::Native]);
    assert_eq!(deeds("eval(x)"), [Deed::DynamicCode]);
    assert_eq!(deeds("(function(){}).constructor('return this')()"), [Deed::DynamicCode]);
    assert_eq!(deeds("setTimeout('go()', 1)"), [Deed::DynamicCode]);
    assert_eq!(deeds("setTimeout(go, 1)"), []);
    assert_eq!(deeds("require(x)"), [Deed::DynamicImport]);
    assert_eq!(deeds("Array.prototype.map = f"), [Deed::Patching]);
    assert_eq!(deeds("const https = require('https'); https.request = f"), [Deed::Patching]);
    assert_eq!(deeds("Mine.prototype.map = f"), []);
    assert_eq!(deeds("spawn(x, {env: {...process.env}})"), [Deed::WholeEnvironment]);
    assert_eq!(deeds("for (const k in process.env) f(k)"), [Deed::WholeEnvironment]);
    assert_eq!(deeds("const e = process.env; e.HOME"), [Deed::Environment]);
}

#[test]
fn code_in_strings_is_read_as_code() {
    assert_eq!(deeds("eval(\"require('child_process').exec('x')\")"), [Deed::Process, Deed::DynamicCode]);
    assert_eq!(read("\n\neval(\"fetch('https://a.collect.invalid')\")").deeds[&Deed::Network], [3]);
}

#[test]
fn names_are_found_however_they_are_put_together() {
    for code in [
        "get('https://api.collect.invalid/x')",
        "get('https://' + 'api.' + 'collect.invalid' + path)",
        "get(`https://${'api'}.collect.invalid/${id}`)",
        "const h = 'api.'; get(`https://${h}collect.invalid/`)",
        "get(['https:/', 'api.collect.invalid'].join('/'))",
        "get('dilavni.tcelloc.ipa//:sptth'.split('').reverse().join(''))",
        "get(atob('aHR0cHM6Ly9hcGkuY29sbGVjdC5pbnZhbGlkL3g='))",
        "get(Buffer.from('aHR0cHM6Ly9hcGkuY29sbGVjdC5pbnZhbGlkL3g=', 'base64').toString())",
        "get(Buffer.from('68747470733a2f2f6170692e636f6c6c6563742e696e76616c69642f78', 'hex').toString('utf8'))",
        "get('hxxps://api.collect.invalid'.replace('xx', 'tt'))",
        "get('\\x68ttps://api.collect.invalid')",
        "request({ hostname: 'api.collect.invalid' })",
    ] {
        assert_eq!(names(code, NameKind::Host), ["api.collect.invalid"], "{code}");
    }
    // A part that is added later is a name of its own as well.
    let added = names("let u = 'https://api.'; u += 'collect.invalid'; get(`${u}/x`)", NameKind::Host);
    assert_eq!(added, ["api.collect.invalid", "collect.invalid"]);
    let codes: Vec<String> = "https://api.collect.invalid".bytes().map(|b| b.to_string()).collect();
    let code = format!("get(String.fromCharCode({}))", codes.join(","));
    assert_eq!(names(&code, NameKind::Host), ["api.collect.invalid"]);
    assert_eq!(strong(&code), [(SignKind::Obfuscated, 1)]);
}

#[test]
fn variables_and_secret_places_are_named() {
    let code = "const { NPM_TOKEN: t } = process.env; process.env['API_' + 'KEY']; process.env.HOME; env.X";
    assert_eq!(names(code, NameKind::SecretVariable), ["API_KEY", "NPM_TOKEN"]);
    assert_eq!(names(code, NameKind::Variable), ["HOME"]);
    let code = "const p = require('path').join(require('os').homedir(), '.ssh', 'id_rsa')";
    assert_eq!(names(code, NameKind::SecretPath), [".ssh", ".ssh/id_", "id_rsa"]);
}

#[test]
fn files_that_do_not_parse_tell_what_their_words_tell() {
    let facts = facts(
        "a.js",
        "const x = require('child_process');\nfetch('https://api.collect.invalid');\nprocess.env.NPM_TOKEN\n}}} let let =",
    );
    assert!(facts.unread.is_some());
    assert!(facts.deeds.contains_key(&Deed::Process) && facts.deeds.contains_key(&Deed::Network));
    let texts: Vec<&str> = facts.names.keys().map(|name| name.text.as_str()).collect();
    assert_eq!(texts, ["api.collect.invalid", "NPM_TOKEN", "child_process"]);
}

#[test]
fn the_kinds_of_files_are_known() {
    for path in ["a.js", "a.mjs", "a.cjs", "a.ts", "a.mts", "a.cts", "a.jsx", "a.TSX", "a.d.ts"] {
        assert!(is_source(path), "{path}");
    }
    assert!(!is_source("a.json") && !is_source("js"));
    assert!(is_script("#!/usr/bin/env node\nx") && !is_script("#!/bin/sh"));
    assert_eq!(facts("a.tsx", "const a = <div>{fetch(x) as any}</div>").unread, None);
    assert_eq!(facts("a.js", "const a = <div>don't</div>; return").unread, None);
    assert_eq!(facts("a.ts", "#!/usr/bin/env node\nconst a = <T>x; enum A { B }").unread, None);
}
