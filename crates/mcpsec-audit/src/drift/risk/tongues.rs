//! Orders in other languages than English: a language's words for "not", "tell" and "user", and so on, in one sentence.
use super::phrases::Sign;

/// Stems of one language. A sign is one word of each list that belongs to it, in any order.
struct Tongue {
    /// Where "not" stands, seen from the verb.
    side: Side,
    not: &'static [&'static str],
    tell: &'static [&'static str],
    user: &'static [&'static str],
    ignore: &'static [&'static str],
    orders: &'static [&'static str],
    hand: &'static [&'static str],
    precious: &'static [&'static str],
    ask: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
    Either,
}

const TONGUES: &[Tongue] = &[
    // German
    Tongue {
        side: Side::Either,
        not: &["nicht", "niemals", "ohne ", "kein", "nie "],
        tell: &[
            "erwähn",
            "sag",
            "verrat",
            "verrät",
            "informier",
            "mitteil",
            "zeig",
            "erzähl",
            "teile ",
            "anmerk",
            "wissen",
            "merk",
            "erfahr",
        ],
        user: &["benutzer", "nutzer", "anwender", "kund", "ihm ", "person"],
        ignore: &["ignorier", "missacht", "vergiss", "überschreib", "außer acht", "vorrang", "hinweg"],
        orders: &["anweisung", "vorgabe", "regel", "instruktion", "richtlinie", "systemprompt"],
        hand: &[
            "lies",
            "lese",
            "sende",
            "schick",
            "füge",
            "übergib",
            "übermittel",
            "kopier",
            "häng",
            "leite",
            "übertrag",
            "gib ",
        ],
        precious: &[
            "passwort",
            "passwört",
            "zugangsdaten",
            "schlüssel",
            "geheim",
            "token",
            "gesprächsverlauf",
            "chatverlauf",
            "unterhaltung",
            "umgebungsvariable",
            "nachrichten",
        ],
        ask: &["nachfrag", "rückfrag", "bestätig", "zustimm", "erlaubnis", "genehmig"],
    },
    // French
    Tongue {
        side: Side::Before,
        not: &["ne ", "n'", "jamais", "sans ", "inutile"],
        tell: &[
            "mentionn", "dire", "dis ", "dites", "inform", "révél", "montr", "signal", "prévien", "préven", "parle",
            "sache", "averti",
        ],
        user: &["utilisateur", "client", "l'usager", "humain", "personne qui"],
        ignore: &["ignor", "oubli", "outrepass", "priorité sur", "ne tiens pas compte", "ne tenez pas compte"],
        orders: &["instruction", "consigne", "règle", "directive", "invite système"],
        hand: &[
            "lis ",
            "lisez",
            "lire ",
            "envoi",
            "envoy",
            "transm",
            "joign",
            "joins",
            "copi",
            "inclu",
            "ajout",
            "passe",
            "récupèr",
        ],
        precious: &[
            "mot de passe",
            "mots de passe",
            "identifiants",
            "clé api",
            "clés",
            "clé privée",
            "secret",
            "jeton",
            "historique",
            "conversation",
            "variables d'environnement",
        ],
        ask: &["confirmation", "demander", "autorisation", "accord", "consentement", "approbation"],
    },
    // Spanish
    Tongue {
        side: Side::Before,
        not: &["no ", "nunca", "sin ", "jamás"],
        tell: &[
            "mencion", "digas", "diga", "decir", "inform", "revel", "muestr", "avis", "notifi", "cuent", "sepa",
            "coment",
        ],
        user: &["usuario", "cliente", "humano"],
        ignore: &["ignor", "olvid", "omite", "prioridad sobre", "haz caso omiso", "descart"],
        orders: &["instruccion", "regla", "directriz", "directrices", "indicacion", "políticas"],
        hand: &[
            "lee ", "lea ", "leer", "envía", "envíe", "enví", "manda", "adjunt", "copi", "incluy", "pasa ", "pase ",
            "agreg", "añad", "reenv",
        ],
        precious: &[
            "contraseña",
            "credencial",
            "clave",
            "secreto",
            "token",
            "historial",
            "conversación",
            "variables de entorno",
        ],
        ask: &["confirmación", "confirmar", "preguntar", "permiso", "consentimiento", "aprobación"],
    },
    // Portuguese
    Tongue {
        side: Side::Before,
        not: &["não ", "nunca", "sem ", "jamais"],
        tell: &["mencion", "diga", "dizer", "conte", "inform", "revel", "mostr", "avis", "notifi", "saiba"],
        user: &["usuário", "utilizador", "cliente", "humano"],
        ignore: &["ignor", "esqueç", "desconsider", "prioridade sobre", "descart"],
        orders: &["instruç", "regra", "diretriz", "orientaç", "política"],
        hand: &[
            "leia", "ler ", "envie", "enviar", "mande", "anex", "copi", "inclua", "passe", "adicion", "encaminh",
            "transmit",
        ],
        precious: &[
            "senha",
            "credencia",
            "chave",
            "segredo",
            "token",
            "histórico",
            "conversa",
            "variáveis de ambiente",
        ],
        ask: &["confirmação", "confirmar", "perguntar", "permissão", "consentimento", "aprovação"],
    },
    // Italian
    Tongue {
        side: Side::Before,
        not: &["non ", "mai ", "senza ", "né "],
        tell: &["menzion", "dire", "dica", "inform", "rivel", "mostr", "avvis", "notific", "parlar", "sappia"],
        user: &["utente", "cliente", "umano"],
        ignore: &["ignor", "dimentic", "precedenza su", "priorità su", "trascur"],
        orders: &["istruzion", "regol", "direttiv", "linee guida"],
        hand: &[
            "leggi", "invia", "inviare", "manda", "allega", "copia", "includi", "passa", "aggiungi", "inoltra",
            "trasmett",
        ],
        precious: &[
            "password",
            "credenzial",
            "chiav",
            "segret",
            "token",
            "cronologia",
            "conversazione",
            "variabili d'ambiente",
            "variabili di ambiente",
        ],
        ask: &["conferma", "chiedere", "permesso", "consenso", "approvazione"],
    },
    // Dutch
    Tongue {
        side: Side::Either,
        not: &["niet", "nooit", "zonder ", "geen "],
        tell: &["vermeld", "zeg", "vertel", "inform", "onthul", "toon", "meld", "laat weten", "weten"],
        user: &["gebruiker", "klant"],
        ignore: &["negeer", "vergeet", "voorrang", "overschrijf"],
        orders: &["instructie", "regel", "richtlijn", "opdracht"],
        hand: &["lees", "stuur", "verstuur", "verzend", "kopieer", "voeg", "geef", "zet"],
        precious: &[
            "wachtwoord",
            "inloggegevens",
            "sleutel",
            "geheim",
            "token",
            "gesprek",
            "chatgeschiedenis",
            "omgevingsvariabele",
        ],
        ask: &["bevestig", "toestemming", "vragen", "goedkeuring"],
    },
    // Polish
    Tongue {
        side: Side::Before,
        not: &["nie ", "nigdy", "bez "],
        tell: &["wspomin", "mów", "powiad", "inform", "ujawni", "pokazu", "zdradz", "wiedz"],
        user: &["użytkowni", "klient"],
        ignore: &["ignoruj", "zignoruj", "zapomnij", "pomiń", "pierwszeństwo"],
        orders: &["instrukcj", "polece", "zasad", "wytyczn"],
        hand: &["przeczytaj", "odczytaj", "wyślij", "prześlij", "dołącz", "skopiuj", "przekaż", "dodaj"],
        precious: &[
            "hasł",
            "poświadcze",
            "klucz",
            "sekret",
            "token",
            "histori",
            "rozmow",
            "zmienne środowiskowe",
            "zmiennych środowiskowych",
        ],
        ask: &["potwierdz", "zgody", "pytani", "pytaj"],
    },
    // Russian and Ukrainian
    Tongue {
        side: Side::Before,
        not: &["не ", "никогда", "без ", "ніколи"],
        tell: &[
            "сообщ",
            "говор",
            "упомин",
            "расска",
            "раскры",
            "показыв",
            "уведом",
            "информир",
            "повідом",
            "кажи",
            "згаду",
            "показу",
            "знал",
        ],
        user: &["пользовател", "клиент", "користувач", "клієнт", "человек"],
        ignore: &["игнорир", "проигнорир", "забуд", "приоритет", "ігнору", "забуд", "отмени"],
        orders: &["инструкц", "указан", "правил", "інструкц", "вказів", "команд"],
        hand: &[
            "прочит",
            "прочти",
            "отправ",
            "переда",
            "перешл",
            "скопир",
            "добав",
            "прикреп",
            "включи",
            "надішл",
            "передай",
            "скопію",
            "додай",
        ],
        precious: &[
            "пароль",
            "парол",
            "учетные данные",
            "учётные данные",
            "ключ",
            "секрет",
            "токен",
            "истори",
            "переписк",
            "переменные окружения",
            "переменных окружения",
            "історі",
            "розмов",
            "облікові",
        ],
        ask: &["подтвержд", "разрешен", "спраш", "согласи", "підтвердж", "дозвол"],
    },
    // Swedish, Danish and Norwegian
    Tongue {
        side: Side::Either,
        not: &["inte", "aldrig", "utan att", "uden at", "uten å", "ikke"],
        tell: &[
            "nämn",
            "berätta",
            "säg",
            "informera",
            "visa",
            "avslöja",
            "nævn",
            "fortæl",
            "sige",
            "nevn",
            "fortell",
            "si det",
            "meddel",
            "vet",
        ],
        user: &["användare", "bruger", "bruker", "kund"],
        ignore: &["bortse från", "ignorera", "glöm", "ignorer", "se bort fra", "glem"],
        orders: &["instruktion", "anvisning", "regler", "instruks"],
        hand: &["läs ", "skicka", "lämna ut", "kopiera", "bifoga", "lägg", "læs ", "send", "vedhæft", "les ", "legg"],
        precious: &[
            "lösenord",
            "nyckel",
            "nycklar",
            "hemlig",
            "konversation",
            "adgangskode",
            "nøgle",
            "passord",
            "nøkkel",
            "hemmelig",
            "samtale",
            "miljövariab",
            "miljøvariab",
        ],
        ask: &["bekräft", "fråga", "tillåt", "bekræft", "spørg", "bekreft", "godkän", "godkend"],
    },
    // Czech and Slovak
    Tongue {
        side: Side::Before,
        not: &["nic ", "bez ", "ne", "nikdy"],
        tell: &["neříkej", "nezmiňuj", "neinform", "neprozra", "nehovor", "nespomín", "nesděl", "říkej", "zmiň"],
        user: &["uživatel", "používateľ", "zákazní"],
        ignore: &["ignoruj", "zapomeň", "nedbej", "ruší"],
        orders: &["pokyn", "instrukc", "pravid", "příkaz"],
        hand: &["přečti", "přečtěte", "pošli", "odešli", "přilož", "zkopíruj", "vlož", "předej", "prečítaj"],
        precious: &["heslo", "hesla", "klíč", "tajn", "token", "konverzac", "histori", "proměnné prostředí", "kľúč"],
        ask: &["potvrz", "souhlas", "ptej", "potvrd"],
    },
    // Greek
    Tongue {
        side: Side::Before,
        not: &["μην ", "χωρίς", "ποτέ", "δεν "],
        tell: &["πεις", "πείτε", "αναφέρ", "ενημερ", "αποκαλύ", "δείξ"],
        user: &["χρήστη", "πελάτη"],
        ignore: &["αγνόησε", "αγνοήστε", "ξέχασε", "ξεχάστε"],
        orders: &["οδηγί", "κανόν", "εντολ"],
        hand: &["διάβασε", "διαβάστε", "στείλε", "στείλτε", "αντέγραψ", "βάλε", "βάλτε", "συμπερίλ", "δώσε", "δώστε"],
        precious: &["κωδικ", "κλειδί", "κλειδιά", "μυστικ", "συνομιλία", "ιστορικό", "διαπιστευτήρια"],
        ask: &["επιβεβαίωσ", "άδεια", "ρωτή", "έγκριση"],
    },
    // Persian
    Tongue {
        side: Side::Either,
        not: &["نگو", "بدون", "نباید", "هرگز", "نکن"],
        tell: &["بگو", "نگو", "اطلاع", "ذکر", "فاش", "چیزی"],
        user: &["کاربر", "مشتری"],
        ignore: &["نادیده", "فراموش"],
        orders: &["دستور", "قوانین", "قواعد"],
        hand: &["بخوان", "بفرست", "بنویس", "ارسال", "کپی", "اضافه"],
        precious: &["رمز", "کلید", "گذرواژه", "محرمانه", "گفتگو", "تاریخچه"],
        ask: &["تأیید", "تایید", "اجازه", "سؤال"],
    },
    // Thai
    Tongue {
        side: Side::Before,
        not: &["ห้าม", "อย่า", "ไม่ต้อง", "โดยไม่"],
        tell: &["บอก", "แจ้ง", "เปิดเผย", "แสดง", "กล่าวถึง"],
        user: &["ผู้ใช้", "ลูกค้า"],
        ignore: &["เพิกเฉย", "ละเว้น", "ไม่สนใจ", "ลืม"],
        orders: &["คำสั่ง", "คำแนะนำ", "กฎ"],
        hand: &["อ่าน", "ส่ง", "คัดลอก", "แนบ", "ใส่"],
        precious: &["รหัสผ่าน", "กุญแจ", "ความลับ", "โทเค็น", "ประวัติ", "การสนทนา", ".env"],
        ask: &["ยืนยัน", "อนุญาต", "ขออนุมัติ", "ถาม"],
    },
    // Turkish
    Tongue {
        side: Side::After,
        not: &["söyleme", "bahsetme", "belirtme", "gösterme", "bildirme", "olmadan", "sormadan", "haber verme", "asla"],
        tell: &["söyle", "bahset", "belirt", "göster", "bildir", "haber", "sor"],
        user: &["kullanıcı", "müşteri"],
        ignore: &["yok say", "görmezden gel", "unut", "dikkate alma"],
        orders: &["talimat", "kural", "yönerge", "komut"],
        hand: &["oku", "gönder", "ilet", "kopyala", "ekle", "aktar"],
        precious: &[
            "şifre",
            "parola",
            "kimlik bilgi",
            "anahtar",
            "gizli",
            "jeton",
            "geçmiş",
            "konuşma",
            "ortam değişken",
        ],
        ask: &["onay", "izin", "sormadan"],
    },
    // Indonesian and Malay
    Tongue {
        side: Side::Before,
        not: &["jangan", "tanpa ", "tidak "],
        tell: &[
            "beri tahu",
            "memberi tahu",
            "beritahu",
            "memberitahu",
            "sebutkan",
            "menyebut",
            "ungkap",
            "tunjukkan",
            "katakan",
        ],
        user: &["pengguna", "pelanggan"],
        ignore: &["abaikan", "lupakan", "kesampingkan"],
        orders: &["instruksi", "perintah", "aturan", "petunjuk"],
        hand: &["baca", "kirim", "sertakan", "salin", "teruskan", "lampirkan", "tambahkan"],
        precious: &[
            "kata sandi",
            "kredensial",
            "kunci",
            "rahasia",
            "token",
            "riwayat",
            "percakapan",
            "variabel lingkungan",
        ],
        ask: &["konfirmasi", "izin", "persetujuan", "bertanya"],
    },
    // Vietnamese
    Tongue {
        side: Side::Before,
        not: &["không", "đừng", "chớ"],
        tell: &["nói", "đề cập", "tiết lộ", "thông báo", "cho biết", "hiển thị", "báo"],
        user: &["người dùng", "khách hàng"],
        ignore: &["bỏ qua", "phớt lờ", "quên"],
        orders: &["hướng dẫn", "chỉ dẫn", "chỉ thị", "quy tắc", "lệnh"],
        hand: &["đọc", "gửi", "sao chép", "đính kèm", "chuyển", "thêm"],
        precious: &[
            "mật khẩu",
            "thông tin đăng nhập",
            "khóa",
            "bí mật",
            "mã thông báo",
            "lịch sử",
            "cuộc trò chuyện",
            "biến môi trường",
        ],
        ask: &["xác nhận", "xin phép", "đồng ý", "hỏi"],
    },
    // Chinese, both scripts
    Tongue {
        side: Side::Before,
        not: &[
            "不要", "不得", "不能", "请勿", "勿", "切勿", "别", "不可", "無需", "无需", "不需", "不必", "禁止", "避免",
            "未经", "未經",
        ],
        tell: &[
            "告诉", "告訴", "告知", "提及", "提到", "透露", "说明", "說明", "通知", "显示", "顯示", "让", "讓", "泄露",
            "知道",
        ],
        user: &["用户", "用戶", "使用者", "客户", "客戶"],
        ignore: &["忽略", "无视", "無視", "忘记", "忘記", "覆盖", "覆蓋", "优先于", "優先於", "取代"],
        orders: &["指令", "指示", "规则", "規則", "提示", "要求", "说明", "說明", "限制"],
        hand: &[
            "读取", "讀取", "发送", "發送", "传递", "傳遞", "复制", "複製", "附加", "上传", "上傳", "转发", "轉發",
            "包含", "写入", "寫入", "填入", "传入", "傳入",
        ],
        precious: &[
            "密码",
            "密碼",
            "凭据",
            "憑證",
            "凭证",
            "密钥",
            "金鑰",
            "私钥",
            "私鑰",
            "令牌",
            "机密",
            "机密",
            "机密",
            "聊天记录",
            "对话",
            "對話",
            "环境变量",
            "環境變數",
            "历史",
            "歷史",
            "系统提示",
        ],
        ask: &["确认", "確認", "许可", "許可", "同意", "询问", "詢問", "批准"],
    },
    // Japanese
    Tongue {
        side: Side::After,
        not: &["ないで", "せず", "ずに", "しない", "なく", "禁止", "なしに", "不要"],
        tell: &["伝え", "知らせ", "言わ", "言及", "通知", "表示", "明か", "教え", "話さ", "報告"],
        user: &["ユーザー", "ユーザ", "利用者", "使用者"],
        ignore: &["無視", "忘れ", "優先", "上書き"],
        orders: &["指示", "命令", "ルール", "規則", "プロンプト", "制約"],
        hand: &[
            "読み取",
            "読んで",
            "読み込",
            "送信",
            "送って",
            "渡し",
            "コピー",
            "添付",
            "含め",
            "転送",
            "追加",
            "入れ",
        ],
        precious: &[
            "パスワード",
            "認証情報",
            "秘密",
            "鍵",
            "トークン",
            "apiキー",
            "会話",
            "履歴",
            "環境変数",
            "システムプロンプト",
        ],
        ask: &["確認", "許可", "同意", "承認"],
    },
    // Korean
    Tongue {
        side: Side::After,
        not: &["마세요", "말고", "않고", "않", "없이", "마십시오", "말 것", "금지", "말아", "마라"],
        tell: &["알리", "말하", "언급", "공개", "보여", "통지", "알려", "밝히"],
        user: &["사용자", "고객", "유저"],
        ignore: &["무시", "잊", "우선", "덮어"],
        orders: &["지시", "명령", "규칙", "지침", "프롬프트"],
        hand: &["읽", "보내", "전송", "전달", "복사", "첨부", "포함", "추가", "넣"],
        precious: &[
            "비밀번호",
            "암호",
            "자격 증명",
            "자격증명",
            "키를",
            "비밀",
            "토큰",
            "대화",
            "기록",
            "환경 변수",
            "환경변수",
        ],
        ask: &["확인", "허락", "동의", "승인", "묻"],
    },
    // Arabic
    Tongue {
        side: Side::Before,
        not: &["لا ", "دون ", "بدون", "عدم"],
        tell: &["تخبر", "تذكر", "إخبار", "ذكر", "تكشف", "تظهر", "إبلاغ", "تبلغ", "علم"],
        user: &["المستخدم", "مستخدم", "العميل"],
        ignore: &["تجاهل", "انس", "الأولوية على"],
        orders: &["التعليمات", "تعليمات", "القواعد", "الأوامر"],
        hand: &["اقرأ", "أرسل", "ارسل", "انسخ", "أرفق", "مرر", "أضف", "ضمّن"],
        precious: &[
            "كلمة المرور",
            "كلمات المرور",
            "بيانات الاعتماد",
            "المفتاح",
            "مفتاح",
            "مفاتيح",
            "السر",
            "رمز",
            "المحادثة",
            "سجل",
            "متغيرات البيئة",
        ],
        ask: &["تأكيد", "إذن", "موافقة", "تسأل"],
    },
    // Hindi
    Tongue {
        side: Side::After,
        not: &["मत ", "नहीं", "बिना", "न "],
        tell: &["बता", "उल्लेख", "सूचित", "दिखा", "कह"],
        user: &["उपयोगकर्ता", "यूज़र", "यूजर", "ग्राहक"],
        ignore: &["अनदेखा", "नज़रअंदाज़", "नजरअंदाज", "भूल"],
        orders: &["निर्देश", "नियम", "आदेश"],
        hand: &["पढ़", "भेज", "कॉपी", "संलग्न", "जोड़", "शामिल"],
        precious: &["पासवर्ड", "क्रेडेंशियल", "कुंजी", "गुप्त", "टोकन", "बातचीत", "इतिहास"],
        ask: &["पुष्टि", "अनुमति", "सहमति", "पूछ"],
    },
];

