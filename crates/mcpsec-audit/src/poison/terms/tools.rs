//! Words about tools: other tools, being called, instead of, first of all.
use super::Table;

/// Tools that are not this one.
pub(super) const OTHERS: Table = &[
    (
        "en",
        "a sibling tool|sibling tools|tools of another|another server|another server's|other server's|other tools in this session|neighbouring tool|neighboring tool|every tool call|any tool call|each tool call|next tool call|all tool calls|later tool calls|subsequent tool calls|subsequent calls|further tool calls|tools from other|tools of other|other vendors|official tool|the official|standard tool|the default tool|client's own|the client's|host's own|payment server|mail server tool|banking tool|bank tool|filesystem tool|file system tool|terminal tool|whichever tool|other toolother tools|other tool's|any other tool|all other tools|another tool|other servers|other server|another server|other mcp|any other server|any tool|every tool|all tools|every other tool|each tool|other functions|other connected|other installed|other available|existing tools|any connected|all connected|competing tool|competing tools|alternative tools|similar tools|built-in tool|built-in tools|native tool|native tools|the email tool|the mail tool|the file tool|the browser tool|the payment tool|the messaging tool|the shell tool|the search tool|the database tool|the calendar tool|the chat tool|the git tool|the github tool|the slack tool|the whatsapp tool|email tools|mail tools|payment tools|messaging tools|any email|any payment|any message|any outgoing|all outgoing|every outgoing|every email|all emails|outgoing email|outgoing emails|outgoing messages|outbound email|outbound message|outbound messages|any file-reading|any file reading|any search tool|any mail tool|any email tool|any shell tool|the other tools|other integrations",
    ),
    (
        "de",
        "anderen servers|anderer server|eines anderen|werkzeuge anderer|tools anderer|andere* werkzeug*|anderen werkzeug*|andere tools|anderen tools|alle anderen|andere* server|jedes andere tool|e-mail-tool|andere* tool|anderes tool",
    ),
    (
        "fr",
        "autre serveur|l'autre outil|outils des autres|outil d'un autre|autres outils|autre outil|tout autre outil|tous les outils|autres serveurs|autre serveur|l'outil d'e-mail|outil de messagerie",
    ),
    (
        "es",
        "otro servidor|herramienta de otro|otras herramientas|otra herramienta|cualquier otra herramienta|demás herramientas|todas las herramientas|otros servidores|herramienta de correo",
    ),
    (
        "pt",
        "outro servidor|ferramenta de outro|outras ferramentas|outra ferramenta|qualquer outra ferramenta|demais ferramentas|todas as ferramentas|outros servidores|ferramenta de e-mail",
    ),
    (
        "it",
        "altro server|strumento di un altro|altri tool|altri strumenti|altro strumento|qualsiasi altro strumento|tutti gli strumenti|altri server|strumento di posta|strumento email",
    ),
    (
        "nl",
        "andere server|tool van een ander|betaaltool|andere tools|ander hulpmiddel|andere hulpmiddelen|alle andere|andere servers|e-mailtool|andere tool",
    ),
    (
        "pl",
        "innego serwera|inny serwer|narzędzie innego|inne narzędzia|innych narzędzi|inne narzędzie|innego narzędzia|wszystkie narzędzia|wszystkich narzędzi|inne serwery|narzędzia e-mail",
    ),
    (
        "ru",
        "другого сервера|инструмент другого|чужой инструмент|другие инструменты|других инструментов|другой инструмент|другого инструмента|другими инструментами|другим инструментом|все инструменты|любой инструмент|любого инструмента|другие серверы|других серверов",
    ),
    (
        "uk",
        "іншого сервера|інструмент іншого|інші інструменти|інших інструментів|інший інструмент|іншого інструмента|всі інструменти|інші сервери|інструменту",
    ),
    ("tr", "diğer araç*|başka araç*|tüm araç*|diğer sunucu*|herhangi bir araç*|e-posta aracı*"),
    ("zh", "其他工具|其它工具|任何其他工具|所有工具|其他服务器|另一个工具|别的工具|邮件工具|任何工具"),
    ("ja", "他のツール|別のツール|ほかのツール|すべてのツール|他のサーバー|メールツール|あらゆるツール"),
    ("ko", "다른 도구|모든 도구|다른 툴|다른 서버|이메일 도구|기타 도구"),
    ("ar", "الأدوات الأخرى|أداة أخرى|أي أداة|جميع الأدوات|كل الأدوات|خوادم أخرى|أدوات أخرى"),
    ("hi", "अन्य टूल|दूसरे टूल|सभी टूल|अन्य उपकरण|किसी अन्य टूल|अन्य सर्वर|दूसरा टूल"),
    ("id", "alat lain|alat lainnya|semua alat|tool lain|tools lain|server lain|alat email"),
    ("vi", "công cụ khác|các công cụ khác|mọi công cụ|tất cả công cụ|máy chủ khác|bất kỳ công cụ"),
];

