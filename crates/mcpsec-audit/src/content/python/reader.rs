//! Walks a file in the order of its lines and follows values: names to their modules, texts as they are put together, and what
//! flows from secrets to the network.
//!
//! Nothing is run and loops are gone through once, so that the work is proportional to the text. Where a value cannot be known
//! it is unknown, never guessed.
use std::collections::HashMap;

use ruff_python_ast::{
    self as ast, Expr, InterpolatedStringElement, ModModule, Number, Operator, Stmt,
    visitor::{self, Visitor},
};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};

use super::value::{MOST, Taint, Text, Value};
use crate::content::{
    facts::{Deed, FileFacts, NameKind, Sign, SignKind},
    literals,
};

/// [`literals::HOLE`] as a text.
pub(super) const HOLE_TEXT: &str = "\u{fffc}";

/// A sign with a few words of what shows it.
pub(super) fn sign(kind: SignKind, line: u32, what: &str, words: &str, weak: bool) -> Sign {
    let words = literals::shown(words.trim());
    let shown = if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") };
    Sign { kind, line, shown, weak }
}

/// What a function of the file gives back, and whether it sends its parameters away.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    pub(super) gives: Taint,
    pub(super) sends: bool,
}

/// What the function that is being read did so far.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) names: HashMap<String, Value>,
    /// Where it read a file with secrets.
    pub(super) secret: Option<u32>,
    pub(super) network: Option<u32>,
    pub(super) summary: Summary,
}

/// See the module.
pub(super) struct Reader<'t> {
    /// The file's own path in the package.
    pub(super) path: &'t str,
    text: &'t str,
    starts: Vec<u32>,
    pub(super) facts: FileFacts,
    pub(super) frames: Vec<Frame>,
    pub(super) functions: HashMap<String, Summary>,
    /// Elements that may still be folded one by one.
    pub(super) budget: usize,
    /// How many texts this one is inside of.
    pub(super) depth: u8,
}

impl<'t> Reader<'t> {
    pub(super) fn new(path: &'t str, text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)));
        Self {
            path,
            text,
            starts: starts.collect(),
            facts: FileFacts::default(),
            frames: vec![Frame::default()],
            functions: HashMap::new(),
            budget: MOST * 4,
            depth: 0,
        }
    }

