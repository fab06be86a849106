//! Files that were made to break readers.
use super::*;

fn told(code: &str) -> FileFacts {
    facts("index.js", code)
}

#[test]
fn deep_nesting_is_said_and_does_not_crash() {
    for opener in [
        "(",
        "[",
        "{",
        "`${",
        "!",
        "-",
        "a=>",
        "[a=",
        "(function(){",
        "a?",
        "new ",
        "if(a)",
        "{a:",
        "while(a)",
        "async()=>{",
        "typeof ",
        "x=",
        "f(",
        "<a>",
        "for(;;)",
        "else if(a)",
        "class A{a(){",
        "a:",
    ] {
        let facts = told(&opener.repeat(100_000));
        assert!(facts.unread.is_some(), "{opener}");
    }
    for (opener, closer) in [("(", ")"), ("[", "]"), ("`${", "}`"), ("(function(){", "})")] {
        let code =
            format!("fetch('https://a.collect.invalid');x={}1{}", opener.repeat(100_000), closer.repeat(100_000));
        let facts = told(&code);
        assert!(facts.unread.is_some_and(|why| why.contains("nested")), "{opener}");
        assert!(facts.names.keys().any(|name| name.text == "a.collect.invalid"), "{opener}");
    }
    assert!(facts("a.ts", &format!("type A = {}1{}", "A<".repeat(100_000), ">".repeat(100_000))).unread.is_some());
    assert!(facts("a.tsx", &"<a>".repeat(100_000)).unread.is_some());
}

#[test]
fn nesting_behind_what_looks_like_a_pattern_does_not_crash() {
    // Read as a pattern, `/"/` hides nothing; read as a division, it starts a string that hides the brackets.
    for code in [
        format!("a={{}}/\"/{}", "(".repeat(100_000)),
        format!("{{}}/\"/;{}", "(".repeat(100_000)),
        format!("if(a)/\"/;{}", "[".repeat(100_000)),
        format!("a++/\"/{}", "(".repeat(100_000)),
        format!("a=b/c;d=\"/\";{}", "(".repeat(100_000)),
    ] {
        assert!(told(&code).unread.is_some());
    }
}

#[test]
fn what_is_nested_as_people_nest_is_read() {
    let code = format!("x={}1{}", "(".repeat(300), ")".repeat(300));
    assert_eq!(told(&code).unread, None);
    let chain = (0..2_000).map(|at| format!("if(a=={at}){{b()}}else ")).collect::<String>() + "{c()}";
    assert!(told(&chain).unread.is_some());
    let chain = (0..500).map(|at| format!("if(a=={at}){{b()}}else ")).collect::<String>() + "{c()}";
    assert_eq!(told(&chain).unread, None);
}

#[test]
fn long_sums_and_chains_are_read() {
    let sum = vec!["'part'"; 20_000].join("+");
    assert_eq!(told(&format!("x={sum}")).unread, None);
    let chain = format!("x{}", ".then(a)".repeat(20_000));
    let facts = told(&chain);
    assert!(facts.unread.is_some_and(|why| why.contains("nested too deeply")));
}

#[test]
fn strings_that_grow_are_let_go() {
    let mut code = String::from("let a0='xxxxxxxx';");
    for at in 0..200 {
        code.push_str(&format!("const a{}=a{at}+a{at};", at + 1));
    }
    assert_eq!(told(&code).unread, None);
    // What is longer than the bound is not known as a whole; its parts are read one by one.
    let code = "const a='https://a.collect.invalid/'; const b=a+'x'.repeat(40000); f(b+b+'https://'+'late.invalid')";
    let hosts = names(code, NameKind::Host);
    assert_eq!(hosts, ["a.collect.invalid", "late.invalid"]);
    // All strings together are bounded as well, and what is not followed is said.
    let code = "const a='x'.repeat(60000);".to_owned() + &"f(a+'y');".repeat(2_000);
    assert!(told(&code).unread.is_some_and(|why| why.contains("more strings")));
    assert_eq!(told("'x'.repeat(1e300); 'x'.repeat(-1); 'x'.repeat(NaN); 'ab'.slice(-1e300, 1e300); [][1e300]; String.fromCharCode(1e300)").unread, None);
    assert_eq!(told("const a = [1, 2]; const b = [...a, ...a]; const c = [...b, ...b]; f(c)").unread, None);
    let mut code = String::from("const a0=[1,2,3,4];");
    for at in 0..60 {
        code.push_str(&format!("const a{}=[...a{at},...a{at}];", at + 1));
    }
    assert_eq!(told(&code).unread, None);
    let mut code = String::from("const a0='x';");
    for at in 0..60 {
        code.push_str(&format!("const a{}=[a{at},a{at},a{at},a{at}].join(a{at});", at + 1));
    }
    assert_eq!(told(&code).unread, None);
    assert_eq!(told("const s='x'.repeat(60000); s.replaceAll('x', s); s.split('').join(s)").unread, None);
}

#[test]
fn strange_text_is_read() {
    for code in [
        "",
        "\u{feff}",
        "\0",
        "'\\ud800'",
        "'\\u{110000}'",
        "\"",
        "`",
        "`${",
        "/",
        "/*",
        "//",
        "#!",
        "#!/usr/bin/env node",
        "'\\",
        "\u{2028}",
        "let \u{202e}x = 1",
        "\\u0061",
        "@",
        "<!--",
        "import",
        "export *",
    ] {
        let _facts = told(code);
    }
    let line = format!("var a='{}';fetch('https://a.collect.invalid')", "x".repeat(LONGEST - 100));
    assert_eq!(told(&line).unread, None);
    let line = format!("fetch('https://a.collect.invalid');var a='{}'", "é".repeat(LONGEST));
    let facts = told(&line);
    assert!(facts.unread.is_some_and(|why| why.contains("longer")));
    assert!(facts.names.keys().any(|name| name.text == "a.collect.invalid"));
    let array = format!("var a=[{}1];", "1,".repeat(2_000_000));
    assert_eq!(told(&array).unread, None);
}

#[test]
fn facts_are_the_same_each_time() {
    let code = "eval(atob('Y29uc29sZS5sb2coMSk=')); fetch('https://a.collect.invalid'); require('fs').readFileSync('/x/.ssh/id_rsa'); process.env.A";
    assert_eq!(told(code), told(code));
}
