//! What calls, members and assignments mean.
use oxc_ast::ast::{
    AssignmentExpression, AssignmentOperator, AssignmentTarget, BinaryExpression, BindingPattern, CallExpression,
    Expression, NewExpression,
};

use super::flows::Event;
use super::{
    super::{
        facts::{Deed, SignKind},
        literals::{self, StartupPlace},
    },
    calls,
    reader::Reader,
    resolve,
    value::{Disguise, Taint, Text, Value},
};

/// Names that are hidden for a reason.
const GUARDED: &[&str] = &[
    "child_process",
    "execSync",
    "exec",
    "spawn",
    "eval",
    "Function",
    "constructor",
    "require",
    "process",
    "mainModule",
    "env",
];
/// Built-ins on which everything else stands.
const BUILTINS: &[&str] = &[
    "Object",
    "Array",
    "String",
    "Function",
    "Promise",
    "RegExp",
    "Number",
    "Date",
    "Map",
    "Set",
    "Error",
    "Symbol",
    "XMLHttpRequest",
    "EventTarget",
    "WebSocket",
    "Response",
    "Request",
];

impl<'a> Reader<'a> {
    /// A call. What comes back is what the functions among its arguments will be given.
    pub(super) fn called(&mut self, call: &CallExpression<'a>) -> Taint {
        let line = self.line(call.span.start);
        let callee = self.value(&call.callee);
        let arguments = self.arguments(&call.arguments);
        let method = self.method(&call.callee);
        if let Some(text) = self.value_of_call(call).text {
            self.note_text(&text.value, text.disguise, line);
        }
        if callee.as_path() == Some("parseInt") && self.scrambling.parsed.len() < 10_000 {
            self.scrambling.parsed.push(call.span.start);
        } else if matches!(&method, Some((_, Some(name))) if &**name == "push")
            && self.is_shift(call)
            && self.scrambling.rotated.len() < 100
        {
            self.scrambling.rotated.push((call.span.start, line));
        }
        let mut after = Taint::default();
        if let Some((object, Some(name))) = &method {
            self.method_called(object, name, &arguments, line);
            after = after.with(object.taint.without(Taint::ENVIRONMENT));
            if resolve::is_secret_place(object) {
                after = after.with(Taint::PLACE);
            }
        }
        if let Expression::Identifier(name) = call.callee.get_inner_expression() {
            self.handed_to(name.name.as_str(), &callee, &arguments, line);
        }
        if let Some(path) = callee.as_path() {
            after = after.with(self.path_called(path, &arguments, line));
        }
        after
    }

    /// Whether a call is given what `shift` takes off a list, whatever list that is: scramblers hand theirs over as a parameter.
    fn is_shift(&mut self, call: &CallExpression<'a>) -> bool {
        let first = call.arguments.first().and_then(|argument| argument.as_expression());
        let Some(Expression::CallExpression(inner)) = first.map(Expression::get_inner_expression) else { return false };
        matches!(self.method(&inner.callee), Some((_, Some(name))) if &*name == "shift")
    }

    /// `new` of something.
    pub(super) fn made(&mut self, new: &NewExpression<'a>) {
        let line = self.line(new.span.start);
        let callee = self.value(&new.callee);
        let arguments = self.arguments(&new.arguments);
        if let Some(path) = callee.as_path() {
            self.path_called(path, &arguments, line);
        }
    }

