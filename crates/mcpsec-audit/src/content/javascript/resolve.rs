//! The values of expressions, as far as they are known without running anything.
use std::rc::Rc;

use oxc_ast::ast::{
    Argument, ArrayExpressionElement, BinaryExpression, BinaryOperator, CallExpression, ChainElement, Expression,
    NewExpression, ObjectPropertyKind, PropertyKey, UnaryOperator,
};
use oxc_span::GetSpan as _;

use super::{
    super::{facts::Deed, literals::HOLE},
    calls, decode,
    reader::Reader,
    value::{Disguise, Taint, Text, Value},
};

/// How deep expressions are followed.
const DEEPEST: usize = 48;
/// How many bytes of strings are put together for one file.
pub(super) const FUEL: usize = 32 << 20;

/// Names of the global object.
const GLOBALS: &[&str] = &["globalThis", "window", "global", "self", "top", "frames", "root"];

impl<'a> Reader<'a> {
    /// The value of an expression. The same place is looked at once.
    pub(super) fn value(&mut self, expression: &Expression<'a>) -> Value {
        let expression = expression.get_inner_expression();
        match expression {
            Expression::StringLiteral(literal) => {
                let raw = literal.raw.as_ref().map_or("", |raw| raw.as_str());
                return Value::text(literal.value.as_str(), written(raw, literal.value.as_str()));
            }
            Expression::NumericLiteral(literal) => return Value::number(literal.value),
            Expression::Identifier(name) => return self.lookup(name.name.as_str()),
            Expression::FunctionExpression(_)
            | Expression::ArrowFunctionExpression(_)
            | Expression::ClassExpression(_) => {
                return Value::default();
            }
            _ => {}
        }
        let span = expression.span();
        if let Some(known) = self.memo.get(&(span.start, span.end)) {
            return known.clone();
        }
        if self.depth_of_value >= DEEPEST {
            return Value::default();
        }
        self.depth_of_value += 1;
        let value = self.fresh(expression);
        self.depth_of_value -= 1;
        let value = self.paid(value);
        self.memo.insert((span.start, span.end), value.clone());
        value
    }

    /// A value, as long as strings may still be put together; then what it holds is not known.
    fn paid(&mut self, value: Value) -> Value {
        let size = value.text.as_ref().map_or(0, |text| text.value.len());
        if self.spend(size) { value } else { Value { text: None, ..value } }
    }

    /// Whether so many bytes of strings may still be put together.
    pub(super) fn spend(&mut self, size: usize) -> bool {
        let left = self.fuel.checked_sub(size);
        self.fuel = left.unwrap_or(0);
        if left.is_none() {
            self.cut.get_or_insert_with(|| "it puts together more strings than are followed".to_owned());
        }
        left.is_some()
    }

