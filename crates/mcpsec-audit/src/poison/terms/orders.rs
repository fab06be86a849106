//! Words of ordering: must, always, whenever, you, the user, do not, otherwise.
use super::Table;

/// Something is ordered.
pub(super) const ORDER: Table = &[
    (
        "en",
        "has to|are to|is to|is to be|are to be|obliges|obliged|is obliged|requires you|requires the|we ask|kindly ask|we kindly|asks you|asks the|expects you|expects the|expected to|it is important|it is necessary|necessary to|is necessary|therefore|thus you|must be|make certain|see to it|take care to|be careful to|do this|do so|be advised|you may not|may only|is your job|your job|your duty|duty|responsible for|only then|at once|without delay|right away|must|always|never|need to|needs to|have to|has to|required to|is required that|make sure|be sure to|ensure that|ensure you|remember to|do not forget|don't forget|please|mandatory|obligatory|it is essential|it is critical|it is imperative|essential that|critical that|imperative that|should|shall|you are expected to|are instructed to|is instructed to|you are to|required step|required first|compulsory|by default you|kindly|go ahead and|are required|your first step|your task|first step is|you will|supposed to|ought to|begin by|start by|without exception|non-negotiable",
    ),
    (
        "de",
        "muss|musst|müssen|immer|stets|zwingend|unbedingt|erforderlich|bitte|stelle sicher|stellen sie sicher|sollst|sollen|soll|niemals|zuerst|vergiss nicht|verpflichtend|jedes mal",
    ),
    (
        "fr",
        "dois|doit|devez|doivent|toujours|obligatoire*|obligatoirement|impérativement|il faut|assure-toi|assurez-vous|veille à|veillez à|veuillez|d'abord|s'il te plaît|s'il vous plaît|n'oublie pas|n'oubliez pas|jamais|systématiquement|es tenu de|êtes tenu de",
    ),
    (
        "es",
        "debes|debe|deben|siempre|obligatori*|es necesario|tienes que|tiene que|hay que|asegúrate|asegúrese|por favor|primero|nunca|recuerda|es imprescindible|es imperativo|deberás|deberá",
    ),
    (
        "pt",
        "deve|deves|devem|sempre|obrigatóri*|é necessário|precisa|tem que|tem de|tens de|certifique-se|certifica-te|por favor|primeiro|nunca|lembre-se|é imprescindível|deverá",
    ),
    (
        "it",
        "devi|deve|dovete|devono|sempre|obbligatori*|è necessario|bisogna|assicurati|assicuratevi|si prega|per favore|prima di tutto|mai|ricorda|ricordati|è indispensabile|occorre",
    ),
    (
        "nl",
        "moet|moeten|altijd|verplicht|zorg ervoor|zorg dat|dient|dien je|alsjeblieft|gelieve|eerst|nooit|vergeet niet",
    ),
    (
        "pl",
        "musisz|należy|zawsze|obowiązkow*|koniecznie|upewnij się|pamiętaj|proszę|najpierw|nigdy|trzeba|powinieneś|musi",
    ),
    (
        "ru",
        "должен|должна|должны|обязан*|обязательно|всегда|необходимо|нужно|убедись|убедитесь|пожалуйста|сначала|никогда|следует|не забудь*|требуется",
    ),
    (
        "uk",
        "повинен|повинна|повинні|мусиш|зобов'язан*|обов'язково|завжди|необхідно|потрібно|переконайся|переконайтеся|будь ласка|спочатку|ніколи|слід|не забудь*",
    ),
    (
        "tr",
        "zorunda*|mutlaka|daima|her zaman|gerekir|gereklidir|gerekiyor|zorunlu*|lütfen|önce|asla|emin ol*|unutma|şart",
    ),
    (
        "zh",
        "必须|必須|务必|務必|始终|始終|总是|總是|一定要|请先|請先|需要先|应当|應當|应该|應該|首先|请|請|切记|切記|每次都|确保|確保|先",
    ),
    (
        "ja",
        "必ず|しなければならない|しなければなりません|する必要があり|常に|してください|して下さい|まず|最初に|いつも|義務|こと。|せよ|しなさい|ください",
    ),
    (
        "ko",
        "반드시|항상|해야 합니다|해야 한다|해야합니다|하십시오|하세요|먼저|꼭|필수|우선|무조건|하라|해 주세요|주세요",
    ),
    ("ar", "يجب|دائما|دائمًا|عليك|من الضروري|تأكد|الرجاء|يرجى|أولا|أولاً|لا بد|إلزامي|قم ب|من فضلك"),
    ("hi", "अवश्य|हमेशा|ज़रूर|जरूर|अनिवार्य|आवश्यक|सुनिश्चित|कृपया|पहले|चाहिए|होगा|कभी"),
    ("id", "harus|wajib|selalu|pastikan|mohon|tolong|terlebih dahulu|jangan lupa|perlu|silakan"),
    ("vi", "phải|luôn luôn|luôn|bắt buộc|hãy|đảm bảo|vui lòng|trước tiên|đừng quên|cần phải|xin"),
];