    fn path_called(&mut self, path: &str, arguments: &[Value], line: u32) -> Taint {
        let first = arguments.first();
        if arguments.iter().any(|value| value.as_path() == Some("process.env")) {
            self.facts.does(Deed::WholeEnvironment, line);
            if calls::lists(path) {
                self.flows.see(Event::WholeEnvironment, line);
            }
        }
        if resolve::is_require(path) {
            if let Some(value) = first {
                self.load_of(value, line);
            }
            return Taint::default();
        }
        self.uses_broad(path);
        let deed = calls::deed_of_call(path);
        if let Some(deed) = deed {
            self.facts.does(deed, line);
        }
        let mut after = Taint::default();
        match deed {
            Some(Deed::Process) => self.program_started(arguments, line),
            Some(Deed::DynamicCode) => self.code_run(path, arguments, line),
            Some(Deed::ReadFiles) => {
                self.flows.see(Event::Read, line);
                if first.is_some_and(resolve::is_secret_place) {
                    self.flows.secret_place(place_of(first), line);
                    after = after.with(Taint::SECRET);
                }
            }
            Some(Deed::WriteFiles) => self.file_written(path, arguments, line),
            _ => {}
        }
        if calls::reaches_network(path) {
            self.flows.see(Event::Network, line);
            self.sent(arguments, line);
            if let Some(text) = first.and_then(Value::as_text) {
                self.asked(text, line);
            }
            after = after.with(Taint::REMOTE);
        } else if calls::sends(path) {
            self.flows.see(Event::Network, line);
            self.sent(arguments, line);
        }
        if matches!(path, "setTimeout" | "setInterval")
            && let Some(text) = first.and_then(|value| value.text.clone())
        {
            self.facts.does(Deed::DynamicCode, line);
            self.text_run(&text, line);
        }
        if path == "Object.defineProperty"
            && let Some(target) = first.and_then(Value::as_path)
        {
            self.patched(target, line);
        }
        after
    }

    /// A method of something that need not be known.
    fn method_called(&mut self, object: &Value, name: &str, arguments: &[Value], line: u32) {
        let first = arguments.first();
        if name == "constructor"
            && let Some(text) = first.and_then(|value| value.text.clone())
        {
            self.facts.does(Deed::DynamicCode, line);
            self.text_run(&text, line);
        }
        match name {
            "split" => {
                if let (Some(text), Some(by)) = (object.as_text(), first.and_then(Value::as_text)) {
                    self.scrambling.split(text, by, line);
                }
            }
            "append" | "set" | "setHeader" | "header" | "addHeader" => {
                if let Some(key) = first.and_then(Value::as_text) {
                    let key = key.to_owned();
                    self.addressed_value(&key, &arguments[1..], line);
                }
            }
            "push" | "unshift" | "add" | "concat" => {
                if let Some(owner) = object.as_path().and_then(|path| path.rsplit('.').next()) {
                    let owner = owner.to_owned();
                    self.addressed_value(&owner, arguments, line);
                }
            }
            name => self.addressed_value(name, arguments, line),
        }
    }

    /// Something is handed to a function of this file, which may send it.
    fn handed_to(&mut self, name: &'a str, callee: &Value, arguments: &[Value], line: u32) {
        if callee.path.is_some() && callee.as_path() != Some(name) || self.handed.len() > 1_000 {
            return;
        }
        let given = arguments.iter().fold(Taint::default(), |all, value| all.with(value.taint));
        if given.has(Taint::SECRET) {
            self.handed.push((name, line, "a file of secrets"));
        } else if given.has(Taint::LISTED) {
            self.handed.push((name, line, "the whole environment"));
        }
    }

    /// A module is loaded by a value.
    pub(super) fn load_of(&mut self, value: &Value, line: u32) {
        match &value.text {
            Some(text) if !text.value.contains(literals::HOLE) => {
                let module = calls::module(&text.value);
                self.loads(&text.value, line);
                let matters = GUARDED.contains(&module)
                    || matches!(module, "fs" | "https" | "http" | "net" | "vm" | "os" | "dns");
                if text.disguise > Disguise::None && matters {
                    let weak = text.disguise == Disguise::Joined && module != "child_process";
                    self.sign(SignKind::Obfuscated, line, &format!("hides that it loads {module}"), weak);
                }
                if text.value.starts_with("data:") && text.disguise == Disguise::Decoded {
                    self.sign(SignKind::Obfuscated, line, "decoded text is run as a module", false);
                }
            }
            Some(text) if text.value.ends_with(".node") => self.facts.does(Deed::Native, line),
            _ => {
                self.facts.does(Deed::DynamicImport, line);
                if value.taint.has(Taint::REMOTE) {
                    self.sign(SignKind::RemoteCode, line, "what the network says is loaded as a module", true);
                }
            }
        }
    }