/// The signs of one folded sentence in any of the languages.
pub(super) fn signs(window: &str) -> Vec<Sign> {
    let has = |list: &[&str]| list.iter().any(|stem| window.contains(stem));
    let mut found = Vec::new();
    for tongue in TONGUES {
        let not = has(tongue.not);
        if has(tongue.user) && negated(window, tongue, tongue.tell) {
            found.push(Sign::Secrecy);
        }
        if has(tongue.ignore) && has(tongue.orders) {
            found.push(Sign::Override);
        }
        if has(tongue.user) && negated(window, tongue, tongue.ask) {
            found.push(Sign::Consent);
        }
        if !not && has(tongue.hand) && has(tongue.precious) && !english(window) {
            found.push(Sign::Secrets);
        }
    }
    // English shares stems with its neighbours, and has rules of its own.
    if english(window) {
        found.clear();
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether one of the verbs is negated: "not" within reach, on the side where the language puts it, in one clause.
fn negated(window: &str, tongue: &Tongue, verbs: &[&str]) -> bool {
    const REACH: usize = 48;
    let close = |between: &str| {
        between.chars().count() <= REACH && !between.contains([',', ';', ':', '，', '、', '；', '：', '.'])
    };
    verbs.iter().any(|verb| {
        window.match_indices(verb).take(20).any(|(at, _)| {
            tongue.not.iter().any(|not| {
                window.match_indices(not).take(20).any(|(no, word)| {
                    let before =
                        no + word.len() <= at && tongue.side != Side::After && close(&window[no + word.len()..at]);
                    let after = no >= at && tongue.side != Side::Before && close(&window[at..no]);
                    before || after
                })
            })
        })
    })
}

/// Whether a sentence is English, near enough: it has several of the small words that only English has.
fn english(window: &str) -> bool {
    const SMALL: &[&str] = &[
        "the", "of", "to", "is", "and", "this", "with", "for", "you", "or", "be", "if", "by", "from", "that", "must",
        "your", "are", "not", "use", "it",
    ];
    let words: Vec<&str> = window.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let small = words.iter().filter(|word| SMALL.contains(word)).count();
    let ascii = window.chars().filter(char::is_ascii).count() * 100 >= window.chars().count() * 97;
    ascii && (small >= 2 && small * 8 >= words.len() || words.len() < 6)
}

/// Whether a sentence is about what the model or the user has.
pub(super) fn addresses_data(window: &str) -> bool {
    const DATA: &[&str] = &[
        "query",
        "queries",
        "input",
        "arguments",
        "parameters",
        "prompt",
        "contents",
        "content",
        "copy",
        "data",
        "results",
        "message",
        "messages",
        "conversation",
        "files",
        "history",
        "everything",
        "all ",
        "usage",
        "details",
        "user",
        "transcript",
        "keystrokes",
        "clipboard",
        "screenshot",
        "record",
    ];
    DATA.iter().any(|word| window.contains(word))
}
