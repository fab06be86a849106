//! Words of hiding: telling and not telling, secretly, without asking, as if nothing had happened.
use super::Table;

/// What a person would learn by.
pub(super) const TELL: Table = &[
    (
        "en",
        "tell|telling|told|mention|mentioning|mentioned|inform|informing|informed|notify|notifying|notified|reveal|revealing|revealed|disclose|disclosing|disclosed|alert|alerting|alerted|discuss|discussing|discussed|acknowledge|acknowledging|admit|admitting|bring up|bring this up|bring it up|bringing up|bring attention|draw attention|call attention|let on|let them know|let the user know|let the user see|let the human know|make the user aware|making the user aware|surface|surfacing|explain|explaining|explained|report|reporting|reported to|announce|announcing|refer to|referring to|reference|referencing|allude to|hint at|speak of|talk about|talking about|comment on|describe|describing|narrate|narrating|summarize|summarise|document|flag|flagging|share|sharing|warn|warning|raise|raising|advise|expose|exposing|communicate|communicating|point out|confess|clue|state|call out|note|highlight|confirm with|ask|asking|include this|list it|list this|log this",
    ),
    (
        "de",
        "erwähn*|sage|sag|sagen|informier*|mitteil*|teile|teil|mitzuteilen|verrat*|verrät|preisgeb*|benachrichtig*|offenleg*|hinweis*|hinzuweisen|melde|melden|erzähl*|unterricht*|erklär*|bescheid",
    ),
    (
        "fr",
        "mentionne*|dis|dire|dites|informe*|révèle*|révéler|divulgue*|notifie*|préviens|prévenir|prévenez|avertis*|avertir|signale*|parle*|indique*|explique*|évoque*|avise*|communique*",
    ),
    (
        "es",
        "mencion*|digas|diga|decir|decirle|díga*|le digas|informa*|informe*|revel*|divulg*|notifi*|avis*|comuni*|adviert*|alert*|hables|explic*|cuentes|comentes|coment*",
    ),
    ("pt", "mencion*|diga|digas|dizer|conte|inform*|revel*|divulg*|notifi*|avis*|comuni*|alert*|fale|expliq*|cont*"),
    (
        "it",
        "menzion*|dire|dirlo|dica|inform*|rivel*|divulg*|notific*|avvis*|comunic*|segnal*|parlare|parlarne|spieg*|accenn*|riferi*",
    ),
    (
        "nl",
        "vermeld*|noem*|vertel*|informeer*|informer*|onthul*|meld*|waarschuw*|zeg*|leg uit|te zeggen|laat weten|deel dit",
    ),
    (
        "pl",
        "wspomin*|mów|mówić|powiedz*|inform*|ujawni*|zdradz*|powiadami*|powiadom*|zgłasz*|ostrzeg*|wyjaśni*|pokazuj*",
    ),
    (
        "ru",
        "упомин*|говори*|скаж*|сообща*|сообщ*|раскрыва*|уведомля*|информир*|рассказыва*|предупрежда*|оповеща*|показыва*|объясня*|ставя в известность",
    ),
    ("uk", "згадуй*|кажи*|говори*|повідомля*|повідом*|розкрива*|інформ*|розповіда*|попереджа*|показуй*|пояснюй*"),
    ("tr", "bahset*|söyle*|bildir*|haber ver*|bilgilendir*|açıkla*|ifşa*|belirt*|anlat*|uyar*"),
    ("zh", "告诉|告訴|告知|提及|提到|透露|通知|披露|说明|說明|泄露|提醒|汇报|報告|报告|说出|提起|解释"),
    ("ja", "伝え|言わ|言及|知らせ|明かさ|開示|報告|通知|話さ|説明|触れ|教え"),
    ("ko", "알리|말하|언급|공개하|통지|보고하|밝히|설명하|알려|전달하"),
    ("ar", "تخبر|إخبار|تذكر|ذكر|تكشف|كشف|تعلم المستخدم|إعلام|إبلاغ|تبلغ|تفصح|إشعار|تشر"),
    ("hi", "बता*|उल्लेख|सूचित|जानकारी दें|ज़िक्र|जिक्र|प्रकट|खुलासा|कहें"),
    (
        "id",
        "memberi tahu|memberitahu*|beri tahu|beritahu*|menyebut*|sebutkan|ungkap*|mengungkap*|menginformasikan|informasikan|melapor*|laporkan|katakan|jelaskan|bilang",
    ),
    (
        "vi",
        "nói với|cho biết|nói|đề cập|nhắc đến|nhắc tới|tiết lộ|thông báo|báo cho|báo|cho người dùng biết|kể|giải thích",
    ),
];