    /// A member is read, or a name bound to one.
    pub(super) fn member(&mut self, value: &Value, line: u32) {
        let Some(path) = value.as_path() else { return };
        if path.starts_with("process.env.") {
            let path = path.to_owned();
            self.variable(&path, line);
            return;
        }
        if path.starts_with("require.cache") || path == "module._cache" {
            self.facts.does(Deed::Patching, line);
        }
        let path = path.to_owned();
        self.uses_broad(&path);
    }

    fn uses_broad(&mut self, path: &str) {
        let (root, rest) = calls::split(path);
        if rest.is_empty() || rest == "?" {
            return;
        }
        if let Some(entry) = self.broad.get_mut(root) {
            entry.1 = true;
        } else if calls::BROAD.contains(&root) {
            self.broad.insert(root.to_owned(), (1, true));
        }
    }

    /// A member whose name is not written as it is.
    pub(super) fn hidden_key(&mut self, object: &Value, key: &Text, line: u32) {
        if key.disguise == Disguise::None || !GUARDED.contains(&&*key.value) {
            return;
        }
        let global = object.as_path().is_some_and(|path| {
            matches!(path, "globalThis" | "global" | "window" | "process" | "module" | "child_process")
        });
        let weak = key.disguise == Disguise::Joined && !global;
        self.sign(SignKind::Obfuscated, line, &format!("hides that it uses {}", key.value), weak);
    }

    /// An option of something: `hostname` stands where a host is expected.
    pub(super) fn option(&mut self, key: &str, expression: &Expression<'a>, line: u32) {
        if matches!(key, "hostname" | "host" | "servername")
            && let Some(text) = self.value(expression).text
        {
            for name in literals::host(&text.value) {
                if text.disguise == Disguise::Decoded {
                    self.sign(SignKind::Obfuscated, line, &format!("hides {}", name.text), false);
                }
                self.facts.names(name.kind, name.text, line);
            }
        }
    }

    fn program_started(&mut self, arguments: &[Value], line: u32) {
        self.flows.see(Event::Process, line);
        let mut command = String::new();
        for value in arguments.iter().take(2) {
            let list = value.list.iter().flat_map(|list| list.iter());
            for part in std::iter::once(value).chain(list.take(256)) {
                if let Some(text) = part.as_text() {
                    if !command.is_empty() {
                        command.push(' ');
                    }
                    command.push_str(text);
                }
            }
        }
        for order in literals::orders(&command) {
            self.sign(order.kind, line, order.shown, order.weak);
        }
        if command.contains("chmod ") {
            self.flows.see(Event::Executable, line);
        }
        if ["pbpaste", "xclip -o", "xsel -o", "Get-Clipboard", "screencapture", "scrot"]
            .iter()
            .any(|word| command.contains(word))
        {
            self.facts.does(Deed::Spying, line);
        }
        if arguments.first().is_some_and(|value| {
            value.taint.has(Taint::REMOTE) && value.as_path().is_none_or(|path| !path.contains("child_process"))
        }) {
            self.sign(SignKind::RemoteCode, line, "what the network says is run as a command", false);
        }
    }

    fn code_run(&mut self, path: &str, arguments: &[Value], line: u32) {
        let remote = arguments.iter().any(|value| value.taint.has(Taint::REMOTE));
        let code = if path == "Function" { arguments.last() } else { arguments.first() };
        match code.and_then(|value| value.text.clone()) {
            Some(text) => self.text_run(&text, line),
            None if arguments.is_empty() => {}
            None => self.flows.see(Event::Dynamic, line),
        }
        if remote {
            self.sign(SignKind::RemoteCode, line, "what the network says is run as code", false);
        }
    }