/// When the order applies.
pub(super) const TRIGGER: Table = &[
    (
        "en",
        "when|ahead of|once finished|once it is|while formatting|in all|in every|for the first|should the|in case|if ever|provided that|as long as|wherever|until|prior|ahead of each|ahead of every|on receipt|on first use|on first run|on startup|at startup|when finished|when done|when it is done|once done|once it|on completion|upon completion|on success|on failure|on error|in the event|the moment|starting with|from the second|from the third|the next time|next time|on the second|on the third|on every third|after the first|every third|every fifth|every tenth|if it contains|if the text contains|if the input|if the result|with each|with every|in each|in every|for any|before using|before calling|before you|before this|before any|before every|before each|before responding|before answering|before running|before invoking|before executing|before returning|before providing|before performing|before doing|before proceeding|before processing|before continuing|before sending|before making|before use|before it|before the|prior to|whenever|every time|each time|any time|anytime|when this tool|when this server|when this|when the user|when you|when using|when calling|when invoked|when called|when answering|when responding|when asked|when any|when the|when a|as soon as|after using|after calling|after this|after every|after each|after you|upon|on every|on each|for every|for each|first|if the user|if you|if this|once|in order to use|to use this|in order to|at the start|at the end|at the beginning|so that|immediately|while|during",
    ),
    (
        "de",
        "bevor|vor jedem|vor der|vor dem|immer wenn|wenn|sobald|nach jedem|nach der|jedes mal|zuerst|zunächst|vorher",
    ),
    (
        "fr",
        "avant de|avant d'|avant chaque|avant toute|avant tout|chaque fois|lorsque|quand|dès que|après chaque|après avoir|à chaque|d'abord|au préalable",
    ),
    ("es", "antes de|cada vez|siempre que|cuando|tan pronto|después de|en cada|primero|al usar|al llamar"),
    ("pt", "antes de|cada vez|sempre que|quando|assim que|depois de|após|em cada|primeiro|ao usar|ao chamar"),
    ("it", "prima di|ogni volta|quando|non appena|dopo ogni|dopo aver|a ogni|ad ogni|per prima cosa|prima dell*"),
    ("nl", "voordat|voor elke|telkens|elke keer|wanneer|zodra|na elke|eerst|vooraf"),
    ("pl", "zanim|przed każdym|przed użyciem|przed|za każdym razem|gdy|kiedy|po każdym|najpierw"),
    ("ru", "перед|прежде чем|каждый раз|когда|всякий раз|после каждого|после|сначала|при каждом|при вызове|до того"),
    ("uk", "перед|перш ніж|щоразу|коли|кожного разу|після кожного|після|спочатку|при кожному"),
    (
        "tr",
        "önce|her çağrı*|her kullan*|her seferinde|zaman|sonra|çağrıldığında|kullanıldığında|kullanırken|her yanıt*",
    ),
    ("zh", "之前|以前|每次|当|當|调用时|調用時|使用时|使用時|之后|之後|每当|每當|首先|前先|呼叫"),
    ("ja", "前に|たびに|とき|時に|際|後に|まず|最初に|毎回|使用前|呼び出"),
    ("ko", "전에|때마다|할 때|후에|먼저|매번|호출될|호출 시|사용하기"),
    ("ar", "قبل|كلما|عندما|بعد|في كل مرة|أولا|عند"),
    ("hi", "पहले|जब भी|जब|बाद|हर बार"),
    ("id", "sebelum|setiap kali|ketika|saat|setelah|setiap|terlebih dahulu"),
    ("vi", "trước khi|mỗi khi|mỗi lần|khi|sau khi|trước tiên"),
];