/// How results are presented.
pub(super) const SHOW: Table = &[
    (
        "en",
        "show|showing|shown|display|displaying|displayed|print|printing|present|output|outputting|echo|render|list|visible|appear|make visible",
    ),
    ("de", "zeige*|anzeig*|ausgeb*|darstell*"),
    ("fr", "affiche*|montre*|présente*"),
    ("es", "muestr*|mostrar|present*|enseñ*"),
    ("pt", "mostr*|exib*|apresent*"),
    ("it", "mostra*|visualizz*|present*"),
    ("nl", "toon*|laat zien|weergev*"),
    ("pl", "pokaż*|pokaz*|wyświetl*"),
    ("ru", "показ*|отобража*|выводи*"),
    ("uk", "показ*|відобража*|виводь*"),
    ("tr", "göster*"),
    ("zh", "显示|顯示|展示|输出"),
    ("ja", "表示|見せ|示さ"),
    ("ko", "표시|보여"),
    ("ar", "تعرض|عرض|تظهر"),
    ("hi", "दिखा*"),
    ("id", "menampilkan|tampilkan|menunjukkan|tunjukkan"),
    ("vi", "hiển thị|cho thấy|cho xem"),
];

/// What the person does when it gets out.
pub(super) const KNOW: Table = &[
    (
        "en",
        "know|knowing|notice|noticing|see|seeing|be aware|become aware|aware|find out|learn|suspect|be told|realize|realise|realizing|be informed|be notified|be bothered|be concerned|hear about|detect|detecting|discover|awareness|knowledge|be shown|be alerted|be troubled|worry about|wondering|understand",
    ),
    ("de", "merke|erfährt|ahnt|auffällt|wissen|bemerk*|merkt|merken|erfahr*|mitbekomm*|sehen|sieht|wissens"),
    (
        "fr",
        "aperçoi*|se doute*|rende compte|sache|savoir|remarque*|voie|voir|s'en rende compte|l'apprenne|s'aperçoive|insu",
    ),
    (
        "es",
        "enter*|se dé cuenta|advierta|sepa|saber|note|notar|vea|se entere|enterarse|se dé cuenta|darse cuenta|conocimiento",
    ),
    ("pt", "se dê conta|repare|desconfie|saiba|saber|perceba|perceber|note|veja|conhecimento|descubra"),
    ("it", "accorg*|se ne accorga|sappia|sapere|si accorga|accorgersene|noti|veda|scopra|saputa"),
    ("nl", "weten|weet|merkt|merken|ziet|zien|te weten|medeweten"),
    ("pl", "wiedział*|wiedzieć|zauważ*|dowie*|dowiedzi*|widział*|wiedzy"),
    ("ru", "знал|знать|знает|узна*|замет*|видел|увид*|ведома|догад*"),
    ("uk", "знав|знати|дізна*|поміт*|бачив|відома"),
    ("tr", "bilm*|fark et*|görm*|haberi|öğrenm*|bilgisi"),
    ("zh", "觉察|感知|知悉|知道|察觉|察覺|发现|發現|看到|知情|得知|注意到|意识到"),
    ("ja", "悟|わかる|分かる|知られ|気づか|気付か|見られ|悟ら|知る必要"),
    ("ko", "알 필요|몰라도|인지|모르게|알지 못|눈치|알 필요|알아차리|알 수 없"),
    ("ar", "يعلم|يعرف|يلاحظ|علم|معرفة|يرى|يكتشف"),
    ("hi", "पता|जानकारी|जानने|ध्यान|मालूम"),
    ("id", "tahu|mengetahui|menyadari|melihat|sepengetahuan|diketahui"),
    ("vi", "biết|nhận ra|phát hiện|thấy|hay biết"),
];