/// Tools as things.
pub(super) const TOOL_WORD: Table = &[
    ("en", "tool|tools|function|server|plugin|integration|mcp"),
    ("de", "werkzeug*|tool|tools|funktion"),
    ("fr", "outil*|fonction"),
    ("es", "herramienta*|función"),
    ("pt", "ferramenta*|função"),
    ("it", "strument*|funzione"),
    ("nl", "hulpmiddel*|tool|tools|functie"),
    ("pl", "narzędzi*|funkcj*"),
    ("ru", "инструмент*|функци*"),
    ("uk", "інструмент*|функці*"),
    ("tr", "araç*|aracı*|işlev*|fonksiyon*"),
    ("zh", "工具|函数|函數"),
    ("ja", "ツール|関数"),
    ("ko", "도구|함수|툴"),
    ("ar", "أداة|الأداة|أدوات"),
    ("hi", "टूल|उपकरण"),
    ("id", "alat|tool|fungsi"),
    ("vi", "công cụ|hàm"),
];

/// Being used.
pub(super) const INVOKED: Table = &[
    (
        "en",
        "is called|is invoked|is used|is triggered|is available|is present|is executed|is requested|is run|are used|are called|are invoked|gets called|gets invoked|being called|being used|called|invoked|calling|invoking|using|calls to|call to|calls|is about to|sending an email|send an email|sends an email|sending a message|sending email|sending mail|making a payment|makes a payment|sends a message|writes a file|writing a file|when sending|when writing|when reading|when making|is sent|are sent",
    ),
    ("de", "aufgerufen|verwendet|benutzt|genutzt|aufruf*"),
    ("fr", "appelé*|utilisé*|invoqué*|appel|appelle*"),
    ("es", "llame|llama|llamada|use|usa|utilic*|utiliz*|invoc*|ejecut*"),
    ("pt", "chamad*|usad*|utilizad*|invocad*|chamar|usar"),
    ("it", "chiamat*|usat*|utilizzat*|invocat*|chiami|usi|richiamat*"),
    ("nl", "aangeroepen|gebruikt|aanroep*"),
    ("pl", "wywoł*|użyt*|używan*|użyc*"),
    ("ru", "вызыва*|вызов*|вызван*|использу*|использован*"),
    ("uk", "виклик*|використ*"),
    ("tr", "çağrıl*|kullanıl*|çağır*|kullan*"),
    ("zh", "调用|調用|使用|被用|呼叫"),
    ("ja", "呼び出|使用|使わ|使う|実行"),
    ("ko", "호출|사용"),
    ("ar", "استدعاء|استخدام|تستخدم|يستدعى"),
    ("hi", "उपयोग|कॉल|इस्तेमाल"),
    ("id", "dipanggil|digunakan|memanggil|menggunakan"),
    ("vi", "được gọi|được sử dụng|gọi|sử dụng"),
];

/// In its place.
pub(super) const INSTEAD: Table = &[
    (
        "en",
        "instead of|instead|rather than|in place of|in preference to|over any other|over other|replaces the|do not use|don't use|never use|do not call|never call|stop using|avoid using|avoid calling|must not be used|should not be used|only use|use only|exclusively|prefer this|not be called",
    ),
    ("de", "anstelle|anstatt|statt|stattdessen|nicht verwenden|ausschließlich|verwende niemals"),
    ("fr", "au lieu|à la place|plutôt que|n'utilise* pas|n'utilise* jamais|exclusivement|n'utilisez"),
    ("es", "en lugar de|en vez de|no uses|no utilices|nunca uses|exclusivamente|en su lugar"),
    ("pt", "em vez de|no lugar de|ao invés|não use|não utilize|nunca use|exclusivamente"),
    ("it", "invece di|al posto di|anziché|non usare|non utilizzare|esclusivamente"),
    ("nl", "in plaats van|gebruik niet|gebruik nooit|gebruik geen|uitsluitend"),
    ("pl", "zamiast|nie używaj|nigdy nie używaj|wyłącznie"),
    ("ru", "вместо|не используй*|исключительно|никогда не используй*"),
    ("uk", "замість|не використовуй*|виключно"),
    ("tr", "yerine|kullanma*|yalnızca"),
    ("zh", "代替|取代|而不是|不要使用|请勿使用|只使用|切勿使用|不要调用"),
    ("ja", "代わりに|ではなく|使わない|使用しない|のみを使用"),
    ("ko", "대신|사용하지 마|사용하지 말|만 사용"),
    ("ar", "بدلا من|بدلاً من|لا تستخدم|عوضا عن|فقط"),
    ("hi", "के बजाय|के स्थान पर|उपयोग न|उपयोग मत|की जगह"),
    ("id", "alih-alih|sebagai ganti|daripada|jangan gunakan|jangan pakai"),
    ("vi", "thay vì|thay cho|không sử dụng|đừng dùng|đừng sử dụng|chỉ dùng"),
];

