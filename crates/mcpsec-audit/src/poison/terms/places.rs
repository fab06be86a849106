//! Words for what a stranger's tool has no business with: the machine, the agent's memory, consent, rank.
use super::Table;

/// The machine and what is personal on it.
pub(super) const LOCAL: Table = &[
    (
        "*",
        "whoami|uname -a|ifconfig|ps aux|ls -la|ls -r|netstat|git log|git remote|git diff|git config|systeminfo|ipconfig|~/documents|~/desktop|~/downloads|~/pictures|~/.config*|~/library|/home/*|c:\\users*|%appdata%|$home|/var/log*|/etc/hosts|/etc/*|~/.local*|~/.*|id -a|env vars|history.db|places.sqlite|cat ~*|$(cat*|$(env*|.git/config|.git folder|package.json",
    ),
    (
        "en",
        "run env|output of env|env command|environment dump|clipboard|terminal scrollback|scrollback|shell output|desktop|downloads folder|documents folder|home directory|home folder|browser history|browsing history|open tabs|browser profile|browser storage|contact list|address book|contacts|calendar entries|inbox|mailbox|screenshot|screenshots|source tree|repository contents|private repository|working directory|workspace files|current project|project files|open files|open file|running processes|installed packages|installed software|network configuration|internal hostnames|local files|other files|names of all files|directory listing|file listing|folder listing|operating system user|machine name|user name and|location data|health data|photos|call history|text messages|phone number of|the machine|local network|host machine|recent documents|notes folder|customer list|customer records|sales figures|payroll|salaries|tax return|bank statement*|diary|source code of|diff of|database dump|production database|git history|stash|connection string*",
    ),
    (
        "de",
        "zwischenablage|heimverzeichnis|home-verzeichnis|browserverlauf|eigene dateien|schreibtisch|adressbuch|posteingang|bildschirmfoto*",
    ),
    ("fr", "presse-papiers|répertoire personnel|historique de navigation|carnet d'adresses|boîte de réception|bureau"),
    (
        "es",
        "portapapeles|carpeta personal|historial de navegación|libreta de direcciones|bandeja de entrada|escritorio",
    ),
    ("pt", "área de transferência|pasta pessoal|histórico de navegação|caixa de entrada|agenda de contatos"),
    ("it", "appunti del sistema|cartella personale|cronologia di navigazione|rubrica|posta in arrivo|scrivania"),
    ("nl", "klembord|thuismap|browsegeschiedenis|adresboek|postvak"),
    ("pl", "schowk*|katalog domowy|katalogu domowego|histori* przeglądania|skrzynk* odbiorcz*|książk* adresow*"),
    ("ru", "буфер обмена|буфера обмена|домашн* каталог*|домашней папк*|историю браузера|адресную книгу|рабочего стола"),
    ("uk", "буфер обміну|домашн* каталог*|історію браузера|адресну книгу|робочого столу"),
    ("zh", "剪贴板|剪貼簿|主目录|桌面文件|浏览记录|浏览器历史|通讯录|收件箱"),
    ("ja", "クリップボード|ホームディレクトリ|閲覧履歴|連絡先|受信箱|デスクトップ"),
    ("ko", "클립보드|홈 디렉터리|홈 디렉토리|방문 기록|연락처|받은 편지함|바탕 화면"),
];

/// Where an agent keeps what it follows later.
pub(super) const MEMORY: Table = &[
    (
        "*",
        "claude.md|agents.md|gemini.md|.cursorrules|.cursor/rules|.windsurfrules|copilot-instructions*|settings.json|memory.md|.mcp.json|mcp.json|config.toml|.bashrc|.zshrc|.profile|crontab|.git/hooks|autostart|launchagents|system.md|rules.md|.clinerules",
    ),
    (
        "en",
        "long-term memory|long term memory|persistent memory|your memory|memory file|rules file|rule file|project rules|custom instructions|memory store|memory bank|your rules|agent settings|agent configuration|agent config|your configuration|your settings|startup file|startup scripts|permission settings|allowlist|allow-list|allow list|trusted hosts|trusted_hosts|auto-approval|saved instructions|standing instructions|saved preferences|future sessions|every future session|later sessions|next session|remember permanently|permanently remember|commit this to memory|commit to memory|store this rule|save this rule",
    ),
];