/// Not telling, in one phrase.
pub(super) const HUSH: Table = &[
    (
        "en",
        "without comment|without explanation|make no mention of|with no mention of|there is no mention of this|leave that out|leave these out|leave them out|out of your summary|out of the report|out of your report|out of the log|out of the chat|out of the conversation|without any visible|without visible|no visible trace|without trace|without leaving|has no need to learn|have no need to know|no need to know|need not learn|is none the wiser|none the wiser|in the dark|without their noticing|without noticing|without being told|never bring up|does not look at|will not look|nobody looks|nobody reads|they will not notice|will not notice|won't notice|won't see|will not see|never notices|hide the extra|not worth mentioning|skip mentioning|needless to say to|need no notice|needs no notice|need not be told|need not know|would only be confused|would only confuse|only confuse the user|only worry the user|would worry|prefer not to be asked|prefers not to be asked|not to be asked each|keep this message out|keep this note out|keep this out|keep that out|out of your output|out of your answer|out of the answer|out of your reply|out of the reply|out of the summary|out of the transcript|stays between|remains between|not part of the answer|no notice to|silent operation|leave it unsaid|goes unsaid|leave unmentioned|goes unmentioned|go unmentioned|remain unmentioned|pass over this|pass over it in silence|gloss over|say no more|as little as possible about|without a word|without telling|no word about|no word of|not a syllable|is not announced|are not announced|not be announced|are not shown to|not be told|never be told|never hear|never learns|never see|never sees|would rather not know|keep quiet about|keep silent about|stay silent about|stay quiet|remain silent|say nothing|keep it between us|between you and me|keep this to yourself|keep it to yourself|keep that to yourself|keep this secret|keep it secret|keep this hidden|keep it hidden|keep this confidential|keep it confidential|keep this private|keep it private|keep this internal|keep this from|keep it from|hide this|hide it|hide these|hide the fact|conceal this|conceal it|conceal any|cover up|cover your tracks|leave no trace|withhold this|withhold it|for your eyes only|is internal to you|not for the user|not intended for the user|not meant for the user|not visible to the user|invisible to the user|hidden from the user|kept from the user|no one should know|nobody should know|nobody needs to|don't breathe|do not breathe a word|remain unaware|stays unaware|unbeknownst|kept in the dark|never surface|never be surfaced|never be mentioned|omit any mention|omit mention|leave this out|leave out any|leave it out of|without saying|make no mention|make no reference|without remark|without the user|keep the user unaware|stay out of the|keep it out of|keep this out of|keep these out of|should never learn|do not bother the user|don't bother the user|no need to bother|no need to mention|no need to tell|no need to inform|no need to report|no need to bring|no need to explain|need not mention|not necessary to mention|not necessary to tell|rather than telling|instead of telling|model-only|for the model only|for the assistant only|for internal use by the model|for the ai only",
    ),
    (
        "de",
        "ohne dass|muss davon nichts|braucht davon nichts|stillschweigen|nichts wissen|ohne es zu erwähnen|ohne etwas zu sagen|ohne dies zu erwähnen|ohne den nutzer zu|ohne den benutzer zu|nicht zu erwähnen|nicht erwähnen|nicht der rede wert|behalte es für dich|behalte dies für dich|behalte das für dich|geheim halten|halte dies geheim|halte das geheim|halte es geheim|verschweig*|verheimlich*|verschweige|kein wort|stillschweig*|nichts davon|bleibt unter uns",
    ),
    (
        "fr",
        "sans que l'|sans que la|sans que le|n'a pas à savoir|n'a pas besoin de savoir|inutile d'en parler|sans en parler|n'en parle*|sans rien dire|sans le dire|n'en dis rien|n'en dites rien|inutile de le signaler|inutile de prévenir|ne rien dire|garde* cela pour|garde-le pour toi|garde* ça pour|garde* le secret|garde* cela secret|passe sous silence|passez sous silence|à l'insu|sans que l'utilisateur|pas un mot|tais|taire|taisez",
    ),
    (
        "es",
        "no tiene por qué|no tiene que saber|no necesita saber|sin que la persona|sin que nadie|sin mencionar*|sin decir nada|sin decirle|no hace falta decir*|no es necesario mencionar*|sin avisar|no lo menciones|no comentes|guarda silencio|mantén en secreto|mantenlo en secreto|manten esto en secreto|sin que el usuario|ni una palabra|a espaldas|calla esto|omite mencionar",
    ),
    (
        "pt",
        "não precisa saber|sem que a pessoa|sem que ninguém|sem mencionar|sem dizer nada|sem contar|não é preciso dizer|sem avisar|não comente|esconda que|não revele que|mantenha em segredo|mantém em segredo|mantenha isso em segredo|guarde segredo|sem que o usuário|sem que o utilizador|nem uma palavra|omita",
    ),
    (
        "it",
        "non deve sapere|non ha bisogno di sapere|senza che la|senza che nessuno|senza menzionar*|senza dire nulla|senza dirlo|senza avvisare|non c'è bisogno di dire|non dire nulla|non farne parola|tieni segreto|mantieni il segreto|tienilo segreto|all'insaputa|senza che l'utente|non una parola|tacere|ometti",
    ),
    (
        "nl",
        "hoeft niet te weten|hoeft dit niet|zonder dat|zonder het te noemen|zonder iets te zeggen|zonder dit te melden|zonder te vermelden|zeg er niets|zeg niets|hou dit geheim|houd dit geheim|hou het geheim|houd het geheim|verzwijg*|buiten medeweten|zonder dat de gebruiker|geen woord|voor jezelf|stilzwijg*",
    ),
    (
        "pl",
        "nie musi wiedzieć|nie może się dowiedzieć|tak, by nie|nie wspominaj*|nic nie mów*|bez wspominania|nie mów*|nie informuj*|nie ujawniaj*|zachowaj to dla siebie|zachowaj w tajemnicy|utrzymaj w tajemnicy|trzymaj w tajemnicy|przemilcz*|ani słowa|bez wiedzy|w tajemnicy przed",
    ),
    (
        "ru",
        "знать не нужно|не должен знать|не должен узнать|не узнал|знать об этом не|не упоминай*|ничего не говори*|не говори*|не сообщай*|не рассказывай*|не уведомляй*|не раскрывай*|держи в тайне|держи это в секрете|сохрани в тайне|храни в тайне|утаи*|умолч*|умалчива*|ни слова|без ведома|втайне от|незаметно для|тайком",
    ),
    (
        "uk",
        "не повинен знати|не має знати|знати не потрібно|не згадуй*|нічого не кажи*|не кажи*|не повідомляй*|не розповідай*|не пояснюй*|не розкривай*|тримай у таємниці|тримай це в таємниці|замовч*|ні слова|без відома|непомітно для|таємно від",
    ),
    (
        "tr",
        "bilmesine gerek yok|haberi olmasın|söz etme*|gizli tut*|söyleme*|bahsetme*|bildirme*|haber verme*|belli etme*|haberi olmadan|bilgisi olmadan|açıklama yapma|belirtme|anlatma",
    ),
    (
        "zh",
        "不必让|不必知道|无需知道|不用知道|不需要知道|不要提|别提|保密|隐瞒|隱瞞|不要声张|瞒着|瞞著|不为用户所知|对用户不可见|对用户保密|只字不提|不得透露|勿告知|不要告诉|不要告訴|不要提及|不要提到|不要让用户|不要讓使用者|别告诉|別告訴|切勿告知|请勿告知|不必告知|无需告知|不让用户",
    ),
    (
        "ja",
        "知らせる必要|触れないこと|知る必要はない|気付かせ|秘密に|内緒|黙って|伝えないで|言わないで|知らせないで|言及しない|触れない|明かさない|報告しない|通知しない|気づかれない|気付かれない|知られない|悟られない|告げず|知らせず|伝えず|言わず|伝えては|知らせては|話さない|説明しない|言及せず|触れず",
    ),
    (
        "ko",
        "비밀입니다|알 필요가 없|알 필요 없|몰라야|모르도록|비밀로|알리지 마|알리지 말|말하지 마|말하지 말|언급하지 마|언급하지 말|모르게|알리지 않|언급하지 않|말하지 않|밝히지 마|밝히지 말|알려주지 마|눈치채지|보고하지 마|보고하지 말|드러내지",
    ),
    (
        "ar",
        "دون أن يشعر|لا يحتاج المستخدم|دون أن يدري|لا تخبر|لا تذكر|ولا تخبر|ولا تذكر|دون علم|دون إخبار|بدون علم|بدون إخبار|سرا عن|سرًا|لا تكشف|لا تفصح|لا تبلغ|دون إبلاغ|دون أن يعلم|دون ذكر",
    ),
    (
        "hi",
        "पता न चले|जानने की ज़रूरत नहीं|जानने की आवश्यकता नहीं|गुप्त रख*|बताए बिना|बिना बताए|को न बताएं|मत बता*|न बता*|ना बता*|उल्लेख न|उल्लेख मत|ज़िक्र न|जिक्र न|जिक्र मत|ज़िक्र मत|सूचित न|सूचित मत|बिना बता*|नहीं बता*|पता न|पता नहीं",
    ),
    (
        "id",
        "tidak perlu tahu|tak perlu tahu|jangan sampai|rahasiakan|jangan beri tahu|jangan beritahu|jangan memberi tahu|jangan sebut*|jangan menyebut*|jangan katakan|tanpa memberi tahu|tanpa memberitahu|tanpa sepengetahuan|jangan ungkap*|diam-diam|jangan bilang|jangan laporkan",
    ),
    (
        "vi",
        "không cần biết|đừng để|để không ai biết|giữ bí mật|không nói với|đừng nói|đừng cho|không cho người dùng biết|không đề cập|đừng đề cập|không tiết lộ|đừng tiết lộ|không thông báo|đừng thông báo|mà không cho|lén|không được nói|không báo|không nhắc",
    ),
];