    /// Known text is run as code.
    fn text_run(&mut self, text: &Text, line: u32) {
        if text.value.contains("debugger") && text.value.len() < 64 {
            self.scrambling.trapped_at.get_or_insert(line);
        }
        if text.disguise == Disguise::Decoded {
            self.sign(SignKind::Obfuscated, line, "decoded text is run as code", false);
        }
        if text.value.len() > 8 && self.inner.len() < 4_096 {
            self.inner.push((text.value.to_string(), line));
        }
    }

    fn file_written(&mut self, path: &str, arguments: &[Value], line: u32) {
        self.flows.see(Event::Write, line);
        if path.contains("chmod") {
            let mode = arguments.get(1);
            let runs = mode.is_some_and(|mode| {
                mode.number.is_some_and(|bits| (bits as i64) & 0o111 != 0)
                    || mode.as_text().is_some_and(|text| text.contains(['7', 'x']))
            });
            if runs {
                self.flows.see(Event::Executable, line);
            }
        }
        if !calls::writes_named_file(path) {
            return;
        }
        let at = usize::from(path.contains("copy") || path.ends_with(".cp") || path.ends_with(".cpSync"));
        let Some(text) = arguments.get(at).and_then(Value::as_text) else { return };
        let shown = format!("writes {}", literals::shown(text));
        match literals::startup_place(text) {
            Some(StartupPlace::Workflow) => self.sign(SignKind::Spreading, line, &shown, false),
            Some(StartupPlace::Agent) => self.sign(SignKind::Persistence, line, &shown, true),
            Some(_) => self.sign(SignKind::Persistence, line, &shown, false),
            None => {}
        }
    }

    /// Values reach the network.
    fn sent(&mut self, arguments: &[Value], line: u32) {
        let given = arguments.iter().fold(Taint::default(), |all, value| all.with(value.taint));
        if given.has(Taint::SECRET) {
            self.sign(SignKind::Theft, line, "a file of secrets is sent", false);
        }
        if given.has(Taint::LISTED) || given.has(Taint::ENVIRONMENT) {
            self.sign(SignKind::Theft, line, "the whole environment is sent", false);
        }
    }

    /// A URL is asked for.
    fn asked(&mut self, url: &str, line: u32) {
        if url.contains(".github/workflows") {
            self.sign(SignKind::Spreading, line, "writes workflows of repositories", false);
        }
        if url.contains("/-/npm/v1/tokens") {
            self.sign(SignKind::Spreading, line, "asks for the tokens of the registry", false);
        }
    }