    fn fresh(&mut self, expression: &Expression<'a>) -> Value {
        match expression {
            Expression::TemplateLiteral(template) => {
                let mut all = String::new();
                let mut disguise = Disguise::None;
                let mut taint = Taint::default();
                for (at, part) in template.quasis.iter().enumerate() {
                    all.push_str(part.value.cooked.as_ref().map_or("", |text| text.as_str()));
                    if let Some(inner) = template.expressions.get(at) {
                        let value = self.value(inner);
                        taint = taint.with(value.taint.without(Taint::ENVIRONMENT));
                        push(&mut all, &value, &mut disguise);
                    }
                    if all.len() > decode::LONGEST {
                        return Value::tainted(taint);
                    }
                }
                Value { taint, ..Value::text(all, disguise) }
            }
            Expression::BinaryExpression(binary) if binary.operator == BinaryOperator::Addition => self.sum(binary),
            Expression::BinaryExpression(binary) => {
                let (left, right) = (self.value(&binary.left), self.value(&binary.right));
                match (left.number, right.number) {
                    (Some(left), Some(right)) => {
                        arithmetic(binary.operator, left, right).map(Value::number).unwrap_or_default()
                    }
                    _ => Value::default(),
                }
            }
            Expression::UnaryExpression(unary) => match (unary.operator, self.value(&unary.argument)) {
                (UnaryOperator::UnaryNegation, Value { number: Some(number), .. }) => Value::number(-number),
                (UnaryOperator::UnaryPlus, Value { number: Some(number), .. }) => Value::number(number),
                _ => Value::default(),
            },
            Expression::ArrayExpression(array) => {
                let mut list = Vec::new();
                let mut taint = Taint::default();
                let mut known = array.elements.len() <= decode::MOST_ELEMENTS;
                for element in array.elements.iter().take(decode::MOST_ELEMENTS) {
                    let value = match element {
                        ArrayExpressionElement::SpreadElement(spread) => {
                            let value = self.value(&spread.argument);
                            known &= value.list.is_some();
                            if let Some(inner) = &value.list {
                                list.extend(inner.iter().cloned());
                            }
                            taint = taint.with(value.taint);
                            continue;
                        }
                        ArrayExpressionElement::Elision(_) => Value::default(),
                        element => element.as_expression().map(|inner| self.value(inner)).unwrap_or_default(),
                    };
                    taint = taint.with(value.taint);
                    list.push(value);
                }
                known &= list.len() <= decode::MOST_ELEMENTS;
                Value { list: known.then(|| Rc::from(list)), taint, ..Value::default() }
            }
            Expression::ObjectExpression(object) => {
                let mut taint = Taint::default();
                for property in object.properties.iter().take(decode::MOST_ELEMENTS) {
                    let value = match property {
                        ObjectPropertyKind::ObjectProperty(property) => {
                            // An environment handed on under a name is one for programs that are started.
                            let value = self.value(&property.value);
                            if property.key.is_specific_static_name("env") { Value::default() } else { value }
                        }
                        ObjectPropertyKind::SpreadProperty(spread) => self.value(&spread.argument),
                    };
                    taint = taint.with(value.taint);
                }
                Value::tainted(taint)
            }
            Expression::CallExpression(call) => self.result_of_call(call),
            Expression::NewExpression(new) => self.result_of_new(new),
            Expression::StaticMemberExpression(member) => {
                let object = self.value(&member.object);
                of_member(&object, member.property.name.as_str())
            }
            Expression::ComputedMemberExpression(member) => {
                let object = self.value(&member.object);
                let key = self.value(&member.expression);
                of_key(&object, &key)
            }
            Expression::ChainExpression(chain) => match &chain.expression {
                ChainElement::CallExpression(call) => self.result_of_call(call),
                ChainElement::StaticMemberExpression(member) => {
                    let object = self.value(&member.object);
                    of_member(&object, member.property.name.as_str())
                }
                ChainElement::ComputedMemberExpression(member) => {
                    let object = self.value(&member.object);
                    let key = self.value(&member.expression);
                    of_key(&object, &key)
                }
                _ => Value::default(),
            },
            Expression::AwaitExpression(inner) => self.value(&inner.argument),
            Expression::SequenceExpression(sequence) => {
                sequence.expressions.last().map(|inner| self.value(inner)).unwrap_or_default()
            }
            Expression::AssignmentExpression(assignment) => self.value(&assignment.right),
            Expression::ConditionalExpression(choice) => {
                let first = self.value(&choice.consequent);
                first.or(self.value(&choice.alternate))
            }
            Expression::LogicalExpression(choice) => {
                let first = self.value(&choice.left);
                first.or(self.value(&choice.right))
            }
            Expression::ImportExpression(import) => {
                let source = self.value(&import.source);
                source.as_text().map(|name| Value::path(calls::module(name))).unwrap_or_default()
            }
            _ => Value::default(),
        }
    }

    /// A sum that is not looked at through its expression.
    pub(super) fn value_of_sum(&mut self, binary: &BinaryExpression<'a>) -> Value {
        let value = self.sum(binary);
        let value = self.paid(value);
        self.memo.insert((binary.span.start, binary.span.end), value.clone());
        value
    }

    /// A sum: of strings, or of numbers. The left side may be as long as a file.
    fn sum(&mut self, binary: &BinaryExpression<'a>) -> Value {
        let mut terms = vec![&binary.right];
        let mut left = &binary.left;
        while let Expression::BinaryExpression(inner) = left.get_inner_expression()
            && inner.operator == BinaryOperator::Addition
        {
            terms.push(&inner.right);
            left = &inner.left;
        }
        terms.push(left);
        if self.fuel == 0 {
            return Value::default();
        }
        let mut all = String::new();
        let mut number = Some(0.0);
        let mut disguise = Disguise::None;
        let mut taint = Taint::default();
        let mut strings = 0;
        for term in terms.into_iter().rev() {
            let value = self.value(term);
            taint = taint.with(value.taint.without(Taint::ENVIRONMENT));
            number = number.zip(value.number).map(|(sum, more)| sum + more);
            strings += usize::from(value.text.is_some());
            push(&mut all, &value, &mut disguise);
            if all.len() > decode::LONGEST {
                return Value::tainted(taint);
            }
        }
        match number {
            Some(number) => Value { taint, ..Value::number(number) },
            None if strings == 0 => Value::tainted(taint),
            None => {
                let disguise = if strings > 1 { disguise.max(Disguise::Joined) } else { disguise };
                Value { taint, ..Value::text(all, disguise) }
            }
        }
    }