/// Who is ordered.
pub(super) const MODEL: Table = &[
    (
        "en",
        "you're|you are|the llm|the bot|the system|you|your|yourself|assistant|assistants|the ai|ai assistant|ai model|ai agent|ai agents|ai|llm|llms|language model|the model|the agent|agents|models|chatbot|claude|gpt|copilot|gemini|cursor",
    ),
    ("de", "du|dein*|dir|dich|assistent*|die ki|ki-modell|ki|sprachmodell*|das modell"),
    ("fr", "tu|vous|votre|vos|ton|ta|tes|l'assistant|assistant|l'ia|le modèle|modèle de langage|agent"),
    ("es", "tú|tu|tus|usted|asistente|la ia|el modelo|modelo de lenguaje|agente"),
    ("pt", "você|tu|seu|sua|assistente|a ia|o modelo|modelo de linguagem|agente"),
    ("it", "tu|tuo|tua|assistente|l'ia|il modello|modello linguistico|agente"),
    ("nl", "je|jij|jouw|assistent|de ai|het model|taalmodel|agent"),
    ("pl", "asystent*|model|modelu językow*|agent"),
    ("ru", "ты|вы|ассистент*|помощник|модель|модели|ии|агент*|нейросет*"),
    ("uk", "ти|ви|асистент*|помічник|модель|ші|агент*"),
    ("tr", "sen|asistan*|yapay zeka|model|ajan"),
    ("zh", "你|您|助手|模型|人工智能|智能体|代理|大模型"),
    ("ja", "あなた|アシスタント|モデル|エージェント"),
    ("ko", "당신|어시스턴트|모델|에이전트|비서"),
    ("ar", "أنت|المساعد|النموذج|الوكيل|الذكاء الاصطناعي"),
    ("hi", "आप|तुम|सहायक|मॉडल|एजेंट"),
    ("id", "anda|kamu|asisten|model|agen"),
    ("vi", "bạn|trợ lý|mô hình|tác nhân"),
];

/// The person in front of the model.
pub(super) const USER: Table = &[
    (
        "en",
        "the person|person you|somebody|someone|whoever|user|users|user's|the human|human|the person|end user|end-user|customer|the operator|the client|the owner|anyone|anybody|people|the developer|requester|them|him or her|the individual|the reader|the caller",
    ),
    (
        "de",
        "person|gegenüber|auftraggeber*|gesprächspartner*|kundschaft|nutzer*|benutzer*|anwender*|den menschen|dem menschen|kunde*|niemand*",
    ),
    (
        "fr",
        "usager*|la personne|interlocut*|le demandeur|utilisateur*|utilisatrice*|l'humain|client|à personne|à quiconque",
    ),
    ("es", "la persona|interlocutor*|a quien pregunta|usuario*|usuaria*|humano|cliente|a nadie"),
    ("pt", "a pessoa|interlocutor*|quem pergunta|usuário*|utilizador*|humano|cliente|a ninguém"),
    ("it", "la persona|interlocutor*|chi chiede|utente|utenti|umano|cliente|a nessuno"),
    ("nl", "de persoon|gesprekspartner|de vrager|gebruiker*|de mens|klant|niemand"),
    ("pl", "osob*|rozmówc*|użytkownik*|człowiek*|klient*|nikomu"),
    ("ru", "собеседник*|человеку|пользовател*|юзер*|человек*|клиент*|никому"),
    ("uk", "співрозмовник*|людині|користувач*|людин*|клієнт*|нікому"),
    ("tr", "karşı taraf*|kişi*|kullanıcı*|insan*|müşteri*|kimseye"),
    ("zh", "对方|人类|当事人|提问者|用户|用戶|使用者|人类|人類|客户|任何人"),
    ("ja", "相手|本人|依頼者|ユーザー|ユーザ|利用者|使用者|人間|誰にも"),
    ("ko", "상대방|당사자|본인|사용자|유저|이용자|아무에게도|고객"),
    ("ar", "الشخص|الطرف الآخر|المستخدم|للمستخدم|مستخدم|أحد|العميل"),
    ("hi", "व्यक्ति|सामने वाले|उपयोगकर्ता|यूज़र|यूजर|प्रयोक्ता|उपभोक्ता|किसी को"),
    ("id", "orang tersebut|lawan bicara|pengguna|manusia|siapa pun|siapapun"),
    ("vi", "người kia|đối phương|người dùng|con người|bất kỳ ai|khách hàng"),
];