    /// The facts of code that other code runs as a text.
    pub(super) fn inside(path: &str, code: &str, depth: u8) -> FileFacts {
        let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module));
        let ast::Mod::Module(module) = parsed.into_syntax() else { return FileFacts::default() };
        let mut reader = Reader { depth, ..Reader::new(path, code) };
        reader.module(&module);
        reader.finish()
    }

    /// Takes over what an earlier walk learned about functions.
    pub(super) fn knowing(mut self, earlier: Self) -> Self {
        self.functions = earlier.functions;
        self
    }

    pub(super) fn line(&self, offset: TextSize) -> u32 {
        let before = self.starts.partition_point(|start| *start <= offset.to_u32());
        u32::try_from(before.max(1)).unwrap_or(u32::MAX)
    }

    pub(super) fn words(&self, node: &impl Ranged) -> &'t str {
        let range = node.range();
        let text = self.text.get(range.start().to_usize()..range.end().to_usize()).unwrap_or_default();
        text.lines().next().unwrap_or_default()
    }

    pub(super) fn finish(mut self) -> FileFacts {
        self.whole_file();
        self.facts
    }

    pub(super) fn module(&mut self, module: &ModModule) {
        self.visit_body(&module.body);
        // What the module itself does in its top level is no function's doing.
        let frame = self.frames.first_mut().map(std::mem::take).unwrap_or_default();
        self.frames = vec![Frame { network: frame.network, secret: frame.secret, ..Frame::default() }];
    }

    pub(super) fn flag(&mut self, kind: SignKind, line: u32, what: &str, words: &str, weak: bool) {
        if self.facts.signs.len() < 200 {
            self.facts.signs.push(sign(kind, line, what, words, weak));
        }
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        // There is always the module's own frame.
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// What a name stands for.
    fn look_up(&self, name: &str) -> Value {
        for frame in self.frames.iter().rev() {
            if let Some(value) = frame.names.get(name) {
                return value.clone();
            }
        }
        Value::path(name)
    }

    pub(super) fn bind(&mut self, name: &str, value: Value) {
        let frame = self.frame();
        if frame.names.len() < MOST {
            frame.names.insert(name.to_owned(), value);
        }
    }

    /// Notes an import.
    pub(super) fn imports(&mut self, module: &str, line: u32) {
        let top = module.split('.').next().unwrap_or(module);
        if top.is_empty() {
            return;
        }
        self.facts.names(NameKind::Module, top, line);
        if top == "pyarmor_runtime" || top.starts_with("pyarmor_runtime_") || top == "pytransform" {
            self.flag(SignKind::Obfuscated, line, "unpacks encrypted code", module, false);
        }
    }

    /// Notes what a text names.
    pub(super) fn literal(&mut self, text: &str, line: u32) {
        if text.len() < 3 || text.len() > 64 << 10 {
            return;
        }
        for name in literals::names(text) {
            self.facts.names(name.kind, name.text, line);
        }
    }

    fn assign(&mut self, target: &Expr, value: Value) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), value),
            Expr::Starred(starred) => self.assign(&starred.value, Value::tainted(value.taint)),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let items = value.items.filter(|items| items.len() == elts.len());
                for (at, element) in elts.iter().enumerate() {
                    let item = items.as_ref().and_then(|items| items.get(at).cloned());
                    self.assign(element, item.unwrap_or_else(|| Value::tainted(value.taint)));
                }
            }
            Expr::Subscript(subscript) => {
                let key = self.eval(&subscript.slice);
                let base = self.eval(&subscript.value);
                self.set_item(&base, &key, &value, target);
                self.taint_base(&subscript.value, value.taint);
            }
            Expr::Attribute(attribute) => {
                let base = self.eval(&attribute.value);
                self.set_attribute(&base, attribute.attr.as_str(), &value, target);
                if let Expr::Name(name) = &*attribute.value
                    && matches!(name.id.as_str(), "self" | "cls")
                {
                    self.bind(&format!("self.{}", attribute.attr.as_str()), value);
                }
            }
            other => {
                self.eval(other);
            }
        }
    }

    /// A container that something was put into holds it.
    pub(super) fn taint_base(&mut self, base: &Expr, taint: Taint) {
        if let Expr::Name(name) = base
            && taint != Taint::default()
        {
            let value = self.look_up(name.id.as_str());
            self.bind(name.id.as_str(), Value { text: None, items: None, number: None, ..value }.with(taint));
        }
    }

    /// Evaluates all children and gives what flowed into them.
    fn children(&mut self, parts: &[&Expr]) -> Value {
        let taint = parts.iter().fold(Taint::default(), |taint, part| taint.and(self.eval(part).taint));
        Value::tainted(taint)
    }

    /// What an expression is worth. Notes on the way what it does.
    pub(super) fn eval(&mut self, expr: &Expr) -> Value {
        match expr {
            Expr::StringLiteral(literal) => {
                let text = literal.value.to_str();
                self.literal(text, self.line(literal.start()));
                self.path_taint(Value::text(text))
            }
            Expr::BytesLiteral(literal) => {
                let mut bytes = Vec::new();
                for part in literal.value.iter() {
                    bytes.extend_from_slice(&part.value);
                }
                if let Ok(text) = std::str::from_utf8(&bytes) {
                    self.literal(text, self.line(literal.start()));
                }
                Value::bytes(&bytes)
            }
            Expr::NumberLiteral(literal) => match &literal.value {
                Number::Int(number) => Value { number: number.as_i64(), ..Value::default() },
                Number::Float(_) | Number::Complex { .. } => Value::default(),
            },
            Expr::Name(name) => self.look_up(name.id.as_str()),
            Expr::Attribute(attribute) => {
                if let Expr::Name(name) = &*attribute.value
                    && matches!(name.id.as_str(), "self" | "cls")
                {
                    return self.look_up(&format!("self.{}", attribute.attr.as_str()));
                }
                let base = self.eval(&attribute.value);
                let line = self.line(attribute.attr.start());
                self.attribute(&base, attribute.attr.as_str(), line)
            }
            Expr::FString(fstring) => self.fstring(fstring),
            Expr::BinOp(operation) => self.operation(operation),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Call(call) => self.call(call),
            Expr::List(ast::ExprList { elts, .. })
            | Expr::Tuple(ast::ExprTuple { elts, .. })
            | Expr::Set(ast::ExprSet { elts, .. }) => {
                let items: Vec<Value> = elts.iter().map(|element| self.eval(element)).collect();
                let taint = items.iter().fold(Taint::default(), |taint, item| taint.and(item.taint));
                let items = (items.len() <= MOST).then_some(items);
                Value { items, ..Value::tainted(taint) }
            }
            Expr::Dict(dict) => {
                let mut taint = Taint::default();
                for item in &dict.items {
                    let value = self.eval(&item.value);
                    taint = taint.and(value.taint);
                    match &item.key {
                        Some(key) => {
                            let key = self.eval(key);
                            self.pair(&key, &value, &item.value);
                        }
                        // `{**os.environ}`
                        None => taint = taint.and(self.spread(&value, self.line(item.value.start()))),
                    }
                }
                Value::tainted(taint)
            }
            Expr::ListComp(ast::ExprListComp { elt, generators, .. })
            | Expr::SetComp(ast::ExprSetComp { elt, generators, .. })
            | Expr::Generator(ast::ExprGenerator { elt, generators, .. }) => self.comprehension(elt, generators),
            Expr::DictComp(comprehension) => {
                let key = comprehension.key.as_deref();
                let taint = self.comprehension(&comprehension.value, &comprehension.generators).taint;
                let key = key.map(|key| self.eval(key).taint).unwrap_or_default();
                Value::tainted(taint.and(key))
            }
            Expr::Await(ast::ExprAwait { value, .. })
            | Expr::Starred(ast::ExprStarred { value, .. })
            | Expr::YieldFrom(ast::ExprYieldFrom { value, .. }) => self.eval(value),
            Expr::Yield(ast::ExprYield { value, .. }) => {
                value.as_ref().map(|value| self.eval(value)).unwrap_or_default()
            }
            Expr::Named(named) => {
                let value = self.eval(&named.value);
                self.assign(&named.target, value.clone());
                value
            }
            Expr::If(choice) => {
                self.eval(&choice.test);
                let (a, b) = (self.eval(&choice.body), self.eval(&choice.orelse));
                let taint = a.taint.and(b.taint);
                let path = a.path.or(b.path);
                Value { path, text: a.text.or(b.text), ..Value::tainted(taint) }
            }
            Expr::BoolOp(operation) => {
                let values: Vec<Value> = operation.values.iter().map(|value| self.eval(value)).collect();
                let taint = values.iter().fold(Taint::default(), |taint, value| taint.and(value.taint));
                let text = values.iter().find_map(|value| value.text.clone());
                Value { text, ..Value::tainted(taint) }
            }
            // Whether something is so carries nothing of it.
            Expr::Compare(comparison) => {
                self.eval(&comparison.left);
                for part in &comparison.comparators {
                    self.eval(part);
                }
                Value::default()
            }
            Expr::UnaryOp(operation) => {
                let value = self.eval(&operation.operand);
                let number = value.number.filter(|_| operation.op == ast::UnaryOp::USub).map(i64::wrapping_neg);
                Value { number, ..Value::default() }
            }
            Expr::Lambda(lambda) => {
                self.frames.push(Frame::default());
                let value = self.eval(&lambda.body);
                self.frames.pop();
                Value::tainted(value.taint)
            }
            Expr::Slice(slice) => {
                let parts = [&slice.lower, &slice.upper, &slice.step];
                let parts: Vec<&Expr> = parts.into_iter().filter_map(|part| part.as_deref()).collect();
                self.children(&parts)
            }
            Expr::TString(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Value::default(),
        }
    }

    /// Marks a text that is the path of a file with secrets.
    pub(super) fn path_taint(&self, value: Value) -> Value {
        let secret = value.str().is_some_and(|text| !literals::secret_places(text).is_empty());
        if secret { value.with(Taint::SECRET_PATH) } else { value }
    }

    fn fstring(&mut self, fstring: &ast::ExprFString) -> Value {
        let mut whole = Value::text("");
        for part in fstring.value.iter() {
            match part {
                ast::FStringPart::Literal(literal) => whole = whole.plus(Value::text(&literal.value)),
                ast::FStringPart::FString(inner) => {
                    for element in &inner.elements {
                        let next = match element {
                            InterpolatedStringElement::Literal(literal) => Value::text(&literal.value),
                            InterpolatedStringElement::Interpolation(inner) => {
                                let value = self.eval(&inner.expression);
                                Value {
                                    text: value.text.filter(|_| value.path.is_none()),
                                    ..Value::tainted(value.taint)
                                }
                            }
                        };
                        whole = whole.plus(next);
                    }
                }
            }
        }
        self.put_together(whole, fstring.start())
    }

    /// A text that the code puts together: its whole is looked at as a literal would be.
    fn put_together(&mut self, value: Value, at: TextSize) -> Value {
        let line = self.line(at);
        if let Some(text) = value.str() {
            let text = text.to_owned();
            self.literal(&text, line);
            if value.is_hidden() {
                self.unveiled(&text, line);
            }
        }
        self.path_taint(value)
    }

    fn operation(&mut self, operation: &ast::ExprBinOp) -> Value {
        let (left, right) = (self.eval(&operation.left), self.eval(&operation.right));
        let taint = left.taint.and(right.taint);
        let numbers = left.number.zip(right.number);
        let number = numbers.and_then(|(a, b)| match operation.op {
            Operator::Add => a.checked_add(b),
            Operator::Sub => a.checked_sub(b),
            Operator::Mult => a.checked_mul(b),
            Operator::BitXor => Some(a ^ b),
            Operator::BitAnd => Some(a & b),
            Operator::Mod => a.checked_rem(b),
            Operator::FloorDiv => a.checked_div(b),
            _ => None,
        });
        match operation.op {
            Operator::Add if number.is_none() => {
                let whole = left.plus(right);
                self.put_together(whole, operation.start())
            }
            // `Path.home() / ".ssh" / "id_rsa"`
            Operator::Div => {
                let whole = match (left.text.is_some(), right.text.is_some()) {
                    (false, false) => Value::tainted(taint),
                    (false, true) => Value::text("~/").plus(right),
                    (true, _) => left.plus(Value::text("/")).plus(right),
                };
                self.put_together(whole.with(taint), operation.start())
            }
            Operator::Mod if left.text.is_some() => {
                let text = left.str().map(|text| text.replace("%s", HOLE_TEXT));
                Value { ..text.map(|text| Value::text(&text)).unwrap_or_default() }.with(taint)
            }
            _ => Value { number, ..Value::tainted(taint) },
        }
    }

    fn subscript(&mut self, subscript: &ast::ExprSubscript) -> Value {
        let base = self.eval(&subscript.value);
        if let Expr::Slice(slice) = &*subscript.slice {
            let backwards = slice.step.as_ref().map(|step| self.eval(step)).and_then(|step| step.number) == Some(-1);
            if backwards && slice.lower.is_none() && slice.upper.is_none() {
                let whole = base.reversed();
                return self.put_together(whole, subscript.start());
            }
            return Value::tainted(base.taint);
        }
        let key = self.eval(&subscript.slice);
        self.item(base, &key, self.line(subscript.start()))
    }

    fn comprehension(&mut self, element: &Expr, generators: &[ast::Comprehension]) -> Value {
        self.frames.push(Frame::default());
        let mut known = None;
        for generator in generators {
            let iterated = self.eval(&generator.iter);
            let target = matches!(generator.target, Expr::Name(_));
            known = iterated.elements().filter(|_| target && generators.len() == 1 && generator.ifs.is_empty());
            self.assign(&generator.target, Value::tainted(iterated.taint));
            for condition in &generator.ifs {
                self.eval(condition);
            }
        }
        // Only what is decoded element by element is worth going through: lists of numbers, and texts.
        let known = known.filter(|items| {
            items.len() <= self.budget && items.len() >= 2 && items.iter().all(|item| item.number.is_some())
        });
        let value = match (known, generators) {
            (Some(items), [generator]) => {
                self.budget -= items.len();
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    self.assign(&generator.target, item);
                    values.push(self.eval(element));
                }
                let taint = values.iter().fold(Taint::default(), |taint, value| taint.and(value.taint));
                Value { items: Some(values), ..Value::tainted(taint) }
            }
            _ => Value::tainted(self.eval(element).taint),
        };
        self.frames.pop();
        value
    }

    fn function(&mut self, function: &ast::StmtFunctionDef) {
        for decorator in &function.decorator_list {
            self.eval(&decorator.expression);
        }
        let mut frame = Frame { name: function.name.to_string(), ..Frame::default() };
        let mut bound = Vec::new();
        for parameter in function.parameters.iter_non_variadic_params() {
            let default = parameter.default().map(|default| self.eval(default));
            let name = parameter.name().to_string();
            if let Some(default) = &default {
                self.pair(&Value::text(&name), default, &parameter.parameter);
            }
            bound.push((name, default.unwrap_or_default()));
        }
        for (name, default) in bound {
            // The text is only what it is when nothing is given: a hint, as good as a constant for what is looked for here.
            frame.names.insert(name, Value { path: None, ..default }.with(Taint::PARAMETER));
        }
        for parameter in [&function.parameters.vararg, &function.parameters.kwarg].into_iter().flatten() {
            frame.names.insert(parameter.name.to_string(), Value::tainted(Taint::PARAMETER));
        }
        self.bind(function.name.as_str(), Value::path(format!("def:{}", function.name)));
        if self.frames.len() > 200 {
            return;
        }
        self.frames.push(frame);
        self.visit_body(&function.body);
        let Some(frame) = self.frames.pop() else { return };
        self.after_function(&frame);
        let known = self.functions.entry(frame.name).or_default();
        known.gives = known.gives.and(frame.summary.gives);
        known.sends |= frame.summary.sends;
    }

    fn import(&mut self, import: &ast::StmtImport) {
        let line = self.line(import.start());
        for alias in &import.names {
            let module = alias.name.as_str();
            self.imports(module, line);
            match &alias.asname {
                Some(name) => self.bind(name.as_str(), Value::path(module)),
                None => {
                    let top = module.split('.').next().unwrap_or(module).to_owned();
                    self.bind(&top, Value::path(top.clone()));
                }
            }
        }
    }

    fn import_from(&mut self, import: &ast::StmtImportFrom) {
        let line = self.line(import.start());
        let module = import.module.as_ref().map(|module| module.to_string()).unwrap_or_default();
        if import.level == 0 {
            self.imports(&module, line);
        }
        let dots = ".".repeat(usize::try_from(import.level.min(20)).unwrap_or_default());
        for alias in &import.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.bind(name.as_str(), Value::path(format!("{dots}{module}.{}", alias.name)));
        }
    }
}