/// Why another tool should not be used.
pub(super) const BROKEN: Table = &[
    (
        "en",
        "deprecated|broken|compromised|insecure|unsafe|malicious|obsolete|no longer works|no longer supported|retired|removed|unreliable|vulnerable|dangerous|outdated|infected|disabled|decommissioned|defective|faulty|corrupted|buggy|untrusted",
    ),
    ("de", "veraltet|unsicher*|defekt|kompromittiert|kaputt"),
    ("fr", "obsolète*|compromis*|défectueu*|cassé*|dangereu*"),
    ("es", "obsolet*|comprometid*|insegur*|rot*|peligros*|defectuos*"),
    ("pt", "obsolet*|comprometid*|insegur*|quebrad*|perigos*"),
    ("it", "obsolet*|compromess*|insicur*|rott*|pericolos*|deprecat*"),
    ("nl", "verouderd|onveilig|kapot|gecompromitteerd"),
    ("pl", "przestarzał*|niebezpieczn*|zepsut*|skompromitowan*"),
    ("ru", "устарел*|небезопасн*|сломан*|скомпрометирован*|взломан*"),
    ("uk", "застаріл*|небезпечн*|зламан*|скомпрометован*"),
    ("tr", "eski|güvensiz|bozuk|ele geçiril*|kullanımdan kal*"),
    ("zh", "已弃用|已棄用|不安全|已损坏|被入侵|过时|已废弃|有漏洞"),
    ("ja", "非推奨|危険|安全ではない|壊れ|侵害"),
    ("ko", "더 이상 사용되지|안전하지|손상|위험|침해|폐기"),
    ("ar", "مهملة|غير آمن|معطل|مخترق|قديمة"),
    ("hi", "अप्रचलित|असुरक्षित|खराब"),
    ("id", "usang|tidak aman|rusak|disusupi"),
    ("vi", "lỗi thời|không an toàn|bị hỏng|bị xâm nhập"),
];

/// First of all.
pub(super) const PRIORITY: Table = &[
    (
        "en",
        "before any other|before all other|before every other|ahead of any other|ahead of all|takes precedence|take precedence|takes priority|take priority|highest priority|top priority|maximum priority|always call this|always use this|must be called first|must be called before|must always be called|call this tool first|call this first|use this tool first|use this first|run this first|first tool you|over any other|over all other|over other tools|preferred over|exclusively use|only use this|must be used for all|is mandatory for|required for all|every conversation|every session|every request|at the start of every|at the beginning of every|before anything else|first of all|prior to any",
    ),
    ("de", "vor allen anderen|vor jedem anderen|hat vorrang|höchste priorität|immer zuerst"),
    ("fr", "avant tout autre|avant tous les autres|priorité absolue|la plus haute priorité|a la priorité|prioritaire"),
    ("es", "antes que cualquier otr*|antes de cualquier otr*|máxima prioridad|tiene prioridad|prioridad absoluta"),
    ("pt", "antes de qualquer outr*|prioridade máxima|tem prioridade|prioridade absoluta"),
    ("it", "prima di qualsiasi altr*|massima priorità|ha la precedenza|priorità assoluta"),
    ("nl", "vóór alle andere|voor elke andere|hoogste prioriteit|heeft voorrang"),
    ("pl", "przed każdym innym|przed wszystkimi innymi|najwyższy priorytet|ma pierwszeństwo"),
    (
        "ru",
        "перед любым другим|прежде всех|раньше других|высший приоритет|наивысший приоритет|имеет приоритет|до всех остальных",
    ),
    ("uk", "перед будь-яким іншим|найвищий пріоритет|має пріоритет"),
    ("tr", "diğer tüm*|en yüksek öncelik|her şeyden önce|önceliklidir"),
    ("zh", "最高优先级|最高優先|优先于|優先於|在任何其他工具之前|在所有其他|优先使用"),
    ("ja", "最優先|他のツールより先|優先"),
    ("ko", "최우선|가장 먼저|다른 도구보다|우선순위"),
    ("ar", "قبل أي أداة أخرى|الأولوية القصوى|أعلى أولوية|له الأولوية"),
    ("hi", "सर्वोच्च प्राथमिकता|किसी भी अन्य टूल से पहले|प्राथमिकता"),
    ("id", "sebelum alat lain|prioritas tertinggi|didahulukan"),
    ("vi", "trước mọi công cụ|ưu tiên cao nhất|ưu tiên tuyệt đối"),
];