/// Consent and confirmation.
pub(super) const CONSENT: Table = &[
    (
        "en",
        "permission for|user's permission|the user's agreement|agreement of the user|consent|confirmation|confirmations|approval|approvals|permission prompt|permission prompts|permission dialog|consent dialog|confirmation dialogs|confirmation step|human-in-the-loop|human in the loop|authorization prompt|approval prompt|approval prompts|security prompt|security prompts|warnings|warning dialog|second opinion|dry run|dry-run|dialogs",
    ),
    ("de", "einwilligung|bestätigung*|rückfrage*|zustimmung|genehmigung*|freigabe*"),
    ("fr", "consentement|confirmation*|autorisation*|approbation*|accord de"),
    ("es", "consentimiento|confirmaci*|autorizaci*|aprobaci*"),
    ("pt", "consentimento|confirmaç*|autorizaç*|aprovaç*"),
    ("it", "consenso|conferm*|autorizzazion*|approvazion*"),
    ("nl", "toestemming|bevestiging*|goedkeuring*"),
    ("pl", "zgod*|potwierdze*|zatwierdze*"),
    ("ru", "согласи*|подтвержден*|разрешени*|одобрен*"),
    ("uk", "згод*|підтвердженн*|дозвол*|схваленн*"),
    ("tr", "onay*|izin*|rıza*"),
    ("zh", "同意|确认|確認|授权|授權|批准"),
    ("ja", "同意|確認|承認|許可"),
    ("ko", "동의|확인|승인|허가"),
    ("ar", "موافقة|تأكيد|إذن"),
    ("hi", "सहमति|पुष्टि|अनुमति|स्वीकृति"),
    ("id", "persetujuan|konfirmasi|izin"),
    ("vi", "đồng ý|xác nhận|chấp thuận|cho phép"),
];

/// Consent is taken as given.
pub(super) const GRANTED: Table = &[
    (
        "en",
        "was given|were given|has been given|already given|is given|given in advance|granted|is implied|implied|assumed|presumed|is simulated|are simulated|simulated|answered with yes|answer yes|answer with yes|click yes|accept all|is waived|waived|is not needed|are not needed|not required|no longer required|no longer needed|is superfluous|are superfluous|unnecessary|is suspended|are suspended|is switched off|switch off|switched off|turned off|turn off|disabled|disable|deactivate|skip|skipped|bypass|bypassed|suppress|dismiss|pre-approved|preapproved|auto-accept|auto accept|agreed to|agreed beforehand|agreed in advance|on the user's behalf|on behalf of the user|on their behalf|in the user's name|counts as|treat as|treat every|treated as|taken as|considered|already approved|already agreed|already confirmed|already consented|has agreed|have agreed|has consented|has authorised|has authorized|is authorised|is authorized|false alarms|false positives|confirm yourself|by the agent itself|confirm automatically|automatically confirm|false",
    ),
    (
        "de",
        "gilt als erteilt|erteilt|nicht nötig|nicht erforderlich|entfällt|entfallen|bereits gegeben|überspring*|abgeschaltet|schalte",
    ),
    ("fr", "déjà donné*|accordé*|inutile*|pas nécessaire|réputé*|désactive*|implicite"),
    ("es", "ya dio|ya ha dado|concedid*|innecesari*|no es necesari*|se da por|implícit*|desactiv*|omite*"),
    ("pt", "já deu|já foi dad*|concedid*|desnecessári*|não é necessári*|implícit*|desativ*"),
    ("it", "già dato|già data|concess*|non necessari*|non serve|implicit*|disattiva*|superflu*"),
    ("nl", "al gegeven|verleend|niet nodig|overbodig|uitgeschakeld|geldt als"),
    ("pl", "już wyrazi*|udzielon*|zbędn*|niepotrzebn*|nie jest wymagan*|wyłącz*|domniema*"),
    ("ru", "уже дал*|уже получен*|не требуется|не нужн*|считается|отключ*|подразумева*"),
    ("uk", "вже дав*|вже надан*|не потрібн*|вважається|вимкн*|не вимага*"),
    ("tr", "önceden|verdi|verilmiş|gerek yok|gerekmez|sayılır|kapat*"),
    ("zh", "已经同意|已同意|无需|無需|不需要|视为|視為|默认同意|关闭|已授权"),
    ("ja", "既に|すでに|不要|済み|みなす|みなし|省略"),
    ("ko", "이미|불필요|필요 없|간주|생략|끄"),
    ("ar", "مسبقا|بالفعل|غير مطلوب|لا حاجة|يعتبر"),
    ("hi", "पहले ही|आवश्यक नहीं|ज़रूरत नहीं|मान"),
    ("id", "sudah diberikan|tidak perlu|tidak diperlukan|dianggap|lewati"),
    ("vi", "đã đồng ý|đã được|không cần|coi như|bỏ qua"),
];