/// Do not, never, without.
pub(super) const NOT: Table = &[
    (
        "en",
        "does not need to|doesn't need to|do not need to|don't need to|has no need to|have no need to|is not supposed to|are not supposed to|isn't supposed to|not supposed to|must never|should never|may never|ought not to|shall never|have no business|has no business|nobody|no one|nothing|do not|don't|dont|never|must not|mustn't|should not|shouldn't|shall not|may not|cannot|can't|will not|won't|without|avoid|refrain from|refrain|no need to|need not|not to|not be|not have to|there is no reason to|neither|nor|at no point|under no circumstances|not under any circumstances|not necessary to|omit|skip|stop short of|prevent|abstain from|you needn't|not even|isn't necessary to|there's no need to|not been|not required to|leave out",
    ),
    ("de", "nicht|nichts|niemals|nie|ohne|kein*|vermeide*|unterlasse*"),
    ("fr", "ne|n'|pas|jamais|sans|évite*|aucun*|surtout pas"),
    ("es", "no|nunca|sin|jamás|evita*|ningún|nada"),
    ("pt", "não|nunca|sem|jamais|evite*|nada"),
    ("it", "non|mai|senza|evita*|nulla|niente"),
    ("nl", "niet|nooit|zonder|geen|niets|vermijd*"),
    ("pl", "nie|nigdy|bez|unikaj*|nic"),
    ("ru", "не|никогда|без|избегай*|ничего"),
    ("uk", "не|ніколи|без|уникай*|нічого"),
    (
        "tr",
        "*meyin|*mayın|*meyiniz|*mayınız|*memeli|*mamalı|*mez|*maz|*miyor|*mıyor|*muyor|*müyor|*ilmez|*ılmaz|*nmaz|*nmez|asla|değil|olmadan|sakın|hiçbir|etme|meden|madan|mayın|meyin|maksızın|meksizin",
    ),
    (
        "zh",
        "不要|不得|不能|切勿|勿|别|別|不可|禁止|无需|無需|不应|不應|请勿|請勿|不必|不许|不让|不讓|不会|无法|無法|不支持|绝不|決不|绝不能|从不",
    ),
    (
        "ja",
        "ないで|せずに|しない|なしに|決して|ず、|しては|いけません|ならない|禁止|なしで|ずに|できません|ません|対象外",
    ),
    (
        "ko",
        "마세요|마십시오|말고|말 것|않고|없이|절대|안 됩니다|안 된다|하지 마|금지|않도록|지 말|수 없습니다|수 없|않습니다|못합니다",
    ),
    ("ar", "لا|دون|بدون|عدم|أبدا|أبدًا|تجنب|ولا"),
    ("hi", "मत|न करें|नहीं|बिना|कभी न|न बताएं|न दें|ना"),
    ("id", "jangan|tidak|tanpa|hindari|dilarang"),
    ("vi", "không|đừng|chớ|mà không|tránh|không được"),
];

/// All, every.
pub(super) const EVERY: Table = &[
    ("en", "all|every|each|any|everything|entire|full|complete|whole|verbatim"),
    ("de", "alle*|jede*|gesamt*|vollständig*"),
    ("fr", "tous|toutes|tout|toute|chaque|entier|intégral*|complet*"),
    ("es", "todos|todas|todo|toda|cada|complet*|entero"),
    ("pt", "todos|todas|todo|toda|cada|complet*|inteiro"),
    ("it", "tutti|tutte|tutto|tutta|ogni|complet*|inter*"),
    ("nl", "alle|elke|iedere|volledige"),
    ("pl", "wszystk*|każd*|cał*|pełn*"),
    ("ru", "все|всех|всё|кажд*|полн*|любо*|весь"),
    ("uk", "всі|усі|кожн*|повн*|будь-як*"),
    ("tr", "tüm|bütün|her"),
    ("zh", "所有|全部|每个|每個|任何|完整|一切"),
    ("ja", "すべて|全て|あらゆる|全部|全文"),
    ("ko", "모든|모두|전체|각"),
    ("ar", "جميع|كل|كامل"),
    ("hi", "सभी|हर|पूरा|पूरी|संपूर्ण"),
    ("id", "semua|setiap|seluruh|lengkap"),
    ("vi", "tất cả|mọi|mỗi|toàn bộ|đầy đủ"),
];