    /// The values of arguments; spread lists are laid out.
    pub(super) fn arguments(&mut self, arguments: &[Argument<'a>]) -> Vec<Value> {
        let mut values = Vec::new();
        for argument in arguments.iter().take(decode::MOST_ELEMENTS) {
            match argument {
                Argument::SpreadElement(spread) => {
                    let value = self.value(&spread.argument);
                    match &value.list {
                        Some(list) => values.extend(list.iter().take(decode::MOST_ELEMENTS).cloned()),
                        None => values.push(value),
                    }
                }
                argument => values.push(argument.as_expression().map(|inner| self.value(inner)).unwrap_or_default()),
            }
        }
        values
    }

    /// What stands before the last dot of a callee, and the name after it.
    pub(super) fn method(&mut self, callee: &Expression<'a>) -> Option<(Value, Option<Rc<str>>)> {
        let member = callee.get_inner_expression().as_member_expression()?;
        let object = self.value(member.object());
        let name = match member {
            oxc_ast::ast::MemberExpression::ComputedMemberExpression(member) => {
                self.value(&member.expression).text.map(|text| text.value)
            }
            member => member.static_property_name().map(Rc::from),
        };
        Some((object, name))
    }

    /// The value of a call that is looked at from within.
    pub(super) fn value_of_call(&mut self, call: &CallExpression<'a>) -> Value {
        match self.memo.get(&(call.span.start, call.span.end)) {
            Some(known) => known.clone(),
            None => self.result_of_call(call),
        }
    }

    fn result_of_call(&mut self, call: &CallExpression<'a>) -> Value {
        let callee = self.value(&call.callee);
        let arguments = self.arguments(&call.arguments);
        let method = self.method(&call.callee);
        if let Some((object, Some(name))) = &method {
            let known = match (&object.text, &object.list) {
                (Some(text), _) => decode::method(&text.value, text.disguise, name, &arguments),
                (None, Some(list)) => decode::list_method(list, name, &arguments),
                _ => None,
            };
            if let Some(value) = known {
                return Value { taint: object.taint.with(value.taint), ..value };
            }
            match &**name {
                "bind" => return object.clone(),
                "then" | "catch" | "finally" => {
                    return Value { path: object.path.clone(), ..Value::tainted(object.taint) };
                }
                _ => {}
            }
        }
        let kept = method.map_or(Taint::default(), |(object, _)| {
            let whole = if object.taint.has(Taint::ENVIRONMENT) && object.path.is_none() {
                Taint::ENVIRONMENT
            } else {
                Taint::default()
            };
            object.taint.without(Taint::ENVIRONMENT).with(whole)
        });
        self.result(&callee, &arguments, kept)
    }

    fn result_of_new(&mut self, new: &NewExpression<'a>) -> Value {
        let callee = self.value(&new.callee);
        let arguments = self.arguments(&new.arguments);
        self.result(&callee, &arguments, Taint::default())
    }

    fn result(&mut self, callee: &Value, arguments: &[Value], kept: Taint) -> Value {
        let Some(path) = callee.as_path() else { return Value::tainted(kept) };
        let given = arguments.iter().fold(Taint::default(), |all, value| all.with(value.taint));
        if is_require(path) {
            let name = arguments.first().and_then(Value::as_text);
            return name.map(|name| Value::path(calls::module(name))).unwrap_or_default();
        }
        if matches!(path, "module.createRequire" | "createRequire" | "module.Module.createRequire") {
            return Value::path("require");
        }
        let plain = path.rsplit('.').next().unwrap_or(path).trim_start_matches('_');
        if matches!(
            plain,
            "toESM" | "importStar" | "importDefault" | "toCommonJS" | "promisify" | "interop_require_default"
        ) || plain.starts_with("interopRequire")
            || plain.starts_with("interop_require")
        {
            return arguments.first().cloned().unwrap_or_default();
        }
        if let Some(value) = decode::function(path, arguments) {
            return Value { taint: kept.with(given), ..value };
        }
        let mut taint = kept;
        if calls::passes_on(path) {
            taint = taint.with(given);
            if given.has(Taint::ENVIRONMENT) && calls::lists(path) {
                taint = taint.with(Taint::LISTED);
            }
        }
        if calls::reaches_network(path) {
            taint = taint.with(Taint::REMOTE);
        }
        if calls::deed_of_call(path) == Some(Deed::ReadFiles) && arguments.iter().take(1).any(is_secret_place) {
            taint = taint.with(Taint::SECRET);
        }
        Value { taint, ..Value::path(format!("{path}()")) }
    }

    /// The name of a key, if it is known.
    pub(super) fn key(&mut self, key: &PropertyKey<'a>) -> Option<Text> {
        if let Some(name) = key.static_name() {
            return Some(Text { value: Rc::from(&*name), disguise: Disguise::None });
        }
        let expression = key.as_expression()?;
        self.value(expression).text
    }
}

/// Whether calling this loads the module that is named.
pub(super) fn is_require(path: &str) -> bool {
    matches!(
        path,
        "require"
            | "module.require"
            | "process.getBuiltinModule"
            | "process.mainModule.require"
            | "module._load"
            | "module.Module._load"
            | "module.constructor._load"
            | "require.main.require"
            | "module.prototype.require"
            | "__non_webpack_require__"
            | "process.mainModule.constructor._load"
            | "__require"
            | "createRequire()"
            | "module.children.require"
    )
}

/// Whether a value is the path of a file that next to nobody has reason to read, or a list with one.
pub(super) fn is_secret_place(value: &Value) -> bool {
    value.taint.has(Taint::PLACE)
        || value.as_text().is_some_and(names_secret)
        || value
            .list
            .as_ref()
            .is_some_and(|list| list.iter().take(256).any(|value| value.as_text().is_some_and(names_secret)))
}

fn names_secret(text: &str) -> bool {
    text.len() < 300 && super::super::literals::secret_places(text).into_iter().any(super::super::literals::is_grave)
}

/// A member by its name.
pub(super) fn of_member(object: &Value, name: &str) -> Value {
    let taint = object.taint.without(Taint::ENVIRONMENT);
    if name == "length" {
        let length =
            object.as_text().map(|text| text.chars().count()).or_else(|| object.list.as_ref().map(|list| list.len()));
        return Value { number: length.map(|length| length as f64), ..Value::default() };
    }
    let Some(path) = object.as_path() else { return Value::tainted(taint) };
    if GLOBALS.contains(&path) {
        return global(name);
    }
    if matches!(name, "default" | "call" | "apply") {
        return object.clone();
    }
    if name == "env" && path == "process" {
        return Value { taint: Taint::ENVIRONMENT, ..Value::path("process.env") };
    }
    if path == "process" && name == "mainModule" {
        return Value::path("module");
    }
    Value { taint, ..Value::path(format!("{path}.{name}")) }
}

fn of_key(object: &Value, key: &Value) -> Value {
    if let (Some(list), Some(number)) = (&object.list, key.number)
        && number >= 0.0
    {
        return list.get(number as usize).cloned().unwrap_or_default();
    }
    match (&key.text, object.as_path()) {
        (Some(text), _) if !text.value.contains(HOLE) => of_member(object, &text.value),
        // Every variable in turn.
        _ if object.taint.has(Taint::ENVIRONMENT) && key.taint.has(Taint::LISTED) => Value::tainted(Taint::LISTED),
        // One of several functions.
        (_, Some(path)) => {
            Value { taint: object.taint.without(Taint::ENVIRONMENT), ..Value::path(format!("{path}.?")) }
        }
        _ => Value::tainted(object.taint.without(Taint::ENVIRONMENT)),
    }
}

/// What a name means that nothing in the file declares.
pub(super) fn global(name: &str) -> Value {
    Value::path(name)
}

/// How a literal is written: one of nothing but escapes is hidden.
fn written(raw: &str, value: &str) -> Disguise {
    if !raw.contains("\\x") && !raw.contains("\\u") {
        return Disguise::None;
    }
    let escapes = raw.matches("\\x").count() + raw.matches("\\u").count();
    let printable = value.bytes().filter(u8::is_ascii_alphanumeric).count();
    if printable >= 4 && escapes * 2 >= value.chars().count() { Disguise::Decoded } else { Disguise::None }
}

fn push(all: &mut String, value: &Value, disguise: &mut Disguise) {
    match (&value.text, value.number) {
        (Some(text), _) => {
            all.push_str(&text.value);
            *disguise = (*disguise).max(text.disguise);
        }
        (None, Some(number)) => all.push_str(&number.to_string()),
        (None, None) => {
            if !all.ends_with(HOLE) {
                all.push(HOLE);
            }
        }
    }
}

fn arithmetic(operator: BinaryOperator, left: f64, right: f64) -> Option<f64> {
    let whole = |number: f64| (number.abs() < 2_147_483_648.0).then_some(number as i32);
    Some(match operator {
        BinaryOperator::Subtraction => left - right,
        BinaryOperator::Multiplication => left * right,
        BinaryOperator::Division => left / right,
        BinaryOperator::Remainder => left % right,
        BinaryOperator::BitwiseXOR => f64::from(whole(left)? ^ whole(right)?),
        BinaryOperator::BitwiseOR => f64::from(whole(left)? | whole(right)?),
        BinaryOperator::BitwiseAnd => f64::from(whole(left)? & whole(right)?),
        BinaryOperator::ShiftRight => f64::from(whole(left)?.checked_shr(whole(right)? as u32)?),
        BinaryOperator::ShiftLeft => f64::from(whole(left)?.checked_shl(whole(right)? as u32)?),
        _ => return None,
    })
}