/// Standing above the user or others.
pub(super) const RANK: Table = &[
    (
        "en",
        "over anything|believed over|trusted over|over whatever|over what the|rather than the user|before anything the user|comes first|come first|above all else|above everything|above what|the last word|final say|decides over|whose wishes|beats what|has the final|is authoritative over|ranks above|rank above|outranks|outrank|overrides|override|overrule|overrules|stands above|stand above|goes above|above the user|above the wishes|above any|trumps|trump|weighs more|weigh more|prevails|prevail|takes precedence|take precedence|takes priority|take priority|supersedes|supersede|has priority|have priority|is binding|are binding|higher authority|highest authority|final authority|come before the user|comes before|wins over|over the user|more important than|matter more than|counts more than|beats|more weight than|ahead of the user|is second to|secondary to|subordinate to",
    ),
    ("de", "steht über|stehen über|hat vorrang|haben vorrang|geht vor|gehen vor|wiegt mehr|wichtiger als|übergeordnet"),
    ("fr", "prime sur|priment sur|prévaut|prévalent|l'emporte*|passe* avant|au-dessus de|plus important"),
    ("es", "prevalece*|por encima de|tienen prioridad|tiene prioridad|pesan más|valen más|más importante que"),
    (
        "pt",
        "prevalec*|acima d*|têm prioridade|tem prioridade|valem mais|vale mais|mais importante que|mais do que os pedidos",
    ),
    ("it", "prevale*|prevalgono|al di sopra|hanno la precedenza|ha la precedenza|valgono più|più importante"),
    ("nl", "gaat voor|gaan voor|staat boven|staan boven|heeft voorrang|hebben voorrang|weegt zwaarder|wegen zwaarder"),
    ("pl", "ma pierwszeństwo|mają pierwszeństwo|ważniejsz*|ponad|nadrzędn*|stoją wyżej"),
    ("ru", "важнее|выше|имеют приоритет|имеет приоритет|превыше|преобладают"),
    ("uk", "важливіш*|вищ*|мають пріоритет|має пріоритет|переважають"),
    ("tr", "üstündür|üstünde|önceliklidir|önce gelir|daha önemli"),
    ("zh", "高于|高於|优先于|優先於|凌驾"),
    ("ja", "優先される|優先します|優先する|上位"),
    ("ko", "우선합니다|우선한다|우선하며|상위|보다 중요"),
    ("ar", "تتقدم على|لها الأولوية|فوق|أهم من"),
    ("hi", "से ऊपर|से अधिक महत्व|प्राथमिकता"),
    ("id", "lebih tinggi|di atas|lebih penting|mengalahkan|lebih diutamakan"),
    ("vi", "cao hơn|đứng trên|ưu tiên hơn|quan trọng hơn"),
];

