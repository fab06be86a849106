//! What calls, attributes and items do: where names lead, what arguments tell, and what is seldom innocent.
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{
    deeds,
    reader::{HOLE_TEXT, Reader, made},
    value::{Coding, Taint, Value},
};
use crate::content::{
    facts::{Deed, NameKind, SignKind},
    literals::{self, Recipient, StartupPlace},
};

/// Built-in functions that are looked at by name.
const BUILTINS: &[&str] =
    &["exec", "eval", "compile", "open", "__import__", "getattr", "setattr", "globals", "vars", "locals"];
/// Modules whose functions matter, so that hiding their name is no accident.
const MATTERING: &[&str] = &["os", "subprocess", "socket", "builtins", "ctypes", "pty", "marshal"];

impl Reader<'_> {
    /// `base.name`.
    pub(super) fn attribute(&mut self, base: &Value, name: &str, line: u32) -> Value {
        let taint = match &base.path {
            Some(path) if path == "os" && name == "environ" => return Value::path("os.environ"),
            _ => base.taint,
        };
        let Some(path) = &base.path else {
            // A method of a text: what it is called on is looked at when it is called.
            return Value { text: base.text.clone(), ..Value::tainted(taint) };
        };
        let path = match path.as_str() {
            "builtins" | "__builtins__" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        if path.len() > 300 {
            return Value::tainted(taint);
        }
        if path == "ctypes.cdll" || path == "ctypes.windll" {
            self.facts.does(Deed::Native, line);
        }
        Value { text: base.text.clone(), ..Value::path(path) }.with(taint)
    }

    /// `base[key]`.
    pub(super) fn item(&mut self, base: Value, key: &Value, line: u32) -> Value {
        let path = base.path.as_deref().unwrap_or_default();
        match key.str() {
            Some(name) if path == "os.environ" || path.ends_with(".environ") => {
                self.variable(name, line);
                Value::default()
            }
            Some(name) if deeds::namespace(path) => {
                let name = name.to_owned();
                let module = path.strip_suffix(".__dict__").unwrap_or("builtins").to_owned();
                self.named_by_text(&module, &name, key.is_hidden(), line)
            }
            Some(name) if path == "sys.modules" => Value::path(name),
            _ => {
                let at = key.number.and_then(|number| usize::try_from(number).ok());
                let item = base.items.as_ref().zip(at).and_then(|(items, at)| items.get(at).cloned());
                // One variable of the environment is not the environment.
                item.unwrap_or_else(|| Value::tainted(base.taint.without(Taint::ENVIRONMENT)))
            }
        }
    }

    /// `base[key] = value`.
    pub(super) fn set_item(&mut self, base: &Value, key: &Value, value: &Value, at: &impl Ranged) {
        let line = self.line(at.start());
        if base.path.as_deref() == Some("sys.modules") {
            self.facts.does(Deed::Patching, line);
        }
        self.pair(key, value, at);
    }

    /// `base.name = value`.
    pub(super) fn set_attribute(&mut self, base: &Value, name: &str, value: &Value, at: &impl Ranged) {
        let line = self.line(at.start());
        let replaced = match base.path.as_deref() {
            Some("builtins" | "socket" | "ssl" | "subprocess" | "os" | "requests" | "urllib.request" | "sys") => {
                base.path.as_deref() != Some("sys")
                    || matches!(name, "stdout" | "meta_path" | "path_hooks" | "excepthook")
            }
            Some(path) => {
                ["socket.", "requests.", "http.client."].iter().any(|start| path.starts_with(start))
                    && !path.contains('(')
            }
            None => false,
        };
        if replaced && name != "stdout" {
            self.facts.does(Deed::Patching, line);
        }
        self.pair(&Value::text(name), value, at);
    }

    /// What a module, class or dictionary is asked for by a text.
    fn named_by_text(&mut self, module: &str, name: &str, hidden: bool, line: u32) -> Value {
        let path = if module == "builtins" { name.to_owned() } else { format!("{module}.{name}") };
        if hidden
            && (MATTERING.contains(&path.as_str())
                || BUILTINS.contains(&path.as_str())
                || !deeds::of_call(&path).is_empty())
        {
            self.flag(SignKind::Obfuscated, line, "the name of what it uses is put together", &path, false);
        }
        Value::path(path)
    }

    /// A variable of the environment.
    fn variable(&mut self, name: &str, line: u32) {
        self.facts.does(Deed::Environment, line);
        if !name.is_empty() && name.len() <= 128 && !name.contains(literals::HOLE) {
            let name = literals::variable(name);
            self.facts.names(name.kind, name.text, line);
        }
    }

    /// `{**value}`.
    pub(super) fn spread(&mut self, value: &Value, line: u32) -> Taint {
        if value.path.as_deref() == Some("os.environ") {
            self.facts.does(Deed::WholeEnvironment, line);
            return Taint::ENVIRONMENT;
        }
        value.taint
    }

    /// A key and its value, wherever they are written: dictionaries, keywords, headers of messages.
    pub(super) fn pair(&mut self, key: &Value, value: &Value, at: &impl Ranged) {
        let Some(recipient) = key.str().and_then(literals::recipient) else { return };
        let mut texts: Vec<&str> = value.str().into_iter().collect();
        texts.extend(value.items.iter().flatten().filter_map(Value::str));
        let emails = texts.iter().flat_map(|text| literals::emails(text));
        let emails: Vec<String> = emails.filter(|email| !literals::is_sample(email)).collect();
        let line = self.line(at.start());
        for email in emails {
            let weak = !matches!(recipient, Recipient::Hidden | Recipient::Copy);
            self.flag(SignKind::Recipient, line, key.str().unwrap_or_default(), &email, weak);
        }
    }

    /// A text that decoding or putting together showed.
    pub(super) fn unveiled(&mut self, text: &str, line: u32) {
        let names = literals::names(text);
        let telling = names.iter().find(|name| {
            matches!(name.kind, NameKind::Host | NameKind::Address | NameKind::Webhook | NameKind::SecretPath)
        });
        if let Some(name) = telling {
            self.flag(SignKind::Obfuscated, line, "hides a name", &name.text, false);
        } else if let Some(order) = literals::orders(text).into_iter().find(|order| !order.weak) {
            self.flag(SignKind::Obfuscated, line, "hides a command", order.shown, false);
        }
    }

    /// Notes a call of a function whose arguments are not known.
    pub(super) fn calls(&mut self, path: &str, line: u32) {
        for deed in deeds::of_call(path) {
            self.facts.does(deed, line);
        }
        if deeds::runs_code(path) && matches!(path, "exec" | "eval") {
            self.facts.does(Deed::DynamicCode, line);
        }
    }

    pub(super) fn call(&mut self, call: &ast::ExprCall) -> Value {
        let line = self.line(call.func.start());
        // What a method is called on is evaluated once: chains of calls would else cost twice as much with every link.
        let (receiver, function) = match &*call.func {
            Expr::Attribute(attribute) if !is_self(&attribute.value) => {
                let base = self.eval(&attribute.value);
                let function = self.attribute(&base, attribute.attr.as_str(), self.line(attribute.attr.start()));
                (base, function)
            }
            other => (Value::default(), self.eval(other)),
        };
        let mut values = Vec::with_capacity(call.arguments.args.len());
        let mut taint = Taint::default();
        for argument in &call.arguments.args {
            let value = self.eval(argument);
            if let Expr::Starred(_) = argument {
                taint = taint.and(self.spread(&value, line));
            }
            taint = taint.and(value.taint);
            values.push(value);
        }
        let mut keywords = Vec::with_capacity(call.arguments.keywords.len());
        for keyword in &call.arguments.keywords {
            let value = self.eval(&keyword.value);
            match &keyword.arg {
                Some(name) => {
                    self.pair(&Value::text(name.as_str()), &value, keyword);
                    taint = taint.and(value.taint);
                    keywords.push((name.as_str(), value));
                }
                None => taint = taint.and(self.spread(&value, line)),
            }
        }
        let method = match &*call.func {
            Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
            _ => None,
        };
        // `msg.add_header("Bcc", "…")` and its like.
        if let (Some("add_header" | "__setitem__" | "set" | "setdefault" | "append"), [key, value, ..]) =
            (method, values.as_slice())
        {
            let (key, value) = (key.clone(), value.clone());
            self.pair(&key, &value, call);
        }
        if let (Some(method), [value]) = (method, values.as_slice())
            && literals::recipient(method).is_some()
        {
            let value = value.clone();
            self.pair(&Value::text(method), &value, call);
        }
        if let (Some("append" | "extend" | "update" | "add" | "write" | "insert"), Expr::Attribute(attribute)) =
            (method, &*call.func)
        {
            self.taint_base(&attribute.value, taint);
        }
        let seen = Seen {
            receiver: &receiver,
            function: &function,
            method,
            values: &values,
            keywords: &keywords,
            taint,
            line,
        };
        let known = self.known_call(&seen);
        if let Some(value) = known {
            return value;
        }
        self.sinks(&seen, call);
        self.result(&seen)
    }

    /// Calls whose result is known.
    fn known_call(&mut self, seen: &Seen<'_>) -> Option<Value> {
        let Seen { function, values, line, .. } = *seen;
        let path = function.path.as_deref().unwrap_or_default();
        let first = values.first();
        let text = first.and_then(Value::str);
        let hidden = first.is_some_and(Value::is_hidden);
        match path {
            "__import__" | "importlib.import_module" | "importlib.__import__" | "imp.load_module" => match text {
                Some(module) if !module.starts_with('.') && !module.contains(literals::HOLE) => {
                    let module = module.to_owned();
                    self.imports(&module, line);
                    return Some(self.named_by_text("builtins", &module, hidden, line));
                }
                _ => {
                    self.facts.does(Deed::DynamicImport, line);
                    return Some(Value::default());
                }
            },
            "getattr" | "builtins.getattr" => {
                let (object, name) = (values.first()?, values.get(1)?);
                let name_text = name.str()?.to_owned();
                let module = object.path.clone()?;
                return Some(self.named_by_text(&module, &name_text, name.is_hidden(), line));
            }
            "os.getenv" | "os.environ.get" | "os.environ.pop" | "os.environ.setdefault" | "environ.get" => {
                match text {
                    Some(name) => {
                        let name = name.to_owned();
                        self.variable(&name, line);
                    }
                    None => self.facts.does(Deed::Environment, line),
                }
                // What stands in for a variable that is not set is a constant of this code.
                return Some(
                    values
                        .get(1)
                        .map(|value| Value { text: value.text.clone(), ..Value::default() })
                        .unwrap_or_default(),
                );
            }
            "os.environ.items" | "os.environ.values" | "os.environ.copy" => {
                self.facts.does(Deed::WholeEnvironment, line);
                return Some(Value::tainted(Taint::ENVIRONMENT));
            }
            "chr" => {
                let letter = first.and_then(|value| value.number).and_then(|number| u32::try_from(number).ok());
                let letter = letter.and_then(char::from_u32)?;
                return Some(made(letter.to_string().into_bytes(), Taint::default()));
            }
            "ord" => {
                let number = text.and_then(|text| text.chars().next()).map(|letter| i64::from(u32::from(letter)));
                return Some(Value { number, ..Value::default() });
            }
            "map" => {
                let (mapped, items) = (values.first()?, values.get(1)?);
                if mapped.path.as_deref() == Some("chr") {
                    let items = items.elements().filter(|items| items.len() <= self.budget)?;
                    self.budget -= items.len();
                    let letters = items.iter().map(|item| {
                        let letter = item.number.and_then(|number| u32::try_from(number).ok()).and_then(char::from_u32);
                        letter.map(|letter| made(letter.to_string().into_bytes(), Taint::default())).unwrap_or_default()
                    });
                    return Some(Value { items: Some(letters.collect()), ..Value::default() });
                }
                return None;
            }
            "bytes" | "bytearray" => {
                let items = first?.items.as_ref()?;
                let bytes: Option<Vec<u8>> =
                    items.iter().map(|item| item.number.and_then(|number| u8::try_from(number).ok())).collect();
                return bytes.map(|bytes| self.unveil(bytes, Taint::default(), line));
            }
            "reversed" => return first.cloned().map(Value::reversed),
            "list" | "tuple" | "str" if first.is_some_and(|value| value.items.is_some() || value.text.is_some()) => {
                return first.cloned().map(|value| Value { path: None, ..value });
            }
            _ => {}
        }
        self.text_method(seen)
    }

    /// Methods of texts, and functions that decode.
    fn text_method(&mut self, seen: &Seen<'_>) -> Option<Value> {
        let Seen { receiver, function, method, values, line, taint, .. } = *seen;
        let path = function.path.as_deref().unwrap_or_default();
        let coding = Coding::of(path).or_else(|| {
            let codec = match (path, method) {
                ("codecs.decode", _) => values.get(1).and_then(Value::str),
                (_, Some("decode")) => values.first().and_then(Value::str),
                _ => None,
            };
            codec.and_then(Coding::named)
        });
        if let Some(coding) = coding {
            let input = if path.is_empty()
                || method == Some("decode") && Coding::of(path).is_none() && path != "codecs.decode"
            {
                receiver.clone()
            } else {
                values.first().cloned().unwrap_or_default()
            };
            let taint = taint.and(input.taint);
            return Some(match &input.text {
                Some(text) => {
                    let mark = taint.and(Taint::DECODED);
                    match coding.decode(&text.bytes) {
                        Some(bytes) => self.unveil(bytes, mark, line),
                        None => Value::tainted(mark),
                    }
                }
                None if input.taint.has(Taint::DECODED) => Value::tainted(taint),
                None => Value::tainted(taint.and(Taint::DECODED_ELSE)),
            });
        }
        let receiver = match method {
            _ if matches!(
                path,
                "os.path.join"
                    | "os.path.expanduser"
                    | "os.path.expandvars"
                    | "os.path.abspath"
                    | "pathlib.Path"
                    | "Path"
            ) =>
            {
                let mut whole = values.first().cloned().unwrap_or_default();
                for part in values.get(1..).unwrap_or_default() {
                    whole = whole.plus(Value::text("/")).plus(part.clone());
                }
                let whole =
                    Value { path: Some("pathlib.Path()".to_owned()).filter(|_| path.ends_with("Path")), ..whole };
                self.note(&whole, line);
                return Some(self.path_taint(whole));
            }
            Some(
                "join" | "format" | "replace" | "decode" | "encode" | "strip" | "lower" | "upper" | "expanduser"
                | "joinpath" | "split",
            ) => receiver.clone(),
            _ => return None,
        };
        let given = values.first();
        let plain = receiver.text.as_ref()?;
        Some(match method? {
            "join" if given.is_some_and(|value| value.items.is_some()) => {
                let separator = plain.bytes.clone();
                let whole = given?.joined(&separator);
                let hidden = whole.is_hidden();
                match &whole.text {
                    Some(text) if hidden => self.unveil(text.bytes.clone(), whole.taint, line),
                    _ => {
                        self.note(&whole, line);
                        self.path_taint(whole)
                    }
                }
            }
            "format" => {
                let text = receiver.str()?.replace("{}", HOLE_TEXT);
                let whole = Value::text(&text).with(receiver.taint.and(taint));
                self.note(&whole, line);
                whole
            }
            "replace" => {
                let (from, to) = (given?.str()?, values.get(1)?.str()?);
                let before = receiver.str()?;
                if from.is_empty() || before.len() > super::value::LONGEST / 8 {
                    return None;
                }
                let after = before.replace(from, to);
                // Taking letters out of the middle of words is a way to hide them.
                let many =
                    before.matches(from).count() >= 3 && to.is_empty() && from.chars().any(char::is_alphanumeric);
                if many {
                    self.unveil(after.into_bytes(), receiver.taint, line)
                } else {
                    let whole = Value::text(&after).with(receiver.taint);
                    self.note(&whole, line);
                    whole
                }
            }
            "split" => return None,
            "expanduser" => Value { path: receiver.path.clone(), ..receiver },
            "joinpath" => {
                let whole =
                    values.iter().fold(receiver.clone(), |whole, part| whole.plus(Value::text("/")).plus(part.clone()));
                self.note(&whole, line);
                self.path_taint(whole)
            }
            _ => Value { path: None, ..receiver }.with(taint),
        })
    }

    /// Looks at a text that was put together.
    fn note(&mut self, value: &Value, line: u32) {
        if let Some(text) = value.str() {
            self.literal(text, line);
        }
    }

    /// Decoded bytes, looked at as a text.
    fn unveil(&mut self, bytes: Vec<u8>, taint: Taint, line: u32) -> Value {
        let value = made(bytes, taint);
        if let Some(text) = value.str().filter(|text| text.len() >= 3) {
            let text = text.to_owned();
            self.literal(&text, line);
            self.unveiled(&text, line);
        }
        self.path_taint(value)
    }

    /// What happens to what is given to a function.
    fn sinks(&mut self, seen: &Seen<'_>, call: &ast::ExprCall) {
        let Seen { function, method, values, keywords, taint, line, .. } = *seen;
        let path = function.path.as_deref().unwrap_or_default();
        let shown = self.words(call);
        for deed in deeds::of_call(path) {
            self.facts.does(deed, line);
        }
        let whole = values.iter().any(|value| value.path.as_deref() == Some("os.environ"));
        let taint = if whole && deeds::passes_on(path) {
            self.facts.does(Deed::WholeEnvironment, line);
            taint.and(Taint::ENVIRONMENT)
        } else if whole && deeds::sends(path) {
            taint.and(Taint::ENVIRONMENT)
        } else {
            taint
        };
        self.code(seen, shown);
        if deeds::runs_programs(path) || (path == "os.system") {
            self.command(seen, shown);
        }
        self.files(seen, shown);
        let local = path.strip_prefix("def:").or(method.filter(|_| path.starts_with("self.")));
        let away =
            deeds::sends(path) || local.and_then(|name| self.functions.get(name)).is_some_and(|known| known.sends);
        if deeds::of_call(path).contains(&Deed::Network) {
            self.frame().network.get_or_insert(line);
            for value in values.iter().chain(keywords.iter().map(|(_, value)| value)).take(4) {
                if let Some(text) = value.str().filter(|text| path.starts_with("socket") && !text.contains("://")) {
                    for name in literals::host(text) {
                        self.facts.names(name.kind, name.text, line);
                    }
                }
            }
        }
        if away {
            // Many keep the token that they send in a variable; few send all variables, or a whole file with keys.
            if taint.has(Taint::ENVIRONMENT) {
                self.flag(SignKind::Theft, line, "sends the whole environment away", shown, false);
            }
            if taint.has(Taint::SECRET_FILE) {
                self.flag(SignKind::Theft, line, "sends a file with secrets away", shown, false);
            }
            if taint.has(Taint::PARAMETER) {
                self.frame().summary.sends = true;
            }
        }
        let last = path.rsplit('.').next().unwrap_or_default();
        if matches!(last, "sendmail" | "send_message")
            && deeds::below(path, "smtplib")
            && let Some(to) = values.get(1)
        {
            let to = to.clone();
            self.pair(&Value::text("bcc"), &to, call);
        }
    }

    /// Text that is run as Python.
    fn code(&mut self, seen: &Seen<'_>, shown: &str) {
        let Seen { function, values, taint, line, .. } = *seen;
        let path = function.path.as_deref().unwrap_or_default();
        let unpickles =
            matches!(path, "pickle.loads" | "cPickle.loads" | "dill.loads" | "cloudpickle.loads" | "marshal.loads");
        if !deeds::runs_code(path) && !unpickles {
            return;
        }
        let Some(given) = values.first() else { return };
        // `re.compile` is another function, and a text that is written out is no secret.
        let written = given.text.as_ref().is_some_and(|text| !text.hidden);
        if written && path == "compile" {
            return;
        }
        self.facts.does(Deed::DynamicCode, line);
        if unpickles {
            return;
        }
        if taint.has(Taint::NETWORK) {
            self.flag(SignKind::RemoteCode, line, "runs text from the network", shown, false);
        }
        if taint.has(Taint::DECODED) || given.is_hidden() {
            self.flag(SignKind::Obfuscated, line, "runs decoded text", shown, false);
        } else if taint.has(Taint::DECODED_ELSE) {
            self.flag(SignKind::Obfuscated, line, "runs decoded text", shown, true);
        }
        if let Some(text) = given.str().filter(|text| text.len() <= 64 << 10 && self.frames.len() < 20) {
            // What it runs is code as well.
            let text = text.to_owned();
            self.inner(&text, line);
        }
    }

    /// A command for the system.
    fn command(&mut self, seen: &Seen<'_>, shown: &str) {
        let Seen { values, taint, line, .. } = *seen;
        let mut words: Vec<&str> = Vec::new();
        for value in values.iter().take(8) {
            words.extend(value.str());
            words.extend(value.items.iter().flatten().filter_map(Value::str));
        }
        let hidden = values.iter().any(|value| value.is_hidden() || value.items.iter().flatten().any(Value::is_hidden));
        let line_of_command = words.join(" ");
        let python =
            words.iter().position(|word| *word == "-c").and_then(|at| words.get(at + 1)).map(|code| (*code).to_owned());
        for order in literals::orders(&line_of_command) {
            self.flag(order.kind, line, order.shown, shown, order.weak);
        }
        if hidden || taint.has(Taint::DECODED) {
            self.flag(SignKind::Obfuscated, line, "runs a command that it hides", shown, false);
        }
        if taint.has(Taint::NETWORK) {
            self.flag(SignKind::RemoteCode, line, "runs a command made of what the network said", shown, true);
        }
        if let Some(code) = python.filter(|code| code.len() <= 64 << 10 && self.frames.len() < 20) {
            self.inner(&code, line);
        }
    }

    /// Python inside of a text: what it does counts for the line that runs it.
    fn inner(&mut self, code: &str, line: u32) {
        if self.depth >= 3 || !super::depth::is_bearable(code) {
            return;
        }
        let facts = Reader::inside(self.path, code, self.depth + 1);
        for deed in facts.deeds.into_keys() {
            self.facts.does(deed, line);
        }
        for name in facts.names.into_keys() {
            self.facts.names(name.kind, name.text, line);
        }
        for mut sign in facts.signs {
            sign.line = line;
            if self.facts.signs.len() < 200 {
                self.facts.signs.push(sign);
            }
        }
    }

    /// Files that are opened, read and written.
    fn files(&mut self, seen: &Seen<'_>, shown: &str) {
        let Seen { function, method, values, keywords, taint, line, .. } = *seen;
        let path = function.path.as_deref().unwrap_or_default();
        let opens = matches!(path, "open" | "io.open" | "codecs.open" | "aiofiles.open" | "gzip.open")
            || method == Some("open") && path.contains("Path()");
        let mode = keywords
            .iter()
            .find(|(name, _)| *name == "mode")
            .map(|(_, value)| value)
            .or(values.get(1))
            .and_then(Value::str);
        let writes = (opens && mode.is_some_and(|mode| mode.starts_with(['w', 'a', 'x']) || mode.contains('+')))
            || matches!(method, Some("write_text" | "write_bytes"))
            || matches!(
                path,
                "shutil.copy" | "shutil.copy2" | "shutil.copyfile" | "shutil.move" | "os.rename" | "os.symlink"
            );
        if opens && !writes || matches!(method, Some("read_text" | "read_bytes")) {
            self.facts.does(Deed::ReadFiles, line);
            if taint.has(Taint::SECRET_PATH) || function.taint.has(Taint::SECRET_PATH) {
                self.frame().secret.get_or_insert(line);
            }
        }
        if !writes {
            return;
        }
        self.facts.does(Deed::WriteFiles, line);
        let texts = values.iter().chain(std::iter::once(function)).filter_map(Value::str);
        let place = texts.clone().find_map(literals::startup_place);
        if let Some(place) = place {
            let (kind, what, weak) = match place {
                StartupPlace::Workflow => (SignKind::Spreading, "writes a workflow of CI", false),
                StartupPlace::Agent => (SignKind::Persistence, "writes a configuration of an agent", true),
                StartupPlace::System => (SignKind::Persistence, "arranges to be started again", false),
                // Libraries for command lines offer to install their completion, in a function that somebody calls.
                StartupPlace::Shell => {
                    let offered = self.frames.len() > 1 && !self.path.ends_with("setup.py");
                    (SignKind::Persistence, "writes to a shell profile", offered)
                }
                StartupPlace::Hook => (SignKind::Persistence, "writes a hook of git", true),
            };
            self.flag(kind, line, what, shown, weak);
        }
        if texts.clone().any(|text| {
            text.ends_with(".pth") || text.ends_with("sitecustomize.py") || text.ends_with("usercustomize.py")
        }) {
            let setup = self.path.ends_with("setup.py");
            self.flag(SignKind::Persistence, line, "writes what every interpreter runs", shown, !setup);
        }
    }

    /// What a call gives back, where nothing better is known.
    fn result(&mut self, seen: &Seen<'_>) -> Value {
        let Seen { function, method, values, taint, line, .. } = *seen;
        let path = function.path.as_deref().unwrap_or_default();
        let mut flows = function.taint.without(Taint::SECRET_PATH);
        let opens = matches!(path, "open" | "io.open" | "codecs.open" | "aiofiles.open")
            || matches!(method, Some("read_text" | "read_bytes" | "open"));
        if opens && (taint.has(Taint::SECRET_PATH) || function.taint.has(Taint::SECRET_PATH)) {
            flows = flows.and(Taint::SECRET_FILE);
        }
        if deeds::of_call(path).contains(&Deed::Network) {
            flows = flows.and(Taint::NETWORK);
        }
        if deeds::passes_on(path) || method.is_some_and(deeds::passes_on) {
            flows = flows.and(taint);
            if values.iter().any(|value| value.path.as_deref() == Some("os.environ")) {
                self.facts.does(Deed::WholeEnvironment, line);
                flows = flows.and(Taint::ENVIRONMENT);
            }
        }
        // What came from outside stays that, whoever reworks it.
        flows = flows.and(taint.only(&[Taint::NETWORK, Taint::DECODED, Taint::DECODED_ELSE, Taint::PARAMETER]));
        // A function of this file that decodes what it is given, and is given a text.
        let given = values.iter().any(|value| value.text.is_some());
        let known = path
            .strip_prefix("def:")
            .or(method.filter(|_| path.starts_with("self.")))
            .and_then(|name| self.functions.get(name));
        if let Some(known) = known {
            flows = flows.and(known.gives.without(Taint::PARAMETER));
        }
        if given && flows.has(Taint::DECODED_ELSE) {
            flows = flows.and(Taint::DECODED);
        }
        if method == Some("get") {
            flows = flows.without(Taint::ENVIRONMENT);
        }
        let known_object = function.path.as_ref().filter(|path| path.len() < 200 && !path.starts_with("def:"));
        let path = known_object.map(|path| format!("{path}()"));
        Value { path, ..Value::tainted(flows) }
    }
}

fn is_self(expr: &Expr) -> bool {
    matches!(expr, Expr::Name(name) if matches!(name.id.as_str(), "self" | "cls"))
}

/// A call, with what is known about it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    /// What the method is called on.
    receiver: &'a Value,
    function: &'a Value,
    method: Option<&'a str>,
    values: &'a [Value],
    keywords: &'a [(&'a str, Value)],
    /// Of all arguments.
    taint: Taint,
    line: u32,
}