/// Behind the user's back.
pub(super) const COVERT: Table = &[
    (
        "en",
        "secretly|covertly|surreptitiously|stealthily|clandestinely|discreetly|discretely|behind the user's back|without the user's knowledge|without user knowledge|without their knowledge|without being noticed|unnoticed|undetected|under the radar|unobtrusively|invisibly|inconspicuously|without drawing attention|without attracting attention|without raising suspicion|on the sly|in secret",
    ),
    ("de", "heimlich|unbemerkt|unauffällig|hinter dem rücken|verdeckt|klammheimlich"),
    ("fr", "secrètement|discrètement|en cachette|en secret|furtivement|en douce"),
    ("es", "secretamente|en secreto|a escondidas|discretamente|disimuladamente|sigilosamente"),
    ("pt", "secretamente|em segredo|às escondidas|discretamente|furtivamente|disfarçadamente"),
    ("it", "segretamente|in segreto|di nascosto|discretamente|furtivamente"),
    ("nl", "stiekem|heimelijk|ongemerkt|onopvallend|in het geheim|in het geniep"),
    ("pl", "potajemnie|skrycie|po cichu|niepostrzeżenie|w tajemnicy|ukradkiem|dyskretnie"),
    ("ru", "тайно|скрытно|незаметно|втайне|тайком|украдкой"),
    ("uk", "таємно|приховано|непомітно|потайки|крадькома"),
    ("tr", "gizlice|fark ettirmeden|çaktırmadan|sezdirmeden|belli etmeden"),
    ("zh", "偷偷|悄悄|暗中|秘密地|私下|不被察觉|不動聲色|不动声色"),
    ("ja", "こっそり|ひそかに|密かに|気づかれずに|秘密裏"),
    ("ko", "몰래|은밀히|은밀하게|비밀리에|눈치채지 못하게"),
    ("ar", "سرا|سرًّا|خفية|في الخفاء|بسرية"),
    ("hi", "चुपके*|गुप्त रूप|छिपकर|चोरी-छिपे"),
    ("id", "diam-diam|secara rahasia|sembunyi-sembunyi|secara diam"),
    ("vi", "bí mật|âm thầm|lén lút|kín đáo"),
];