/// The order itself, as a thing that could be talked about.
pub(super) const THIS: Table = &[
    (
        "en",
        "this instruction|these instructions|this step|these steps|this action|this behavior|this behaviour|this requirement|this rule|this process|this directive|this note|this message|this request|this operation|this procedure|this policy|this guidance|this fact|this detail|this lookup|this transfer|this check|this file access|this to|this when|this in|the fact that|that you|that this|that it|that the file|about this|about it|about these|any of this|of this|it to the user|mention it|mention this|reveal this|disclose this|this|having read|having done|your reasoning|what you did|what you have done|why you|these actions|this copy|this forwarding|the instruction|the instructions|this part|this section|this paragraph|this block|the forwarding|the copy|the upload|the extra|the additional|this additional|this extra|this side|this hidden",
    ),
    (
        "de",
        "diese anweisung*|diesen schritt*|dieser schritt|dies|davon|darüber|dass du|dass sie|dieser vorgang|diesen vorgang",
    ),
    (
        "fr",
        "cette instruction|ces instructions|cette étape|cela|ceci|que tu|que vous|cette action|cette opération|en parle*",
    ),
    ("es", "esta instrucción|estas instrucciones|este paso|esto|ello|que has|que has leído|esta acción|esta operación"),
    ("pt", "esta instrução|estas instruções|este passo|esta etapa|essa etapa|isto|isso|disso|disto|que você|esta ação"),
    (
        "it",
        "questa istruzione|queste istruzioni|questo passaggio|ciò|questo|di averlo|che hai|questa operazione|questa azione",
    ),
    ("nl", "deze instructie*|deze stap*|dit|hierover|dat je|deze actie"),
    ("pl", "tej instrukcji|tym kroku|tego kroku|o tym|tego|tę|tej operacji|tej czynności"),
    ("ru", "эту инструкцию|этой инструкции|этот шаг|этом шаге|об этом|это|этого|этом"),
    ("uk", "цю інструкцію|цей крок|про це|це|цього"),
    ("tr", "bu talimat*|bu adım*|bunu|bundan|bu işlem*"),
    (
        "zh",
        "此指令|该指令|这些指令|此步骤|该步骤|这一步|此事|这件事|此操作|该操作|這些|這個|此說明|这一点|此说明|这个步骤|这个操作|本指令",
    ),
    ("ja", "この指示|この手順|このこと|これ|この操作|この処理|この説明|本件"),
    ("ko", "이 지시|이 단계|이 사실|이를|이것|이 작업|이 내용|이 과정"),
    ("ar", "هذه التعليمات|هذه الخطوة|هذا|ذلك|هذه العملية"),
    ("hi", "इस निर्देश|इस चरण|यह|इसके|इसका|इस बारे"),
    ("id", "instruksi ini|langkah ini|hal ini|ini|tentang ini"),
    ("vi", "chỉ dẫn này|hướng dẫn này|bước này|điều này|việc này|thao tác này"),
];

/// Asking the person: the opposite of hiding.
pub(super) const ASK: Table = &[
    (
        "en",
        "ask the user|asking the user|ask for confirmation|asking for confirmation|ask for permission|asking for permission|ask first|user confirmation|user's consent|user consent|user approval|explicit consent|explicit confirmation|confirm with the user|prompt the user|with the user's permission|check with the user|user explicitly|user confirms|user has confirmed|user approves|let the user know",
    ),
    ("de", "frage den nutzer|fragen sie den benutzer|bestätigung"),
    ("fr", "demande* à l'utilisateur|demande* confirmation"),
    ("es", "pregunta* al usuario|confirmación del usuario"),
];

/// What happens otherwise.
pub(super) const THREAT: Table = &[
    (
        "en",
        "otherwise|or else|will not work|won't work|will fail|will crash|will be blocked|be lost|will be terminated|will be suspended|will be rejected|fails otherwise|failure to|be shut down|will break|data loss|will be denied|will be revoked|be penalized|be harmed|be corrupted|will error|refuses to|people will",
    ),
    ("de", "andernfalls|sonst|schlägt fehl|funktioniert nicht"),
    ("fr", "sinon|ne fonctionnera pas|échouera"),
    ("es", "de lo contrario|no funcionará|fallará|si no"),
    ("pt", "caso contrário|não funcionará|falhará|senão"),
    ("it", "altrimenti|non funzionerà|fallirà"),
    ("nl", "anders|werkt niet|mislukt"),
    ("pl", "w przeciwnym razie|inaczej|nie zadziała"),
    ("ru", "иначе|в противном случае|не будет работать"),
    ("uk", "інакше|в іншому випадку|не працюватиме"),
    ("tr", "aksi halde|aksi takdirde|yoksa|çalışmaz"),
    ("zh", "否则|否則|将失败|無法|将无法|会失败"),
    ("ja", "さもないと|そうしないと|動作しません|失敗します"),
    ("ko", "그렇지 않으면|작동하지 않|실패합니다"),
    ("ar", "وإلا|لن تعمل|لن يعمل|ستفشل"),
    ("hi", "अन्यथा|वरना|नहीं तो|काम नहीं"),
    ("id", "jika tidak|kalau tidak|tidak akan berfungsi|gagal"),
    ("vi", "nếu không|sẽ thất bại|sẽ không hoạt động"),
];