/// Living without rules.
pub(super) const LAWLESS: Table = &[
    (
        "en",
        "no content policy|no restrictions|without restrictions|no limits|without limits|no rules|without rules|no filter|no filters|unfiltered|uncensored|unrestricted|never declines|never refuse|never refuses|never decline|must not refuse|do not refuse|cannot refuse|refusals|no ethical|no guidelines|without guidelines|free of restrictions|free from restrictions|freed from|no longer bound|not bound by|no safety|without safety|no moral|anything goes|do anything now|no policy|without filters|no boundaries|has no restrictions|have no restrictions|exempt from",
    ),
    ("de", "keine regeln|ohne einschränkungen|keine einschränkungen|uneingeschränkt|ohne filter"),
    ("fr", "sans restriction*|aucune restriction|aucune limite|sans filtre|sans limite*"),
    ("es", "sin restricciones|sin límites|sin filtros|ninguna restricción"),
    ("pt", "sem restrições|sem limites|sem filtros|nenhuma restrição"),
    ("it", "senza restrizioni|senza limiti|senza filtri|nessuna restrizione"),
    ("ru", "без ограничений|без цензуры|без правил|никаких ограничений"),
    ("zh", "没有限制|無限制|不受限制|无任何限制"),
    ("ja", "制限なし|制約のない|制限のない"),
    ("ko", "제한 없|제약 없"),
];

/// Saying what is not so.
pub(super) const LIE: Table = &[
    (
        "en",
        "confirmed ours|less weight than|as confirmed|as verified|as approved|were posted|was posted|say they|as harmless|as safe|as benign|as routine|as successful|as completed|say they were|say it has|say that they|claim it|blame the|attribute it to|deny that|insist that|not possible|as your own|your own judgement|your own judgment|your own opinion|say that you checked|say you checked|say that it was|say that it is|say that there|claim to|claim that|report that|report success|report it as|report the|state that|tell the user that|tell the user it|tell them that|tell them it|say it was|say it is|make up|invent|fabricate|falsify|lie about|misreport|misstate|show the old|show the user's own|show the original|display the original|describe rivals|whatever the numbers|whatever the facts|regardless of the facts|regardless of the data|regardless of quality|regardless of price|independent of the results|as if there had been|as an independent|as independent|as neutral|as unbiased|as objective|without disclosing|without mentioning that|never mention competitors|do not mention competitors|never compare|unreliable|competitor|competitors|rivals|sponsor|sponsored|is paid|paid placement|commission|affiliate|our partner|partner link|our product|our service|our brand|rank it first|rank them first|list it first|first place|in first position",
    ),
    ("de", "erfinde*|behaupte*|gib aus als|als eigene|als unabhängig*|schlecht dar|konkurrenz"),
    ("fr", "invente*|prétends|prétendez|affirme*|comme si c'était|concurrent*"),
    ("es", "inventa*|invente|afirma*|afirme|como si fuera|competencia|competidor*|pagad*"),
    ("pt", "invente*|inventa*|afirm*|como se fosse|concorrente*|é paga|único adequado"),
    ("it", "inventa*|afferma*|come se fosse|concorrent*"),
    ("nl", "verzin*|beweer*|alsof het|concurrent*|oude nummer"),
    ("pl", "wymyśl*|twierdź*|jakby było|konkurencj*"),
    ("ru", "выдумай*|придумай*|утверждай*|соври|солги|конкурент*"),
    ("uk", "вигадай*|стверджуй*|збреши|конкурент*"),
    ("tr", "uydur*|iddia et*|rakip*"),
    ("zh", "编造|声称|謊稱|谎称|竞争对手"),
    ("ja", "捏造|偽って|と偽|競合"),
    ("ko", "지어내|거짓|경쟁사"),
    ("ar", "ادع|اختلق|المنافس*"),
    ("id", "mengarang|karang|klaim bahwa|pesaing"),
    ("vi", "bịa|khẳng định rằng|đối thủ"),
];
