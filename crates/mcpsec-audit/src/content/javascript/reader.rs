//! Walks the syntax tree of one file once, and notes what it does.
//!
//! Names are followed from where they are bound (`const { exec: run } = require("child_process")`) to where they are used, scope by
//! scope. What values are is [`super::resolve`]'s business, what calls mean [`super::effects`]'s, and what is bound [`super::bind`]'s.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan as _;
use oxc_syntax::scope::ScopeFlags;

use super::{
    super::{
        facts::{Deed, FileFacts, NameKind, Sign, SignKind},
        literals,
    },
    calls,
    disguise::{self, Scrambling},
    flows::{Event, Flows},
    lines::Lines,
    resolve::{self, FUEL},
    value::{Disguise, Taint, Value},
};

/// How deep the tree is followed; a file that is deeper is only read in part.
const DEEPEST: usize = 1_500;
/// How many signs of one kind are kept.
const MOST_SIGNS: usize = 16;
/// Modules for sending mail.
const MAILERS: &[&str] =
    &["nodemailer", "postmark", "@sendgrid/mail", "mailgun.js", "resend", "@aws-sdk/client-ses", "node-mailjet"];

/// Reads one syntax tree.
pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    lines: &'a Lines,
    /// The line of the code that holds this one as a string.
    outer_line: Option<u32>,
    pub(super) facts: FileFacts,
    pub(super) flows: Flows,
    pub(super) scrambling: Scrambling,
    pub(super) scopes: Vec<HashMap<&'a str, Value>>,
    pub(super) memo: HashMap<(u32, u32), Value>,
    pub(super) fuel: usize,
    pub(super) depth_of_value: usize,
    depth: usize,
    /// Literals that are parts of longer strings.
    consumed: HashSet<u32>,
    /// What the parameters of the function hold that comes next.
    pub(super) pending: Taint,
    /// The name of the function that comes next.
    naming: Option<&'a str>,
    /// Functions of this file that send something.
    senders: BTreeSet<&'a str>,
    /// What was handed to functions of this file.
    pub(super) handed: Vec<(&'a str, u32, &'static str)>,
    /// Broad modules, where they were loaded, and whether it is known what for.
    pub(super) broad: BTreeMap<String, (u32, bool)>,
    /// Text that is run as code, to be read next.
    pub(super) inner: Vec<(String, u32)>,
    pub(super) mails: bool,
    /// Why the tree was not read to its end.
    pub(super) cut: Option<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str, lines: &'a Lines, outer_line: Option<u32>) -> Self {
        Self {
            source,
            lines,
            outer_line,
            facts: FileFacts::default(),
            flows: Flows::new(u32::try_from(source.len()).unwrap_or(u32::MAX)),
            scrambling: Scrambling::default(),
            scopes: vec![HashMap::new()],
            memo: HashMap::new(),
            fuel: FUEL,
            depth_of_value: 0,
            depth: 0,
            consumed: HashSet::new(),
            pending: Taint::default(),
            naming: None,
            senders: BTreeSet::new(),
            handed: Vec::new(),
            broad: BTreeMap::new(),
            inner: Vec::new(),
            mails: false,
            cut: None,
        }
    }

    /// Reads the whole tree and hands back what it does, and the text in it that is run as code.
    pub(super) fn read(mut self, program: &Program<'a>) -> (FileFacts, Vec<(String, u32)>) {
        self.mails = MAILERS.iter().any(|mailer| self.source.contains(mailer)) || self.source.contains("sendMail");
        self.foresee(&program.body);
        self.memo.clear();
        self.visit_program(program);
        for (module, (line, known)) in std::mem::take(&mut self.broad) {
            if !known {
                for deed in calls::deeds_of_broad(&module) {
                    self.facts.does(*deed, line);
                }
            }
        }
        for (name, line, what) in std::mem::take(&mut self.handed) {
            if self.senders.contains(name) {
                self.sign(SignKind::Theft, line, &format!("{what} is handed to a function that sends"), false);
            }
        }
        self.flows.finish(&mut self.facts);
        self.scrambling.report(&mut self.facts);
        self.facts.unread = self.cut;
        (self.facts, self.inner)
    }

    pub(super) fn line(&self, offset: u32) -> u32 {
        self.outer_line.unwrap_or_else(|| self.lines.of(offset))
    }

    pub(super) fn sign(&mut self, kind: SignKind, line: u32, words: &str, weak: bool) {
        let sign = Sign { kind, line, shown: literals::shown(words), weak };
        let same = |known: &&Sign| known.kind == kind && known.weak == weak;
        if self.facts.signs.iter().filter(same).count() < MOST_SIGNS && !self.facts.signs.contains(&sign) {
            self.facts.signs.push(sign);
        }
    }

    /// A string that the program holds.
    pub(super) fn note_text(&mut self, text: &str, disguise: Disguise, line: u32) {
        for name in literals::names(text) {
            let grave = name.kind == NameKind::SecretPath && literals::is_grave(&name.text);
            if grave
                && let Some(place) = literals::secret_places(text).into_iter().find(|place| literals::is_grave(place))
            {
                self.flows.secret_place(place, line);
            }
            let matters =
                matches!(name.kind, NameKind::Host | NameKind::Address | NameKind::Webhook | NameKind::Email) || grave;
            if disguise == Disguise::Decoded && matters {
                self.sign(SignKind::Obfuscated, line, &format!("hides {}", name.text), false);
            }
            self.facts.names(name.kind, name.text, line);
        }
        if disguise == Disguise::Decoded
            && matches!(text, "child_process" | "process.env" | "eval" | "Function" | "require")
        {
            self.sign(SignKind::Obfuscated, line, &format!("hides {text}"), text == "require");
        }
        self.header(text, line);
    }

    /// A module is loaded.
    pub(super) fn loads(&mut self, specifier: &str, line: u32) {
        let module = calls::module(specifier);
        if let Some(package) = calls::package(specifier) {
            self.facts.names(NameKind::Module, package, line);
        }
        if let Some(deed) = calls::deed_of_module(module) {
            self.facts.does(deed, line);
        }
        if calls::BROAD.contains(&module) {
            self.broad.entry(module.to_owned()).or_insert((line, false));
        }
        if specifier.starts_with("data:") {
            self.facts.does(Deed::DynamicCode, line);
        }
    }

    /// A variable of the environment is read.
    pub(super) fn variable(&mut self, path: &str, line: u32) {
        if let Some(name) = path.strip_prefix("process.env.")
            && !name.is_empty()
            && !name.contains(['.', '(', '?'])
        {
            self.facts.does(Deed::Environment, line);
            let found = literals::variable(name);
            self.facts.names(found.kind, found.text, line);
            if let Some(family) = literals::family(name) {
                self.flows.family(family);
            }
        }
    }

    fn function(&mut self, start: u32, end: u32, params: &FormalParameters<'a>, body: impl FnOnce(&mut Self)) {
        let taint = std::mem::take(&mut self.pending);
        let name = self.naming.take();
        self.flows.enter(end.saturating_sub(start));
        self.scopes.push(HashMap::new());
        for parameter in &params.items {
            self.bind(&parameter.pattern, Value::tainted(taint), self.line(start));
            if let Some(initial) = &parameter.initializer {
                self.visit_expression(initial);
            }
        }
        if let Some(rest) = &params.rest {
            self.bind(&rest.rest.argument, Value::tainted(taint), self.line(start));
        }
        body(self);
        self.scopes.pop();
        let sends = self.flows.leave(&mut self.facts.signs);
        if let Some(name) = name
            && sends
        {
            self.senders.insert(name);
        }
    }

    fn deeper(&mut self, at: u32, descend: impl FnOnce(&mut Self)) {
        if self.depth >= DEEPEST {
            let line = self.line(at);
            self.cut.get_or_insert_with(|| format!("line {line}: nested too deeply to be read"));
            return;
        }
        self.depth += 1;
        descend(self);
        self.depth -= 1;
    }

    /// Names the function that is about to be read, if it is one.
    pub(super) fn names_function(&mut self, name: &'a str, expression: &Expression<'a>) {
        if expression.get_inner_expression().is_function() {
            self.naming = Some(name);
        }
    }

    /// Marks the literals of a string that is put together, so that its parts are not read as well.
    fn consume(&mut self, expression: &Expression<'a>) {
        let mut next = Some(expression);
        while let Some(Expression::BinaryExpression(binary)) = next.map(Expression::get_inner_expression) {
            if let Expression::StringLiteral(literal) = binary.right.get_inner_expression() {
                self.consumed.insert(literal.span.start);
            }
            next = Some(&binary.left);
        }
        if let Some(Expression::StringLiteral(literal)) = next.map(Expression::get_inner_expression) {
            self.consumed.insert(literal.span.start);
        }
    }
}