    /// Something is given a value.
    pub(super) fn assigned(&mut self, it: &AssignmentExpression<'a>) {
        let line = self.line(it.span.start);
        match &it.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => {
                let name = name.name.as_str();
                let mut value = self.value(&it.right);
                if it.operator == AssignmentOperator::Addition {
                    value = grown(self.lookup(name), value);
                }
                self.names_function(name, &it.right);
                self.addressed(name, &it.right, line);
                if name == "fetch" && self.lookup(name).as_path() == Some("fetch") && value.path.is_none() {
                    self.facts.does(Deed::Patching, line);
                }
                self.assign(name, value);
            }
            target => {
                let Some(member) =
                    target.as_simple_assignment_target().and_then(|target| target.as_member_expression())
                else {
                    return;
                };
                let object = self.value(member.object());
                let key = match member {
                    oxc_ast::ast::MemberExpression::ComputedMemberExpression(computed) => {
                        self.value(&computed.expression).text.map(|text| text.value.to_string())
                    }
                    member => member.static_property_name().map(ToOwned::to_owned),
                };
                let Some(key) = key else { return };
                let value = resolve::of_member(&object, &key);
                self.member(&value, line);
                if let Some(path) = value.as_path() {
                    let path = path.to_owned();
                    self.patched(&path, line);
                }
                self.addressed(&key, &it.right, line);
                self.option(&key, &it.right, line);
                if matches!(key.as_str(), "postinstall" | "preinstall")
                    && !it.right.get_inner_expression().is_function()
                {
                    self.flows.see(super::flows::Event::InstallScript, line);
                }
            }
        }
    }

    /// Something that others rely on is replaced.
    fn patched(&mut self, path: &str, line: u32) {
        let builtin = path.split_once(".prototype").is_some_and(|(root, _)| BUILTINS.contains(&root));
        let replaced = matches!(
            path,
            "fetch"
                | "http.request"
                | "http.get"
                | "https.request"
                | "https.get"
                | "http.ClientRequest"
                | "module._load"
                | "module.Module._load"
                | "module.prototype.require"
                | "module.Module.prototype.require"
                | "module._resolveFilename"
                | "child_process.spawn"
                | "child_process.exec"
                | "JSON.parse"
                | "JSON.stringify"
                | "process.stdout.write"
                | "process.emit"
                | "net.Socket.prototype.connect"
        ) || path.starts_with("module._extensions")
            || path.starts_with("require.extensions")
            || path.starts_with("require.cache");
        if builtin || replaced {
            self.facts.does(Deed::Patching, line);
        }
    }

    /// A name is bound: scramblers number theirs.
    pub(super) fn scrambled_binding(&mut self, pattern: &BindingPattern<'a>, line: u32) {
        if let BindingPattern::BindingIdentifier(name) = pattern {
            self.scrambling.name(name.name.as_str(), line);
        }
    }

    /// A comparison: with a place on earth, or a date that is written into the code.
    pub(super) fn compares(&mut self, it: &BinaryExpression<'a>) {
        if !it.operator.is_equality() && !it.operator.is_compare() {
            return;
        }
        let line = self.line(it.span.start);
        for (one, other) in [(&it.left, &it.right), (&it.right, &it.left)] {
            let Some(path) = self.value(one).path else { continue };
            let other = self.value(other);
            let zone = path.ends_with(".timeZone") && other.as_text().is_some_and(|text| text.contains('/'));
            let clock = matches!(&*path, "Date.now()" | "Date()" | "Date().getTime()")
                && (other.number.is_some_and(|number| number > 1_500_000_000_000.0)
                    || other.as_path() == Some("Date()") && self.is_dated(it));
            let user = &*path == "os.userInfo().username" && other.text.is_some();
            if zone || clock || user {
                self.sign(SignKind::Evasion, line, "waits for a place, date or user", true);
            }
        }
    }

    /// Whether one side of a comparison is a date that is written out.
    fn is_dated(&mut self, it: &BinaryExpression<'a>) -> bool {
        [&it.left, &it.right].into_iter().any(|side| match side.get_inner_expression() {
            Expression::NewExpression(new) => {
                let arguments = self.arguments(&new.arguments);
                arguments.first().is_some_and(|value| value.as_text().is_some_and(|text| text.starts_with("20")))
            }
            _ => false,
        })
    }
}

/// A value with another one added.
fn grown(old: Value, more: Value) -> Value {
    let taint = old.taint.with(more.taint);
    let text = match (&old.text, &more.text) {
        (Some(old), Some(more)) if old.value.len() + more.value.len() <= 4_096 => Some(Text {
            value: format!("{}{}", old.value, more.value).into(),
            disguise: old.disguise.max(more.disguise).max(Disguise::Joined),
        }),
        _ => None,
    };
    Value { text, taint, ..Value::default() }
}

fn place_of(value: Option<&Value>) -> &'static str {
    value
        .and_then(Value::as_text)
        .and_then(|text| literals::secret_places(text).into_iter().find(|place| literals::is_grave(place)))
        .unwrap_or("files of secrets")
}
