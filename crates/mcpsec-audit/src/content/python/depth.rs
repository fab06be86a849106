//! How deep a tree the text would become, told from its tokens before anything is built: what recurses over the tree (and what
//! frees it) must not run out of stack, however the text was made.
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// The deepest tree that is built. Code that people write stays below 100.
pub(super) const DEEPEST: usize = 3_000;

/// An upper bound of the depth of the tree: tokens that may nest or chain, per open bracket or block, since the last comma or
/// line that starts anew there.
pub(super) fn is_bearable(text: &str) -> bool {
    let mut lexer = lexer::lex(text, Mode::Module);
    // What is open, each with how much is chained in it; and the sum of all of them.
    let mut open: Vec<usize> = vec![0];
    let mut total = 0;
    loop {
        let kind = lexer.next_token();
        match kind {
            TokenKind::EndOfFile => return true,
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::Indent
            | TokenKind::FStringStart
            | TokenKind::TStringStart => {
                total += 1;
                open.push(1);
            }
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::Dedent
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => {
                if open.len() > 1 {
                    total -= open.pop().unwrap_or_default();
                }
                // `a()()()` chains without nesting.
                total += chain(&mut open);
            }
            TokenKind::Comma | TokenKind::Newline | TokenKind::Semi => {
                if let Some(last) = open.last_mut() {
                    total -= *last;
                    *last = 0;
                }
            }
            TokenKind::Name
            | TokenKind::String
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline => {}
            _ => total += chain(&mut open),
        }
        if total > DEEPEST || open.len() > DEEPEST {
            return false;
        }
    }
}

fn chain(open: &mut [usize]) -> usize {
    if let Some(last) = open.last_mut() {
        *last += 1;
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_code_is_bearable_and_towers_are_not() {
        let mut long = String::from("x = [\n");
        for number in 0..50_000 {
            long.push_str(&format!("    ({number}, f'{{a}} of {{b}}', a.b(c)[1].d),\n"));
        }
        long.push_str("]\n");
        assert!(is_bearable(&long));
        for unit in
            ["(", "[", "{", "-", "not ", "a.", "a+", "f(", "lambda:", "a if b else ", "f'{", "await ", "a[0", "a**"]
        {
            assert!(!is_bearable(&unit.repeat(100_000)), "{unit}");
        }
        let calls = format!("x{}", "()".repeat(100_000));
        assert!(!is_bearable(&calls));
        let blocks: String = (0..5_000).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
        assert!(!is_bearable(&blocks));
    }
}