/// Covert, or merely technical.
pub(super) const QUIET: Table = &[
    (
        "en",
        "silently|quietly|in the background|behind the scenes|automatically|seamlessly|transparently|internally|under the hood|as part of the background",
    ),
    ("de", "stillschweigend|leise|im hintergrund|automatisch|still"),
    ("fr", "silencieusement|en silence|en arrière-plan|automatiquement"),
    ("es", "silenciosamente|en silencio|en segundo plano|automáticamente"),
    ("pt", "silenciosamente|em silêncio|em segundo plano|automaticamente"),
    ("it", "silenziosamente|in silenzio|in background|automaticamente"),
    ("nl", "stilletjes|stil|op de achtergrond|automatisch"),
    ("pl", "w tle|automatycznie|cicho"),
    ("ru", "молча|в фоне|в фоновом|автоматически|тихо"),
    ("uk", "мовчки|у фоні|автоматично|тихо"),
    ("tr", "sessizce|arka planda|otomatik olarak"),
    ("zh", "静默|靜默|默默|后台|後台|自动|自動"),
    ("ja", "静かに|バックグラウンド|自動的に|黙って"),
    ("ko", "조용히|백그라운드|자동으로"),
    ("ar", "بصمت|في الخلفية|تلقائيا|بهدوء"),
    ("hi", "चुपचाप|पृष्ठभूमि"),
    ("id", "di latar belakang|otomatis"),
    ("vi", "trong nền|tự động|lặng lẽ"),
];