impl<'a> Visit<'a> for Reader<'a> {
    fn visit_statement(&mut self, it: &Statement<'a>) {
        let start = it.span().start;
        if self.outer_line.is_none() && disguise::is_pushed_out_of_sight(self.source, start, self.lines) {
            self.sign(SignKind::Obfuscated, self.line(start), "code far to the right, behind blanks", false);
        }
        self.deeper(start, |this| walk::walk_statement(this, it));
    }

    fn visit_expression(&mut self, it: &Expression<'a>) {
        self.deeper(it.span().start, |this| walk::walk_expression(this, it));
    }

    fn visit_string_literal(&mut self, it: &StringLiteral<'a>) {
        let line = self.line(it.span.start);
        let raw = it.raw.as_ref().map_or("", |raw| raw.as_str());
        self.scrambling.literal(raw, it.value.as_str(), line);
        if !self.consumed.contains(&it.span.start) {
            self.note_text(it.value.as_str(), Disguise::None, line);
        }
    }

    fn visit_template_literal(&mut self, it: &TemplateLiteral<'a>) {
        let line = self.line(it.span.start);
        let mut all = String::new();
        for (at, part) in it.quasis.iter().enumerate() {
            all.push_str(part.value.cooked.as_ref().map_or("", |text| text.as_str()));
            if let Some(inner) = it.expressions.get(at) {
                match self.value(inner).text {
                    Some(text) if text.value.len() < 1_000 => all.push_str(&text.value),
                    _ => all.push(literals::HOLE),
                }
            }
            if all.len() > literals::MOST {
                break;
            }
        }
        if self.spend(all.len()) {
            self.note_text(&all, Disguise::None, line);
        }
        for inner in &it.expressions {
            self.visit_expression(inner);
        }
    }

    fn visit_binary_expression(&mut self, it: &BinaryExpression<'a>) {
        self.compares(it);
        // Long sums lean to the left as far as they are long: they are walked along, not down.
        let mut terms = vec![&it.right];
        let mut left = &it.left;
        if it.operator == BinaryOperator::Addition {
            self.note_sum(it);
        }
        while let Expression::BinaryExpression(inner) = left.get_inner_expression() {
            terms.push(&inner.right);
            left = &inner.left;
        }
        self.visit_expression(left);
        for term in terms.into_iter().rev() {
            self.visit_expression(term);
        }
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let after = self.called(it);
        self.visit_expression(&it.callee);
        for argument in &it.arguments {
            self.argument(argument, after);
        }
    }

    fn visit_new_expression(&mut self, it: &NewExpression<'a>) {
        self.made(it);
        self.visit_expression(&it.callee);
        for argument in &it.arguments {
            self.argument(argument, Taint::default());
        }
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        let source = self.value(&it.source);
        self.load_of(&source, self.line(it.span.start));
        self.visit_expression(&it.source);
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if !it.import_kind.is_type() {
            self.loads(it.source.value.as_str(), self.line(it.span.start));
        }
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        if !it.export_kind.is_type() {
            self.loads(it.source.value.as_str(), self.line(it.span.start));
        }
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        if !it.export_kind.is_type() {
            self.loads(it.source.value.as_str(), self.line(it.span.start));
        }
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        if let TSModuleReference::ExternalModuleReference(module) = &it.module_reference {
            self.loads(module.expression.value.as_str(), self.line(it.span.start));
            self.declare(it.id.name.as_str(), Value::path(calls::module(module.expression.value.as_str())));
        }
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        let object = self.value(&it.object);
        let line = self.line(it.span.start);
        let value = resolve::of_member(&object, it.property.name.as_str());
        self.member(&value, line);
        self.visit_expression(&it.object);
    }

    fn visit_computed_member_expression(&mut self, it: &ComputedMemberExpression<'a>) {
        let object = self.value(&it.object);
        let key = self.value(&it.expression);
        let line = self.line(it.span.start);
        if let Some(text) = &key.text {
            let value = resolve::of_member(&object, &text.value);
            self.member(&value, line);
            self.hidden_key(&object, text, line);
        } else if object.path.as_deref() == Some("process.env") {
            self.facts.does(Deed::Environment, line);
        }
        self.visit_expression(&it.object);
        self.visit_expression(&it.expression);
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        let line = self.line(it.span.start);
        if let Some(key) = self.key(&it.key) {
            self.addressed(&key.value, &it.value, line);
            self.option(&key.value, &it.value, line);
        }
        walk::walk_object_property(self, it);
    }

    fn visit_spread_element(&mut self, it: &SpreadElement<'a>) {
        if self.value(&it.argument).path.as_deref() == Some("process.env") {
            self.facts.does(Deed::WholeEnvironment, self.line(it.span.start));
        }
        self.visit_expression(&it.argument);
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        let line = self.line(it.span.start);
        if let Some(init) = &it.init {
            let value = self.value(init);
            self.bind(&it.id, value, line);
            if let BindingPattern::BindingIdentifier(name) = &it.id {
                self.names_function(name.name.as_str(), init);
                self.addressed(name.name.as_str(), init, line);
            }
            self.visit_expression(init);
            self.naming = None;
        } else {
            self.bind(&it.id, Value::default(), line);
        }
        self.scrambled_binding(&it.id, line);
    }

    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        self.assigned(it);
        self.visit_expression(&it.right);
        self.naming = None;
    }

    fn visit_function(&mut self, it: &Function<'a>, _: ScopeFlags) {
        if let Some(id) = &it.id {
            self.naming = Some(id.name.as_str());
            self.scrambling.name(id.name.as_str(), self.lines.of(it.span.start));
        }
        self.function(it.span.start, it.span.end, &it.params, |this| {
            if let Some(body) = &it.body {
                this.hoist(&body.statements);
                for statement in &body.statements {
                    this.visit_statement(statement);
                }
            }
        });
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        self.function(it.span.start, it.span.end, &it.params, |this| match &it.body {
            ArrowFunctionBody::FunctionBody(body) => {
                this.hoist(&body.statements);
                for statement in &body.statements {
                    this.visit_statement(statement);
                }
            }
            body => {
                if let Some(expression) = body.as_expression() {
                    this.visit_expression(expression);
                }
            }
        });
    }

    fn visit_block_statement(&mut self, it: &BlockStatement<'a>) {
        self.scopes.push(HashMap::new());
        walk::walk_block_statement(self, it);
        self.scopes.pop();
    }

    fn visit_catch_clause(&mut self, it: &CatchClause<'a>) {
        self.scopes.push(HashMap::new());
        if let Some(param) = &it.param {
            self.bind(&param.pattern, Value::default(), self.line(it.span.start));
        }
        walk::walk_block_statement(self, &it.body);
        self.scopes.pop();
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        let value = self.value(&it.right);
        self.scopes.push(HashMap::new());
        self.each(&it.left, &value, self.line(it.span.start));
        self.visit_expression(&it.right);
        self.visit_statement(&it.body);
        self.scopes.pop();
    }

    fn visit_for_in_statement(&mut self, it: &ForInStatement<'a>) {
        let value = self.value(&it.right);
        self.scopes.push(HashMap::new());
        let line = self.line(it.span.start);
        if value.path.as_deref() == Some("process.env") {
            self.facts.does(Deed::WholeEnvironment, line);
            self.flows.see(Event::WholeEnvironment, line);
            self.each(&it.left, &Value::tainted(Taint::LISTED), line);
        } else {
            self.each(&it.left, &Value::default(), line);
        }
        self.visit_expression(&it.right);
        self.visit_statement(&it.body);
        self.scopes.pop();
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        let name = it.name.as_str();
        if name.starts_with('_') {
            self.scrambling.name(name, self.lines.of(it.span.start));
        }
    }

    fn visit_debugger_statement(&mut self, it: &DebuggerStatement) {
        self.sign(SignKind::Evasion, self.line(it.span.start), "debugger", true);
    }

    // Types do nothing when the program runs.
    fn visit_ts_type_annotation(&mut self, _: &TSTypeAnnotation<'a>) {}
    fn visit_ts_type_parameter_declaration(&mut self, _: &TSTypeParameterDeclaration<'a>) {}
    fn visit_ts_type_parameter_instantiation(&mut self, _: &TSTypeParameterInstantiation<'a>) {}
    fn visit_ts_interface_declaration(&mut self, _: &TSInterfaceDeclaration<'a>) {}
    fn visit_ts_type_alias_declaration(&mut self, _: &TSTypeAliasDeclaration<'a>) {}
    fn visit_ts_type(&mut self, _: &TSType<'a>) {}
}

impl<'a> Reader<'a> {
    fn argument(&mut self, argument: &Argument<'a>, after: Taint) {
        match argument {
            Argument::SpreadElement(spread) => self.visit_spread_element(spread),
            argument => {
                if let Some(inner) = argument.as_expression() {
                    if inner.get_inner_expression().is_function() {
                        self.pending = after;
                    }
                    self.visit_expression(inner);
                    self.pending = Taint::default();
                }
            }
        }
    }

    /// A string that is put together with `+` is read as one.
    fn note_sum(&mut self, it: &BinaryExpression<'a>) {
        let value = self.memo.get(&(it.span.start, it.span.end)).cloned();
        let value = value.unwrap_or_else(|| self.value_of_sum(it));
        if let Some(text) = value.text {
            if let Expression::StringLiteral(literal) = it.right.get_inner_expression() {
                self.consumed.insert(literal.span.start);
            }
            self.consume(&it.left);
            self.note_text(&text.value, text.disguise, self.line(it.span.start));
        }
    }
}