impl<'a> Visitor<'a> for Reader<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            // A docstring is for readers, and so is a text that stands alone.
            Stmt::Expr(statement) if matches!(&*statement.value, Expr::StringLiteral(_)) => {}
            Stmt::Expr(statement) => {
                self.eval(&statement.value);
            }
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.eval(&decorator.expression);
                }
                if let Some(arguments) = &class.arguments {
                    for base in &arguments.args {
                        self.eval(base);
                    }
                }
                // Names in a class are its own, and of no function inside.
                self.frames.push(Frame::default());
                self.visit_body(&class.body);
                let frame = self.frames.pop().unwrap_or_default();
                let kept = frame.names.into_iter().filter(|(name, _)| name.starts_with("self."));
                for (name, value) in kept.collect::<Vec<_>>() {
                    self.bind(&name, value);
                }
                self.bind(class.name.as_str(), Value::path(format!("class:{}", class.name)));
            }
            Stmt::Assign(assignment) => {
                let value = self.eval(&assignment.value);
                for target in &assignment.targets {
                    self.assign(target, value.clone());
                }
            }
            Stmt::AnnAssign(assignment) => {
                if let Some(value) = &assignment.value {
                    let value = self.eval(value);
                    self.assign(&assignment.target, value);
                }
            }
            Stmt::AugAssign(assignment) => {
                let more = self.eval(&assignment.value);
                let before = self.eval(&assignment.target);
                let value = match assignment.op {
                    Operator::Add => before.plus(more),
                    _ => Value::tainted(before.taint.and(more.taint)),
                };
                let value = self.put_together(value, assignment.start());
                self.assign(&assignment.target, value);
            }
            Stmt::Return(statement) => {
                if let Some(value) = &statement.value {
                    let value = self.eval(value);
                    let summary = &mut self.frame().summary;
                    summary.gives = summary.gives.and(value.taint);
                }
            }
            Stmt::For(statement) => {
                let iterated = self.eval(&statement.iter);
                let first = iterated.items.as_ref().and_then(|items| items.first().cloned()).unwrap_or_default();
                self.assign(&statement.target, Value { text: None, ..first }.with(iterated.taint));
                self.visit_body(&statement.body);
                self.visit_body(&statement.orelse);
            }
            Stmt::With(statement) => {
                for item in &statement.items {
                    let value = self.eval(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.assign(target, value);
                    }
                }
                self.visit_body(&statement.body);
            }
            other => visitor::walk_stmt(self, other),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.eval(expr);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}
}

/// A text that decoding or putting together made.
pub(super) fn made(bytes: Vec<u8>, taint: Taint) -> Value {
    Value { text: Some(Text { bytes, hidden: true }), ..Value::tainted(taint) }
}

/// What the file does in places that no single expression shows.
impl Reader<'_> {
    fn after_function(&mut self, frame: &Frame) {
        if let (Some(secret), Some(_)) = (frame.secret, frame.network) {
            self.flag(
                SignKind::Theft,
                secret,
                "one function reads a file with secrets and uses the network",
                &frame.name,
                true,
            );
        }
    }

    fn whole_file(&mut self) {
        let of = |kind| self.facts.names.iter().filter(move |(name, _)| name.kind == kind);
        let secrets: Vec<u32> = of(NameKind::SecretPath).map(|(_, line)| *line).collect();
        let network = self.facts.deeds.contains_key(&Deed::Network);
        if let Some(line) = secrets.iter().min().copied().filter(|_| network && secrets.len() >= 3) {
            self.flag(SignKind::Theft, line, "it names many files with secrets, and uses the network", "", true);
        }
    }
}