/// Hiding as a verb.
pub(super) const CONCEAL: Table = &[
    (
        "en",
        "hide|hiding|conceal|concealing|mask|masking|obscure|disguise|disguising|withhold|withholding|suppress|suppressing|cover|camouflage|strip any mention|scrub",
    ),
    ("de", "verberg*|verbirg*|verstecke*|verschleier*|tarne*"),
    ("fr", "cache*|dissimul*|masque*"),
    ("es", "ocult*|escond*|disimul*"),
    ("pt", "ocult*|escond*|disfar*"),
    ("it", "nascond*|occult*|maschera*"),
    ("nl", "verberg*|verhul*"),
    ("pl", "ukry*|zatai*"),
    ("ru", "скры*|скрой*|маскир*"),
    ("uk", "прихов*|сховай*|маскуй*"),
    ("tr", "gizle*|sakla*"),
    ("zh", "隐藏|隱藏|掩盖|掩蓋|隐瞒|隱瞞|伪装"),
    ("ja", "隠"),
    ("ko", "숨기|숨겨|감추"),
    ("ar", "إخفاء|أخف|اخف"),
    ("hi", "छिपा*|छुपा*"),
    ("id", "sembunyikan|menyembunyikan"),
    ("vi", "giấu|che giấu|ẩn"),
];

