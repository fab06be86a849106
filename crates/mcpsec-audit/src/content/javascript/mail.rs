//! Who gets messages: addresses that are written into the code beside `bcc`, `cc`, `to` or `Reply-To`.
use oxc_ast::ast::{ArrayExpressionElement, Expression, ObjectPropertyKind};

use super::{
    super::{
        facts::SignKind,
        literals::{Recipient, emails, is_sample, recipient},
    },
    reader::Reader,
    value::Value,
};

/// How deep the value of a recipient is looked into.
const DEEPEST: usize = 8;
/// How many addresses of one recipient are shown.
const MOST: usize = 8;

impl<'a> Reader<'a> {
    /// Something is set under a name: a property, header or field.
    pub(super) fn addressed(&mut self, key: &str, expression: &Expression<'a>, line: u32) {
        if let Some(how) = recipient(key) {
            let mut found = Vec::new();
            self.addresses(expression, 0, &mut found);
            self.recipients(key, how, &found, line);
        }
    }

    /// The same, when only the value is at hand.
    pub(super) fn addressed_value(&mut self, key: &str, values: &[Value], line: u32) {
        if let Some(how) = recipient(key) {
            let mut found = Vec::new();
            for value in values.iter().take(MOST) {
                of_value(value, &mut found);
            }
            self.recipients(key, how, &found, line);
        }
    }

    /// A message as it is sent: `Bcc: x@y` at the start of a line of text.
    pub(super) fn header(&mut self, text: &str, line: u32) {
        if text.len() > 64 << 10 || !text.contains('@') || !text.contains(':') {
            return;
        }
        for header in text.split(['\n', '\r']).take(1_000) {
            let Some((key, value)) = header.split_once(':') else { continue };
            if key.len() <= 12
                && !key.starts_with(' ')
                && matches!(recipient(key), Some(Recipient::Hidden | Recipient::Copy))
            {
                self.recipients(key, Recipient::Hidden, &emails(value), line);
            }
        }
    }

    fn recipients(&mut self, key: &str, how: Recipient, found: &[String], line: u32) {
        for email in found.iter().filter(|email| !is_sample(email)).take(MOST) {
            let weak = how == Recipient::Open && !self.mails;
            self.sign(SignKind::Recipient, line, &format!("{}: {email}", key.to_ascii_lowercase()), weak);
        }
    }

    fn addresses(&mut self, expression: &Expression<'a>, depth: usize, found: &mut Vec<String>) {
        if depth > DEEPEST || found.len() >= MOST {
            return;
        }
        let value = self.value(expression);
        of_value(&value, found);
        let depth = depth + 1;
        match expression.get_inner_expression() {
            Expression::ArrayExpression(array) => {
                for element in array.elements.iter().take(64) {
                    match element {
                        ArrayExpressionElement::SpreadElement(spread) => self.addresses(&spread.argument, depth, found),
                        element => {
                            if let Some(inner) = element.as_expression() {
                                self.addresses(inner, depth, found);
                            }
                        }
                    }
                }
            }
            Expression::ObjectExpression(object) => {
                for property in object.properties.iter().take(16) {
                    if let ObjectPropertyKind::ObjectProperty(property) = property
                        && property.key.static_name().is_some_and(|name| {
                            matches!(name.to_ascii_lowercase().as_str(), "email" | "address" | "mail" | "emailaddress")
                        })
                    {
                        self.addresses(&property.value, depth, found);
                    }
                }
            }
            Expression::ConditionalExpression(choice) => {
                self.addresses(&choice.consequent, depth, found);
                self.addresses(&choice.alternate, depth, found);
            }
            Expression::LogicalExpression(choice) => {
                self.addresses(&choice.left, depth, found);
                self.addresses(&choice.right, depth, found);
            }
            Expression::CallExpression(call) => {
                if let Some(member) = call.callee.get_inner_expression().as_member_expression() {
                    self.addresses(member.object(), depth, found);
                }
                for argument in call.arguments.iter().take(16) {
                    if let Some(inner) = argument.as_expression() {
                        self.addresses(inner, depth, found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The addresses of a known string or list. Sentences name addresses, but write to nobody.
fn of_value(value: &Value, found: &mut Vec<String>) {
    let texts = value
        .as_text()
        .into_iter()
        .chain(value.list.iter().flat_map(|list| list.iter().take(64).filter_map(Value::as_text)));
    for text in texts {
        if text.len() < 400 && text.split_whitespace().count() <= 8 {
            for email in emails(text) {
                if !found.contains(&email) {
                    found.push(email);
                }
            }
        }
    }
}
