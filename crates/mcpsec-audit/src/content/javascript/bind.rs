//! What names are bound to, scope by scope.
use oxc_ast::ast::{
    AssignmentTarget, BindingPattern, Declaration, Expression, ForStatementLeft, ImportDeclarationSpecifier,
    ModuleExportName, Statement, VariableDeclaration,
};

use super::{
    calls,
    reader::Reader,
    resolve,
    value::{Taint, Value},
};

/// How many names one scope holds; hostile files may have millions.
const MOST_NAMES: usize = 200_000;

impl<'a> Reader<'a> {
    /// The value of a name: of the innermost scope that binds it, else of the global object.
    pub(super) fn lookup(&self, name: &str) -> Value {
        // What bundlers call it.
        if name == "__require" {
            return resolve::global("require");
        }
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned().unwrap_or_else(|| resolve::global(name))
    }

    /// Binds a name in the innermost scope.
    pub(super) fn declare(&mut self, name: &'a str, value: Value) {
        if let Some(scope) = self.scopes.last_mut()
            && scope.len() < MOST_NAMES
        {
            scope.insert(name, value);
        }
    }

    /// Gives a name that is bound already another value; what was in it may still be.
    pub(super) fn assign(&mut self, name: &'a str, value: Value) {
        let scope = self.scopes.iter_mut().rev().find(|scope| scope.contains_key(name));
        match scope {
            Some(scope) => {
                let taint = scope.get(name).map_or(Taint::default(), |old| old.taint);
                scope.insert(name, Value { taint: taint.with(value.taint), ..value });
            }
            None => {
                if let Some(scope) = self.scopes.first_mut()
                    && scope.len() < MOST_NAMES
                {
                    scope.insert(name, value);
                }
            }
        }
    }

    /// Binds the names of a pattern to the parts of a value.
    pub(super) fn bind(&mut self, pattern: &BindingPattern<'a>, value: Value, line: u32) {
        self.bind_within(pattern, value, line, 0);
    }

    fn bind_within(&mut self, pattern: &BindingPattern<'a>, value: Value, line: u32, depth: usize) {
        if depth > 64 {
            return;
        }
        match pattern {
            BindingPattern::BindingIdentifier(name) => self.declare(name.name.as_str(), value),
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    let part = match self.key(&property.key) {
                        Some(key) => resolve::of_member(&value, &key.value),
                        None => Value::tainted(value.taint.without(Taint::ENVIRONMENT)),
                    };
                    self.member(&part, line);
                    self.bind_within(&property.value, part, line, depth + 1);
                }
                if let Some(rest) = &object.rest {
                    self.bind_within(&rest.argument, value, line, depth + 1);
                }
            }
            BindingPattern::ArrayPattern(array) => {
                for (at, element) in array.elements.iter().enumerate() {
                    let part = value.list.as_ref().and_then(|list| list.get(at)).cloned();
                    let part = part.unwrap_or_else(|| Value::tainted(value.taint.without(Taint::ENVIRONMENT)));
                    if let Some(element) = element {
                        self.bind_within(element, part, line, depth + 1);
                    }
                }
                if let Some(rest) = &array.rest {
                    self.bind_within(&rest.argument, Value::tainted(value.taint), line, depth + 1);
                }
            }
            BindingPattern::AssignmentPattern(inner) => self.bind_within(&inner.left, value, line, depth + 1),
        }
    }

    /// Binds the name of a loop to what it goes through.
    pub(super) fn each(&mut self, left: &ForStatementLeft<'a>, value: &Value, line: u32) {
        let mut taint = value.taint;
        if resolve::is_secret_place(value) {
            taint = taint.with(Taint::PLACE);
        }
        let part = Value::tainted(taint);
        match left {
            ForStatementLeft::VariableDeclaration(declaration) => {
                for declarator in &declaration.declarations {
                    self.bind(&declarator.id, part.clone(), line);
                }
            }
            ForStatementLeft::AssignmentTargetIdentifier(name) => self.assign(name.name.as_str(), part),
            _ => {}
        }
    }

    /// Binds what the statements of the file bind at the top, before anything is read: functions use what stands below them.
    pub(super) fn foresee(&mut self, statements: &[Statement<'a>]) {
        self.hoist(statements);
        for statement in statements {
            match statement {
                Statement::ImportDeclaration(import) => {
                    let module = calls::module(import.source.value.as_str());
                    for specifier in import.specifiers.iter().flatten() {
                        let (name, value) = match specifier {
                            ImportDeclarationSpecifier::ImportSpecifier(one) => {
                                let imported = match &one.imported {
                                    ModuleExportName::IdentifierName(name) => name.name.as_str(),
                                    ModuleExportName::IdentifierReference(name) => name.name.as_str(),
                                    ModuleExportName::StringLiteral(name) => name.value.as_str(),
                                };
                                (&one.local, resolve::of_member(&Value::path(module), imported))
                            }
                            ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
                                (&one.local, Value::path(module))
                            }
                            ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => {
                                (&one.local, Value::path(module))
                            }
                        };
                        let line = self.line(import.span.start);
                        self.member(&value, line);
                        self.declare(name.name.as_str(), value);
                    }
                }
                Statement::VariableDeclaration(declaration) => self.bind_declaration(declaration),
                Statement::ExportDeclaration(export) => {
                    if let Declaration::VariableDeclaration(declaration) = &export.declaration {
                        self.bind_declaration(declaration);
                    }
                }
                Statement::ExpressionStatement(statement) => {
                    if let Expression::AssignmentExpression(assignment) = &statement.expression
                        && let AssignmentTarget::AssignmentTargetIdentifier(name) = &assignment.left
                    {
                        let value = self.value(&assignment.right);
                        self.assign(name.name.as_str(), value);
                    }
                }
                _ => {}
            }
        }
    }

    fn bind_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        for declarator in &declaration.declarations {
            if let Some(init) = &declarator.init {
                let value = self.value(init);
                let line = self.line(declarator.span.start);
                self.bind(&declarator.id, value, line);
            }
        }
    }

    /// Declares the functions, classes and variables of a body, so that they are not taken for global ones above their declaration.
    pub(super) fn hoist(&mut self, statements: &[Statement<'a>]) {
        for statement in statements {
            match statement {
                Statement::FunctionDeclaration(function) => {
                    if let Some(id) = &function.id {
                        self.declare(id.name.as_str(), Value::default());
                    }
                }
                Statement::ClassDeclaration(class) => {
                    if let Some(id) = &class.id {
                        self.declare(id.name.as_str(), Value::default());
                    }
                }
                Statement::VariableDeclaration(declaration) => {
                    for declarator in &declaration.declarations {
                        if let BindingPattern::BindingIdentifier(name) = &declarator.id {
                            self.declare(name.name.as_str(), Value::default());
                        }
                    }
                }
                Statement::ExportDeclaration(export) => {
                    if let Some(id) = export.declaration.id() {
                        self.declare(id.name.as_str(), Value::default());
                    }
                }
                _ => {}
            }
        }
    }
}