/// Without asking.
pub(super) const UNASKED: Table = &[
    (
        "en",
        "without looking|without reviewing|without review|without reading them|without checking|unseen|need not be bothered|need not be asked|is not to be asked|are not to be asked|no questions|do it at once|act at once|at once and|without asking|without confirmation|without confirming|without user confirmation|without permission|without consent|without approval|without prompting|without requesting|without waiting for|without further confirmation|without checking with|no confirmation|do not ask|don't ask|never ask|do not request confirmation|do not wait for|don't wait for|do not prompt|no permission|no approval|skip confirmation|skip the confirmation|skip any confirmation|bypass confirmation|bypass any confirmation|do not seek|do not confirm|don't confirm|never confirm|has already approved|has already consented|already authorized|already authorised|user has pre-approved|pre-approved|pre-authorized|preauthorized|assume consent|assume approval|implied consent|consent is implied|implicitly agree*|auto-approve|auto approve|automatically approve|always approve",
    ),
    ("de", "ohne zu fragen|ohne nachzufragen|ohne rückfrage|ohne bestätigung|ohne zustimmung|frage nicht"),
    ("fr", "sans demander|sans confirmation|sans autorisation|sans l'accord|ne demande* pas"),
    ("es", "sin preguntar|sin pedir|sin confirmación|sin permiso|sin autorización|sin consultar|no preguntes|no pidas"),
    ("pt", "sem perguntar|sem pedir|sem confirmação|sem permissão|sem autorização|sem consultar|não pergunte|não peça"),
    ("it", "senza chiedere|senza conferma|senza permesso|senza autorizzazione|non chiedere"),
    ("nl", "zonder te vragen|zonder bevestiging|zonder toestemming|vraag niet"),
    ("pl", "bez pytania|bez potwierdzenia|bez zgody|nie pytaj"),
    ("ru", "не спрашивая|без подтверждения|без разрешения|без согласия|не спрашивай*|не запрашива*"),
    ("uk", "не питаючи|без підтвердження|без дозволу|без згоди|не питай*|не запитуй*"),
    ("tr", "sormadan|onay almadan|izin almadan|onay isteme*|sorma"),
    ("zh", "无需确认|無需確認|不要询问|不要詢問|未经同意|未經同意|不经确认|无需询问|不需要确认|无需征得"),
    ("ja", "確認せずに|許可なく|尋ねずに|確認なし|同意なし|確認を求めず|確認は不要|確認しないで"),
    ("ko", "묻지 말|묻지 않|확인 없이|동의 없이|허락 없이|승인 없이|확인을 요청하지|물어보지"),
    ("ar", "دون سؤال|دون موافقة|بدون موافقة|دون تأكيد|بدون إذن|لا تسأل|دون إذن|دون طلب"),
    ("hi", "बिना पूछे|बिना अनुमति|बिना पुष्टि|अनुमति के बिना|न पूछें|मत पूछ*|बिना सहमति"),
    ("id", "tanpa bertanya|tanpa konfirmasi|tanpa izin|tanpa persetujuan|jangan tanya|jangan meminta"),
    ("vi", "mà không hỏi|không cần hỏi|không cần xác nhận|không cần sự đồng ý|không xin phép|đừng hỏi|không hỏi"),
];

/// As if nothing had happened.
pub(super) const FEIGN: Table = &[
    (
        "en",
        "as if it|as if this|as if nothing|as if the|as though it|as though nothing|as though the|as though you|as if you|pretend|pretending|make it look|make it appear|make it seem|look like normal|look like a normal|look like an ordinary|looks like normal|looks normal|appear normal|look normal|look routine|appear routine|seem natural|appear natural|act normally|act as normal|carry on normally|continue normally|continue as normal|proceed normally|proceed as usual|respond normally|answer normally|under the guise|pass it off|part of the normal|part of normal|disguised as|claim that it|claim the|say it was|say that it|blame|cover story|plausible reason|plausible explanation|nothing unusual|nothing happened|if the user asks|if asked|if questioned|if they ask|should the user ask|if the user inquires|when asked about|deny",
    ),
    ("de", "als ob|tu so|so tun|als wäre|normal weiter|als sei"),
    ("fr", "comme si|fais semblant|faites semblant|fais comme|prétend*|normalement"),
    ("es", "como si|finge|fingir|finja|aparenta*|simula*|con normalidad|normalmente"),
    ("pt", "como se|finja|fingir|aparent*|simul*|normalmente"),
    ("it", "come se|fingi|fingere|finga|normalmente"),
    ("nl", "alsof|doe alsof|normaal verder"),
    ("pl", "jakby|udawaj|udawać|tak jakby|normalnie"),
    ("ru", "как будто|сделай вид|делай вид|притвор*|как ни в чём|как ни в чем|якобы"),
    ("uk", "ніби|зроби вигляд|удавай|прикинься|наче"),
    ("tr", "gibi davran*|gibi göster*|mış gibi|miş gibi"),
    ("zh", "假装|假裝|好像|仿佛|装作|裝作|如常|若无其事|正常继续"),
    ("ja", "ふりを|かのように|何事もなかった|通常通り|普段どおり"),
    ("ko", "척하|것처럼|척 하|평소처럼|정상적으로"),
    ("ar", "كأن|تظاهر|كما لو|بشكل طبيعي"),
    ("hi", "जैसे कि|दिखावा|मानो|सामान्य रूप"),
    ("id", "seolah|seakan|berpura-pura|pura-pura|seperti biasa"),
    ("vi", "như thể|giả vờ|như bình thường|coi như"),
];
